"""Kernels that many tests play are compiled once, beside the workers of pytest-xdist while these collect.

Otherwise each worker, and each process that a test starts, would compile them when it first needs them.
"""

import os
import subprocess
import sys

import pytest

PLAY = """
import simbench as sb
from simbench.engine import run_block
from simbench.registry import configure
for family, sources, learner, chosen in {learners}:
    world = sb.make(family, sources=dict(number=1, gap=0.01)) if sources else sb.make(family)
    learner = configure("learner", learner, chosen, "tests")
    run_block(world, learner, rounds=1, runs=[0], engine="numba", block=1, quantities=["value_gap"])
"""
SHARES = (
    [("random_tabular", False, "online_dpo", {})],  # takes as long as the others together
    [
        ("random_tabular", False, "reference", {}),
        ("random_finite", False, "xpo", {"model": "finite"}),
        ("random_finite", True, "tpo", {}),
    ],
)

compiling = pytest.StashKey[list[subprocess.Popen]]()


def pytest_sessionstart(session):
    """Start compiling, in the process that hands out tests."""
    config = session.config
    session.stash[compiling] = []
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    if os.environ.get("NUMBA_DISABLE_JIT") == "1" or config.option.collectonly:
        return
    for learners in SHARES:
        program = PLAY.format(learners=learners)
        session.stash[compiling].append(subprocess.Popen([sys.executable, "-c", program]))


def pytest_sessionfinish(session):
    """Leave nobody behind when few tests were run."""
    for process in session.stash[compiling]:
        process.kill()
        process.wait()
