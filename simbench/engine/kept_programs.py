"""What XLA compiled, shared by the worker processes of a machine through sealed files.

JAX's own cache writes a program in place, so a killed worker leaves half of one, warns of it in every later process,
and never replaces it.
"""

from pathlib import Path
from typing import Any

from simbench.engine import sealed

_installed = False


def seal_programs() -> None:
    """Let JAX's cache of compiled programs, if it is switched on, read and write sealed files from now on.

    A release of JAX whose cache is built otherwise keeps its own.
    """
    global _installed
    if _installed:
        return
    _installed = True
    try:
        from jax._src import compilation_cache
    except ImportError:
        return
    if hasattr(compilation_cache, "get_file_cache"):
        jax_cache: Any = compilation_cache
        jax_cache.get_file_cache = lambda path: (SealedPrograms(path), path)


class SealedPrograms:
    """Programs by key, as JAX asks for them (its `CacheInterface`)."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)

    def get(self, key: str) -> bytes | None:
        """Return a program, or None when it has to be compiled."""
        return sealed.read(self._file(key))

    def put(self, key: str, value: bytes) -> None:
        """Keep a program."""
        sealed.write(self._file(key), value)

    def _file(self, key: str) -> Path:
        return self._path / f"{key}.program"
