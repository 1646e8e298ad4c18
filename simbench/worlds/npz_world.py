"""The arrays of a world from an npz file, checked for their names and types; `Bandit` checks the numbers."""

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from simbench.bandit.bandit import OPTIONAL_FIELDS
from simbench.errors import SimbenchError, UnknownNameError, nearest

MOST_BYTES = 2**30  # of all arrays together, unpacked and as float64
DAMAGE = (
    ValueError, zipfile.BadZipFile, zlib.error, EOFError, MemoryError, OverflowError, NotImplementedError,
    OSError, RuntimeError, SyntaxError, TypeError,
)  # what zipfile and NumPy raise for a damaged member  # fmt: skip
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
NAMES = ("rho", "ref", "log_ref", "reward", "beta", "reward_bound", *OPTIONAL_FIELDS)


def read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an npz file by name.

    Raises `SimbenchError` naming the file and array: not an npz file, an unknown array (with the nearest
    valid name), a missing one, both `ref` and `log_ref`, or one that does not hold real numbers.
    """
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
        except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
            archive = None
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise SimbenchError(
                f"{path} is not an npz file; save the world with np.savez(path, ref=..., reward=...)."
            )
        for name in archive.files:
            if name not in NAMES:
                raise UnknownNameError(f"{path}: unknown array '{name}'. {nearest(name, NAMES)}")
        size = (
            sum(_declared_bytes(archive, member) for member in archive.zip.infolist()) if archive.zip else 0
        )
        if size > MOST_BYTES:
            raise SimbenchError(
                f"{path}: its arrays unpack to {size} bytes as float64; at most {MOST_BYTES} are read."
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


def _declared_bytes(archive: Any, member: zipfile.ZipInfo) -> int:
    """Return what a member says that it needs: its bytes unpacked, or eight for each entry that its header declares."""
    try:
        with archive.zip.open(member) as file:
            read = HEADERS[np.lib.format.read_magic(file)]
            shape, _, _ = read(file)
    except (*DAMAGE, KeyError):  # no array, or a damaged one: reading it says so
        return member.file_size
    return max(member.file_size, 8 * math.prod(shape))


def _real(archive: Any, name: str, path: Path) -> np.ndarray:
    try:
        array = archive[name]
    except DAMAGE:
        raise SimbenchError(f"{path}: array '{name}' is damaged, or holds no numbers.") from None
    if not isinstance(array, np.ndarray):
        raise SimbenchError(f"{path}: '{name}' is no array.")
    if array.dtype.kind not in "biuf":
        raise SimbenchError(f"{path}: array '{name}' holds {array.dtype} entries; it must hold real numbers.")
    return np.asarray(array, dtype=np.float64)
