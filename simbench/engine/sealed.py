"""Compiled programs on disk, each under a seal: a checksum of its bytes, in front of them.

Compiled code that has lost a bit ends a process without a word. So nothing is loaded whose seal is broken: it is taken
away, said once, and compiled again. A file is written beside its place and renamed into it, so a killed process leaves
a draft at most. Where nothing can be written, nothing is kept: programs are then compiled once per process.
"""

import contextlib
import hashlib
import os
import stat
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

MARK = b"simbench sealed 1\n"
SEAL = 32  # bytes of checksum
ABANDONED = 3600.0  # seconds after which a draft is of a process that was killed: writing one takes none


def kernel_cache(subfolder: str) -> Path | None:
    """Return a folder of compiled programs, made if need be, or None where there is no place for one.

    It lies in $SIMBENCH_CACHE, else in $XDG_CACHE_HOME/simbench, else in ~/.cache/simbench. The latter two count only
    if they are absolute: a cache in whatever folder somebody works in would be found by nobody.
    """
    base = _base()
    if base is None:
        return None
    folder = base / subfolder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


def _base() -> Path | None:
    if given := os.environ.get("SIMBENCH_CACHE"):
        return Path(given).absolute()
    if (shared := Path(os.environ.get("XDG_CACHE_HOME", ""))).is_absolute():
        return shared / "simbench"
    try:
        home = Path.home()
    except RuntimeError:  # HOME is unset, and the user has no entry in the list of users
        return None
    return home / ".cache" / "simbench" if home.is_absolute() else None


def read(file: Path) -> bytes | None:
    """Return what was written to `file`, or None when it is missing or damaged; a damaged one is taken away."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise ValueError("no file")
        content = file.read_bytes()
        head = len(MARK) + SEAL
        if content[: len(MARK)] != MARK or content[len(MARK) : head] != _seal(content[head:]):
            raise ValueError("broken seal")
        return content[head:]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        say_damaged(str(file.parent))
        with contextlib.suppress(OSError):
            file.unlink()
        return None


def write(file: Path, content: bytes) -> None:
    """Make `content` the bytes of `file` under a seal; where the disk refuses, nothing is kept and nobody is told."""
    draft = file.with_name(f".{uuid.uuid4().hex}.draft")
    try:
        draft.write_bytes(MARK + _seal(content) + content)
        os.replace(draft, file)
        for other in file.parent.glob(".*.draft"):
            if time.time() - other.stat().st_mtime > ABANDONED:
                other.unlink()
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()


def _seal(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=SEAL).digest()


_told: set[str] = set()
_listeners: list[Callable[[str], None]] = []


def say_damaged(folder: str) -> None:
    """Say, once per folder, that a program in it was damaged; a worker tells the process that started it."""
    if folder in _told:
        return
    _told.add(folder)
    for listener in _listeners:
        listener(folder)
    if not _listeners:
        print(f"note: a damaged program in {folder} is compiled again.", file=sys.stderr)


def tell_instead(listener: Callable[[str], None]) -> None:
    """Hand folders with damaged programs to `listener` from now on, in place of standard error."""
    _listeners[:] = [listener]
