"""The store: units are absent or whole, whatever happens while they are written."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from simbench.study.execution.compute import simulate
from simbench.study.plan import make_plan
from simbench.study.store import Store, StoreError, store_of
from simbench.study.study import load_study
from simbench.study.unit_file import encode
from tests.study.conftest import QUICK_LEARNER


@pytest.fixture
def stored(write_study):
    """A store, its plan, and the bytes of the plan's first unit."""
    write_study(QUICK_LEARNER)
    plan = make_plan(load_study("tiny"))
    store = store_of(plan, "results")
    store.open()
    return store, plan, encode(plan.units[0], simulate(plan.units[0]))


def test_a_unit_is_missing_then_done(stored):
    store, plan, content = stored
    unit = plan.units[0]
    assert store.folder == Path("results/tiny/full/units")
    assert store.state(unit) == "missing"
    assert store.read(unit) is None
    store.write(unit, content)
    assert store.state(unit) == "done"
    assert store.path(unit).read_bytes() == content
    assert [file.name for file in store.folder.iterdir()] == [f"{unit.id}.parquet"]


def test_a_file_that_is_not_the_unit_it_is_named_after_is_corrupt(stored):
    store, plan, content = stored
    first, second = plan.units[:2]
    for wrong in (b"", b"PAR1", content[:-10], content):
        store.path(second).write_bytes(wrong)
        assert store.state(second) == "corrupt"
    assert store.state(first) == "missing"


def test_writing_twice_changes_nothing(stored):
    store, plan, content = stored
    for _ in range(2):
        store.write(plan.units[0], content)
    assert store.path(plan.units[0]).read_bytes() == content


def test_drafts_of_dead_processes_are_swept_and_those_of_living_ones_are_not(stored):
    store, _, _ = stored
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    drafts = {process: store._draft("ab") for process in (os.getpid(), int(dead.stdout))}
    for process, draft in drafts.items():
        parts = draft.name.split(".")
        parts[3] = str(process)
        drafts[process] = draft.with_name(".".join(parts))
        drafts[process].write_bytes(b"half a unit")
    elsewhere = store.folder / drafts[os.getpid()].name.replace(f".{parts[2]}.", ".another-host.")
    elsewhere.write_bytes(b"half a unit")
    old = elsewhere.with_name(elsewhere.name.replace("another-host", "third-host"))
    old.write_bytes(b"half a unit")
    os.utime(old, (0, 0))
    unrelated = store.folder / ".notes.draft"
    unrelated.write_bytes(b"")
    store.open()
    assert {file.name for file in store.folder.iterdir()} == {
        drafts[os.getpid()].name,
        elsewhere.name,
        unrelated.name,
    }


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(stored):
    store, plan, content = stored
    store.write(plan.units[0], content)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, hard))  # the kernel refuses to write more
    try:
        with pytest.raises(StoreError, match=r"results cannot be written to .*units: file too large\."):
            store.write(plan.units[1], content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert [file.name for file in store.folder.iterdir()] == [f"{plan.units[0].id}.parquet"]
    assert store.state(plan.units[0]) == "done"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO])
def test_any_refusal_of_the_disk_is_one_sentence(stored, monkeypatch, code):
    store, plan, content = stored

    def refuse(descriptor):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=os.strerror(code).lower()):
            store.write(plan.units[0], content)
    assert list(store.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(workplace):
    (workplace / "file").write_text("")
    for folder in (workplace / "file", workplace / "file" / "units", Path("/proc/simbench/units")):
        with pytest.raises(StoreError, match="results cannot be written to"):
            Store(folder=folder).open()
