"""The arrays of a world from an npz file, checked for their names and types; `Bandit` checks the numbers."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from simbench.bandit.bandit import OPTIONAL_FIELDS
from simbench.errors import SimbenchError, UnknownNameError, nearest

MOST_BYTES = 2**30  # of one array, unpacked
NAMES = ("rho", "ref", "log_ref", "reward", "beta", "reward_bound", *OPTIONAL_FIELDS)


def read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an npz file by name.

    Raises `SimbenchError` naming the file and array: not an npz file, an unknown array (with the nearest
    valid name), a missing one, both `ref` and `log_ref`, or one that does not hold real numbers.
    """
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError):
            archive = None
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise SimbenchError(
                f"{path} is not an npz file; save the world with np.savez(path, ref=..., reward=...)."
            )
        for name in archive.files:
            if name not in NAMES:
                raise UnknownNameError(f"{path}: unknown array '{name}'. {nearest(name, NAMES)}")
        for member in archive.zip.infolist() if archive.zip is not None else ():
            if member.file_size > MOST_BYTES:
                raise SimbenchError(
                    f"{path}: array '{member.filename.removesuffix('.npy')}' unpacks to {member.file_size} bytes; "
                    f"at most {MOST_BYTES} are read."
                )
        arrays = {name: _real(archive, name, path) for name in archive.files}
    require_columns(arrays, str(path), "array")
    return arrays


def require_columns(fields: Any, where: str, noun: str) -> None:
    """Raise unless `reward` (or `prefs`) and exactly one of `ref` and `log_ref` are among `fields`."""
    if "reward" not in fields and "prefs" not in fields:
        raise SimbenchError(f"{where}: the {noun} 'reward' is missing.")
    if "ref" not in fields and "log_ref" not in fields:
        raise SimbenchError(
            f"{where}: the {noun} 'ref' (probabilities) or 'log_ref' (their logarithms) is missing."
        )
    if "ref" in fields and "log_ref" in fields:
        raise SimbenchError(f"{where} has both 'ref' and 'log_ref'; give one of them.")


def _real(archive: Any, name: str, path: Path) -> np.ndarray:
    try:
        array = archive[name]
    except (
        ValueError, zipfile.BadZipFile, zlib.error, EOFError, MemoryError, OverflowError, NotImplementedError,
        OSError, RuntimeError, SyntaxError, TypeError,
    ):  # fmt: skip
        raise SimbenchError(f"{path}: array '{name}' is damaged, or holds no numbers.") from None
    if not isinstance(array, np.ndarray):
        raise SimbenchError(f"{path}: '{name}' is no array.")
    if array.dtype.kind not in "biuf":
        raise SimbenchError(f"{path}: array '{name}' holds {array.dtype} entries; it must hold real numbers.")
    return np.asarray(array, dtype=np.float64)
