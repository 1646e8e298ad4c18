"""Studies of iterative methods: one run of what draws nothing; a kill, and the bytes of a study undisturbed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np

from simbench.engine import log_checkpoints, run_block
from simbench.learners.games.mirror_descent import MirrorDescent
from simbench.learners.offline.dpo_gradient import DPOGradient
from simbench.study.execution.estimate import estimate
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.store import store_of
from simbench.study.study import load_study
from simbench.study.table import load_table
from simbench.worlds import make

METHODS = (
    'name = "online_dpo"\n\n[[learner]]\nname = "uniform"\nlabel = "all alike"',
    'name = "dpo_gradient"\ndata = 60\n\n[[learner]]\nname = "mirror_descent"',
)
COMMAND = [
    sys.executable, "-c", "from simbench.cli import main; main()", "run", "tiny", "--workers", "1", "--out", "killed"
]  # fmt: skip
WORLD = {"family": "random_tabular", "parameters": {"prompts": 2, "responses": 3, "beta": 1.0}}


def units(plan, out):
    folder = store_of(plan, out).folder
    return {file.name: file.read_bytes() for file in folder.glob("[!.]*")} if folder.is_dir() else {}


def test_a_study_is_what_the_engine_plays(write_study):
    write_study(METHODS)
    plan = make_plan(load_study("tiny", "quick"))
    assert [unit.spec["runs"] for unit in plan.units] == [
        2,
        1,
        1,
    ]  # three runs in blocks of two, and one of a solver
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
    plan = make_plan(load_study("tiny"))
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while len(units(plan, "killed")) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = units(plan, "killed")
    assert 2 <= len(kept) < len(plan.units)

    subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    run_plan(plan, out="undisturbed", workers=1)
    assert kept.items() <= units(plan, "undisturbed").items()
    assert units(plan, "killed") == units(plan, "undisturbed")
