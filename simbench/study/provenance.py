"""Where a number comes from: parameters in canonical form, the sources that computed it, versions, and the CPU.

Everything here is deterministic: no dates, no host names, no paths. Two machines of one kind write the same bytes.
"""

import dataclasses
import enum
import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simbench.errors import SimbenchError

PACKAGES = ("jax", "jaxlib", "numba", "numpy")


def digest(value: Any) -> str:
    """Return 32 hex digits of the canonical JSON of `value`."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=16).hexdigest()


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys, no spaces, and floats to the last bit: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(thing: Any, where: str) -> Any:
    """Return parameters as plain JSON values: records as tables with defaults written out, files as digests.

    Raises `SimbenchError`, naming `where`, for a value that has no canonical text.
    """
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.ndarray | np.generic):
        return thing.tolist()
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = dataclasses.fields(thing)
        return {
            field.name: canonical(getattr(thing, field.name), f"{where}, {field.name}") for field in fields
        }
    if isinstance(thing, Mapping):
        return {str(key): canonical(value, f"{where}, {key}") for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [canonical(value, where) for value in thing]
    if isinstance(thing, enum.Enum):
        return canonical(thing.value, where)
    if isinstance(thing, Path):
        return {"file": _file_digest(thing)}
    raise SimbenchError(
        f"{where}: a parameter of type {type(thing).__name__} cannot name a result; use numbers and text."
    )


def _file_digest(path: Path) -> str:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError as error:
        raise SimbenchError(f"{path} cannot be read: {error.strerror}.") from None


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the versions of the packages that do the arithmetic."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


@functools.cache
def cpu_model() -> str:
    """Return the CPU's name as the system gives it: results are the same to the bit within one CPU type."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else (platform.processor() or platform.machine())
