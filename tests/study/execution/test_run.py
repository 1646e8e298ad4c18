"""Running a study: what is missing is computed, what exists is kept, what fails is named."""

import numpy as np
import pytest

from simbench import import_closure
from simbench.engine import log_checkpoints, run_block
from simbench.errors import SimbenchError
from simbench.registry import configure
from simbench.study.execution import estimate as estimating
from simbench.study.execution import run as running
from simbench.study.execution.estimate import estimate
from simbench.study.execution.plugins import load_plugins
from simbench.study.execution.run import run_plan, units_to_do
from simbench.study.plan import make_plan
from simbench.study.store import StoreError, store_of
from simbench.study.study import load_study
from simbench.study.table import load_table, unit_states
from simbench.study.unit_file import KEYS
from simbench.worlds import make
from tests.cli.conftest import simbench  # noqa: F401 - a fixture
from tests.study.conftest import QUICK_LEARNER


@pytest.fixture
def plan(write_study):
    write_study(QUICK_LEARNER)
    return make_plan(load_study("tiny", "quick"))


def contents(plan, out="results"):
    return {file.name: file.read_bytes() for file in store_of(plan, out).folder.iterdir()}


def test_what_is_missing_is_computed_and_what_exists_is_kept(plan):
    first = run_plan(plan, workers=1)
    assert (first.units, first.computed) == (4, 4)
    whole = contents(plan)
    assert run_plan(plan, workers=1).computed == 0
    store = store_of(plan, "results")
    store.path(plan.units[1]).unlink()
    store.path(plan.units[2]).write_bytes(whole[f"{plan.units[2].id}.parquet"][:-20])
    notes = []
    assert run_plan(plan, workers=1, notify=notes.append).computed == 2
    assert len(notes) == 1
    assert plan.units[2].id in notes[0]
    assert contents(plan) == whole
    assert run_plan(plan, workers=1, force=True).computed == 4
    assert contents(plan) == whole


def test_the_table_is_what_the_engine_plays(plan):
    """Every row of a study is the row of a direct call to the engine, in plan order."""
    run_plan(plan, workers=1)
    table = load_table("tiny", "quick")
    assert tuple(table.columns[: len(KEYS)]) == KEYS
    assert table.attrs["complete"]
    assert not table.attrs["partial"]
    world = make(
        {"family": "random_tabular", "parameters": {"prompts": 2, "responses": 3, "beta": 1.0}}, instance=0
    )
    start = 0
    for name, label in (("reference", "reference"), ("uniform", "all alike")):
        for runs in ([0, 1], [2]):
            made = run_block(
                world, configure("learner", name, {}, "test"), rounds=20, runs=runs, block=2,
                checkpoints=log_checkpoints(20, 8), quantities=("value_gap",),
            )  # fmt: skip
            rows = table.iloc[start : start + len(made["run"])]
            start += len(rows)
            assert set(rows["learner"]) == {label}
            for column, values in made.items():
                np.testing.assert_array_equal(rows[column], values)
    assert start == len(table)


def test_a_partial_result_says_so(plan, workplace):
    with pytest.raises(SimbenchError, match=r"no results .* run `simbench run tiny --preset quick` first"):
        load_table("tiny", "quick")
    run_plan(plan, workers=1)
    store = store_of(plan, "results")
    store.path(plan.units[0]).unlink()
    store.path(plan.units[3]).write_bytes(b"PAR1")
    states = [(state.unit.id, state.state) for state in unit_states(plan, "results")]
    assert [state for _, state in states] == ["missing", "done", "done", "corrupt"]
    assert [unit for unit, _ in states] == [unit.id for unit in plan.units]
    table = load_table("tiny", "quick")
    assert table.attrs["units"] == {"total": 4, "done": 2, "missing": 1, "corrupt": 1}
    assert table.attrs["partial"]
    assert not table.attrs["complete"]
    assert [unit.id for unit in units_to_do(plan, store)] == [plan.units[0].id, plan.units[3].id]


def test_without_a_preset_the_results_that_are_there_are_taken(plan, write_study):
    run_plan(plan, workers=1)
    assert load_table("tiny").attrs["preset"] == "quick"
    run_plan(make_plan(load_study("tiny")), workers=1)
    assert load_table("tiny").attrs["preset"] == "full"


BROKEN = """
import simbench as sb

@sb.register("learner", "broken")
@sb.parameters
class Broken(sb.RoundLearner):
    def init(self, world): return world.log_ref
    def act(self, state, world): return state, state
    def observe(self, state, world, comparison): {fault}
    def policy(self, state, world): return state
"""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("return state.no_such_field", ["AttributeError", "no_such_field", "broken.py, line 9"]),
        ("raise sb.SimbenchError('this world is not for me.')", ["this world is not for me."]),
        ("return state[0]", ["Broken: observe changes the state"]),
    ],
)
def test_a_learner_that_fails_is_named_with_its_cause(write_study, workplace, fault, words):
    (workplace / "broken.py").write_text(BROKEN.format(fault=fault))
    write_study(
        ('name = "online_dpo"', 'name = "uniform"'), ('name = "uniform"\nlabel', 'name = "broken"\nlabel')
    )
    plugins = load_plugins(["broken.py"])
    plan = make_plan(load_study("tiny", "quick"))
    with pytest.raises(SimbenchError) as failure:
        run_plan(plan, workers=1, plugins=plugins)
    for word in ["learner 'all alike'", "setting base", "instance 0", "runs 0 to 1", *words]:
        assert word in str(failure.value)
    assert [state.state for state in unit_states(plan, "results")] == [
        "done",
        "done",
        "missing",
        "missing",
    ]
    with pytest.raises(SimbenchError):
        estimate(plan.units, workers=1, plugins=plugins)


