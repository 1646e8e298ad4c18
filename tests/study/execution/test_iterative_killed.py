"""Studies of iterative methods: one run of what draws nothing; a kill, and the bytes of a study undisturbed."""

import numpy as np

from simbench.engine import log_checkpoints, run_block
from simbench.learners.games.mirror_descent import MirrorDescent
from simbench.learners.offline.dpo_gradient import DPOGradient
from simbench.study.execution.estimate import estimate
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.study.table import load_table
from simbench.worlds import make
from tests.study.execution.test_killed import killed_and_resumed

METHODS = (
    'name = "online_dpo"\n\n[[learner]]\nname = "uniform"\nlabel = "all alike"',
    'name = "dpo_gradient"\ndata = 60\n\n[[learner]]\nname = "mirror_descent"',
)
WORLD = {"family": "random_tabular", "parameters": {"prompts": 2, "responses": 3, "beta": 1.0}}


def test_a_study_is_what_the_engine_plays(write_study):
    write_study(METHODS)
    plan = make_plan(load_study("tiny", "quick"))
    # Three runs in blocks of two, and one of a solver.
    assert [unit.spec["runs"] for unit in plan.units] == [2, 1, 1]
    run_plan(plan, workers=1)
    table = load_table("tiny", "quick")
    world = make(WORLD, instance=0)
    for name, method, blocks in (
        ("dpo_gradient", DPOGradient(data=60), ([0, 1], [2])),
        ("mirror_descent", MirrorDescent(), ([0],)),
    ):
        for runs in blocks:
            made = run_block(
                world, method, rounds=20, runs=runs, block=2, checkpoints=log_checkpoints(20),
                quantities=("value_gap",),
            )  # fmt: skip
            rows = table[(table["learner"] == name) & table["run"].isin(runs)]
            for column, values in made.items():
                np.testing.assert_array_equal(rows[column], values)
    assert 0.0 < estimate(plan.units, workers=1, plugins=()).seconds < 600.0


def test_a_killed_study_goes_on_where_it_was(write_study):
    write_study(METHODS, ("rounds = 40", "rounds = 20_000"), ("instances = 2", "instances = 6"))
    killed_and_resumed(make_plan(load_study("tiny")))
