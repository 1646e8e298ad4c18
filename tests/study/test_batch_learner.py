"""Studies with batch learners: `rounds` are labels, as many as 1e12."""

import numpy as np
import pytest

from simbench.engine import run_batches
from simbench.errors import SimbenchError
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.study.execution.estimate import estimate
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.study.table import load_table
from simbench.worlds import make

OFFLINE = ('name = "online_dpo"', 'name = "offline_mle"\nridge = 0.5')
ONLY = ('\n[[learner]]\nname = "uniform"\nlabel = "all alike"\n', "")
MANY = ("rounds = 20", "rounds = 100_000_000_000")


def test_a_study_of_a_batch_learner_is_what_the_engine_plays(write_study):
    write_study(OFFLINE, ONLY, MANY)
    plan = make_plan(load_study("tiny", "quick"))
    assert {unit.spec["engine"] for unit in plan.units} == {"jax"}
    run_plan(plan, workers=1)
    table = load_table("tiny", "quick")
    world = make(
        {"family": "random_tabular", "parameters": {"prompts": 2, "responses": 3, "beta": 1.0}}, instance=0
    )
    for runs in ([0, 1], [2]):
        made = run_batches(
            world, OfflineMLE(ridge=0.5), labels=10**11, runs=runs, block=2, quantities=("value_gap",)
        )
        rows = table[table["run"].isin(runs)]
        for column, values in made.items():
            np.testing.assert_array_equal(rows[column], values)
    assert table["labels"].max() == 10**11
    assert table["round"].max() < 100
    ahead = estimate(plan.units, workers=1, plugins=())
    assert 0.0 < ahead.seconds < 600.0  # of a few iterations, not of 1e11 rounds


def test_both_kinds_of_learner_pay_for_the_same_labels(write_study):
    write_study(OFFLINE, ("rounds = 20", "rounds = 50"))
    run_plan(make_plan(load_study("tiny", "quick")), workers=1)
    table = load_table("tiny", "quick")
    labels = table.groupby("learner")["labels"].unique()
    np.testing.assert_array_equal(labels["offline_mle"], labels["all alike"])


@pytest.mark.parametrize("grid", [False, True])
def test_a_round_learner_has_fewer_rounds(write_study, grid):
    swept = (
        '[[learner]]\nname = "uniform"',
        '[grid]\n"run.rounds" = [9, 100_000_000_000]\n\n[[learner]]\nname = "uniform"',
    )
    many = [swept, ("rounds = 20\n", "")] if grid else [("rounds = 40", "rounds = 100_000_000_000")]
    write_study(OFFLINE, *many)
    with pytest.raises(
        SimbenchError,
        match=r"run\.rounds is 100000000000; it must be at most 4294967296 for learner 'all alike'",
    ):
        load_study("tiny")


def test_no_learner_pays_for_more_than_a_million_million(write_study):
    file = write_study(OFFLINE, ONLY, ("rounds = 40", "rounds = 1_000_000_000_001"))
    with pytest.raises(
        SimbenchError, match=r"run\.rounds is 1000000000001; it must be at most 1000000000000"
    ):
        load_study(str(file))
