"""Units computed by other sources count as missing, and it is said why."""

import pytest

from simbench import import_closure
from simbench.errors import SimbenchError
from simbench.study import plan as planning
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.stale import stale_note
from simbench.study.store import store_of
from simbench.study.study import load_study
from simbench.study.table import load_table
from tests.study.conftest import QUICK_LEARNER


@pytest.fixture
def run_before(write_study):
    """The tiny study, run; the note that a later plan of it deserves."""
    write_study(QUICK_LEARNER)
    plan = make_plan(load_study("tiny", "quick"))
    run_plan(plan, workers=1)

    def note():
        later = make_plan(load_study("tiny", "quick"))
        return stale_note(later, store_of(later, "results"))

    return note


def test_nothing_is_said_where_nothing_changed(run_before):
    assert run_before() is None
    next(store_of(make_plan(load_study("tiny", "quick")), "results").folder.iterdir()).unlink()
    assert run_before() is None


def test_other_sources_and_other_packages_are_told_apart(run_before, monkeypatch):
    with monkeypatch.context() as edited:
        edited.setattr(import_closure, "digest", lambda roots: "0123456789abcdef")
        assert run_before().startswith("4 units were computed by other sources of simbench, so they count")
        with pytest.raises(SimbenchError, match=r"no results in .*; run .* first\. 4 units were computed by"):
            load_table("tiny", "quick")
    monkeypatch.setattr(planning, "package_versions", lambda: {"numpy": "0.1"})
    assert run_before().startswith("4 units were computed by other versions of packages, so")


def test_a_study_of_other_numbers_is_no_stale_one(run_before, write_study):
    write_study(QUICK_LEARNER, ("rounds = 20", "rounds = 21"))
    assert run_before() is None


def test_the_run_says_so_and_computes_them(run_before, monkeypatch):
    digest = import_closure.digest
    monkeypatch.setattr(import_closure, "digest", lambda roots: "0123456789abcdef")
    notes = []
    plan = make_plan(load_study("tiny", "quick"))
    assert run_plan(plan, workers=1, notify=notes.append).computed == 4
    assert [note.partition(" computed")[0] for note in notes] == ["4 units were"]
    assert run_before() is None
    monkeypatch.setattr(
        import_closure, "digest", digest
    )  # the old sources again: their files are still there
    assert run_before() is None


def test_files_that_say_nothing_are_passed_over(run_before, monkeypatch):
    folder = store_of(make_plan(load_study("tiny", "quick")), "results").folder
    (folder / "note.parquet").write_bytes(b"no table")
    monkeypatch.setattr(import_closure, "digest", lambda roots: "0123456789abcdef")
    assert run_before().startswith("4 units")
