"""In a process of two cores, as a user's own is, no fit waits for ever for the threads that another one holds."""

import os
import subprocess
import sys

import pytest

PLAY = """
import simbench as sb
from simbench.learners.offline.rpo import RPO
from simbench.learners.transfer.tpo import TPO
world = sb.make({world!r})
trace = sb.simulate(world, {learner}, rounds={rounds}, runs=16, engine="jax", checkpoints_per_decade=1)
assert trace.columns["regret"].min() >= 0
"""
PATIENCE = 240  # seconds; some ten are needed, whatever waits for a thread waits for ever


@pytest.mark.parametrize(
    ("world", "learner", "rounds"),
    [("geometric_tail", "RPO()", 1_000), ("rare_optimum_with_sources", "TPO(model='tabular')", 5)],
)
def test_nothing_waits_for_ever(world, learner, rounds):
    program = PLAY.format(world=world, learner=learner, rounds=rounds)
    subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"NPROC": "2"}, check=True, timeout=PATIENCE
    )
