"""A digest of our own sources: what a cached kernel and a stored result must agree with."""

import functools
import hashlib
from pathlib import Path

KERNEL_PACKAGES = ("tape", "bandit", "learners", "engine")
RESULT_PACKAGES = ("tape", "bandit", "quantities", "worlds", "learners", "engine", "compiling.py")


@functools.cache
def source_digest(packages: tuple[str, ...]) -> str:
    """Return 16 hex digits that change with any byte of any Python file in these packages and files of simbench."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.blake2b(digest_size=8)
    for package in packages:
        place = root / package
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
            digest.update(file.read_bytes())
            digest.update(b"\0")
    return digest.hexdigest()
