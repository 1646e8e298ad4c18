"""Numba's compiled kernels, kept on disk between processes.

Numba's own cache looks for a folder when a function is defined, and for one beside the sources or below the home
first; it trusts what it finds there, and one damaged file stops every later process. Here a kernel of one signature is
one sealed file, and its name a digest of all that it depends on.
"""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from simbench.engine import sealed


def keep(kernel: Any, folder: Path | None) -> None:
    """Let `kernel` be loaded from `folder` and kept there; the folder's name stands for its sources."""
    if folder is not None and hasattr(kernel, "enable_caching"):  # numba may be switched off
        kernel._cache = KeptKernel(kernel.py_func, folder)


class KeptKernel(_Cache):
    """One function's compiled signatures as files of a folder."""

    def __init__(self, function: Any, folder: Path) -> None:
        self._function = function
        self._folder = folder

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(self._folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled signature, or None when it has to be compiled."""
        target_context.refresh()
        key = self._key(sig, target_context.codegen())
        content = sealed.read(self._file(key))
        if content is None:
            return None
        kept, compiled = pickle.loads(content)
        # Types of equal names need not be equal.
        return CompileResult._rebuild(target_context, *compiled) if kept == key else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled signature."""
        if data.lifted or data.library.has_dynamic_globals:
            return  # it holds addresses of this process
        key = self._key(sig, data.codegen)
        sealed.write(self._file(key), dumps((key, data._reduce())))

    def _key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        code = hashlib.sha256(self._function.__code__.co_code).hexdigest()
        return numba.__version__, sig, codegen.magic_tuple(), code

    def _file(self, key: tuple[Any, ...]) -> Path:
        name = hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()
        return self._folder / f"{self._function.__module__}-{self._function.__name__}-{name}.kernel"

    def enable(self) -> None:
        """Do nothing: it is in use from the start."""

    def disable(self) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing: what is kept is named after its sources."""
