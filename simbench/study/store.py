"""The store: one file per unit, either absent or whole.

    <out>/<study>/<preset>/units/<unit>.parquet

A file is written under a name of its own (host, process, random), forced to disk, renamed to its final name, and the
folder is forced to disk. So a killed process leaves at most a draft, which is ignored, and swept away when its
process is gone. Two processes that compute the same unit write the same bytes, and the second rename changes nothing.
A file that is not the unit it is named after, to the last byte, counts as missing.
"""

import dataclasses
import os
import re
import socket
import time
import uuid
from pathlib import Path
from typing import Literal

import pyarrow as pa

from simbench.errors import SimbenchError
from simbench.study.plan import Plan, Unit
from simbench.study.unit_file import check, decode

State = Literal["done", "missing", "corrupt"]
DRAFT = re.compile(r"^\.[0-9a-f]+\.(?P<host>.+)\.(?P<process>\d+)\.[0-9a-f]{32}\.draft$")
STALE_AFTER = (
    24 * 3600.0
)  # seconds after which another host's draft is taken to be abandoned; writing one takes less


class StoreError(SimbenchError):
    """Results cannot be written: no space, no permission, or no such folder."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store:
    """The results of one study under one preset."""

    folder: Path

    def path(self, unit: Unit) -> Path:
        """Return where a unit's file lies when it is done."""
        return self.folder / f"{unit.id}.parquet"

    def read(self, unit: Unit) -> pa.Table | None:
        """Return a unit's table, or None when it is missing.

        Raises `ValueError` when a file is there but is not that unit, whole and undamaged.
        """
        content = self._content(unit)
        return None if content is None else decode(unit, content)

    def state(self, unit: Unit) -> State:
        """Return whether a unit is done, missing, or there but damaged; every byte is checked."""
        try:
            content = self._content(unit)
            if content is None:
                return "missing"
            check(unit, content)
        except ValueError:
            return "corrupt"
        return "done"

    def _content(self, unit: Unit) -> bytes | None:
        file = self.path(unit)
        try:
            if file.exists() and not file.is_file():  # a pipe would be waited for
                raise ValueError("not a file")
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ValueError(str(error.strerror)) from None

    def open(self) -> None:
        """Create the folder, see that it can be written to, and sweep drafts of processes that are gone.

        Raises `StoreError` in one sentence otherwise.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self._draft("0")
            probe.touch(exist_ok=False)
            probe.unlink()
        except OSError as error:
            raise StoreError(f"results cannot be written to {self.folder}: {_reason(error)}.") from None
        for file in self.folder.glob(".*.draft"):
            if _abandoned(file):
                file.unlink(missing_ok=True)

    def write(self, unit: Unit, content: bytes) -> None:
        """Make `content` the file of `unit`, atomically and durably.

        Raises `StoreError` when the disk refuses; nothing but finished units is left behind.
        """
        draft = self._draft(unit.id)
        try:
            with open(draft, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path(unit))
            _force_folder(self.folder)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StoreError(f"results cannot be written to {self.folder}: {_reason(error)}.") from None

    def _draft(self, stem: str) -> Path:
        return self.folder / f".{stem}.{_host()}.{os.getpid()}.{uuid.uuid4().hex}.draft"


def store_of(plan: Plan, out: str | Path) -> Store:
    """Return the store of a plan under the results folder `out`."""
    return Store(folder=folder_of(plan.study.name, plan.study.preset, out))


def folder_of(study: str, preset: str, out: str | Path) -> Path:
    """Return where the units of a study at a preset lie under the results folder `out`."""
    return Path(out) / study / preset / "units"


def _host() -> str:
    return re.sub(r"[^\w-]", "-", socket.gethostname()) or "host"


def _abandoned(draft: Path) -> bool:
    match = DRAFT.match(draft.name)
    if match is None:
        return False
    if match["host"] == _host():
        return not _alive(int(match["process"]))
    try:
        return time.time() - draft.stat().st_mtime > STALE_AFTER
    except FileNotFoundError:
        return False  # its process has just finished it


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _force_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