@pytest.mark.parametrize("method", ["init(self, world)", "kernel(self, world)"])
def test_a_learner_that_fails_costs_the_others_nothing(write_study, workplace, simbench, method):  # noqa: F811
    """It raises while it is planned, or as it starts: all others are computed, it is named, and mending resumes."""
    mended = BROKEN.format(fault="return state") + "    def kernel(self, world): return None\n"
    (workplace / "broken.py").write_text(
        mended.replace(f"def {method}: ", f"def {method}: raise OSError('no'); ")
    )
    first = ('name = "online_dpo"', 'name = "broken"\n\n[[learner]]\nname = "reference"')
    write_study(first)
    words = ("run", "tiny", "--preset", "quick", "--workers", 1, "--plugin", "broken.py")
    result = simbench(*words)
    assert result.exit_code == 1, result.stderr
    assert "learner 'broken'" in result.stderr
    assert "OSError: no" in result.stderr
    assert "broken.py, line 7" in result.stderr or "broken.py, line 11" in result.stderr
    assert "Traceback" not in result.stderr
    plugins = load_plugins(["broken.py"])
    plan = make_plan(load_study("tiny", "quick"))
    healthy = [unit for unit in plan.units if unit.spec["label"] != "broken"]
    assert len(healthy) == 4
    kept = contents(plan)
    assert set(kept) == {f"{unit.id}.parquet" for unit in healthy}
    assert load_table("tiny", "quick").attrs["partial"]
    (workplace / "broken.py").write_text(mended)
    assert simbench(*words).exit_code == 0
    whole = contents(make_plan(load_study("tiny", "quick")))
    assert len(whole) == 6
    assert {name: whole[name] for name in kept} == kept
    run_plan(make_plan(load_study("tiny", "quick")), out="anew", workers=1, plugins=plugins)
    assert contents(make_plan(load_study("tiny", "quick")), "anew") == whole


def test_a_disk_that_fills_up_keeps_what_is_done(plan, monkeypatch):
    write = running.Store.write

    def fill(store, unit, content):
        if unit == plan.units[2]:
            raise StoreError("results cannot be written to results: no space left on device.")
        write(store, unit, content)

    full = r"no space left on device\. 2 of 4 units of study 'tiny' are done and kept"
    with monkeypatch.context() as disk:
        disk.setattr(running.Store, "write", fill)
        with pytest.raises(StoreError, match=full):
            run_plan(plan, workers=1)
    assert run_plan(plan, workers=1).computed == 2


def test_an_interruption_says_what_is_kept(plan, monkeypatch):
    write = running.Store.write

    def interrupt(store, unit, content):
        write(store, unit, content)
        raise KeyboardInterrupt

    sentence = r"interrupted\. 1 of 4 units .* the same command goes on"
    with monkeypatch.context() as keyboard:
        keyboard.setattr(running.Store, "write", interrupt)
        with pytest.raises(KeyboardInterrupt, match=sentence):
            run_plan(plan, workers=1)
    assert run_plan(plan, workers=1).computed == 3


def test_sources_that_changed_since_planning_are_refused(plan, monkeypatch):
    monkeypatch.setattr(import_closure, "digest", lambda roots: "0123456789abcdef")
    with pytest.raises(SimbenchError, match="sources are 0123456789abcdef, the study was planned with"):
        run_plan(plan, workers=1)


@pytest.mark.parametrize("workers", [0, -3])
def test_workers_are_counted_from_one(plan, workers):
    with pytest.raises(SimbenchError, match=f"workers is {workers}"):
        run_plan(plan, workers=workers)


def test_an_estimate_grows_with_the_work_and_shrinks_with_workers(plan):
    one = estimate(plan.units, workers=1, plugins=())
    assert 0.0 < one.seconds < 600.0
    assert 5e7 < one.memory < 1e10
    assert one.workers == 1


@pytest.mark.parametrize("a_round", [1e-2, 1e-5])
def test_an_estimate_finds_what_everything_costs(write_study, monkeypatch, a_round):
    """Ten seconds to compile, two for a new world, and what a round costs, be it dear or cheap: all are found."""
    write_study(QUICK_LEARNER, ("rounds = 20\ninstances = 1", "rounds = 2_000"))
    units = [
        unit for unit in make_plan(load_study("tiny", "quick")).units if unit.spec["learner"] == "reference"
    ]
    seen = []

    def timed(unit, checkpoints):
        new = unit.spec["instance"] not in seen
        cost = 10.0 * (not seen) + 2.0 * new + a_round * unit.spec["runs"] * int(checkpoints[-1])
        seen.append(unit.spec["instance"])
        return cost

    monkeypatch.setattr(estimating, "_timed", timed)
    label, prices = estimating.calibrate(estimating._sample(units, ()))
    assert label == "reference"
    assert len(set(seen)) == 2
    assert prices.compiling == pytest.approx(10.0)
    assert prices.play == pytest.approx(a_round)
    assert prices.seconds(units[0]) == pytest.approx(2.0 + a_round * units[0].run_rounds)
