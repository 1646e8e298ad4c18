"""A study that is killed goes on where it was, and ends with the bytes of one that was not."""

import os
import signal
import subprocess
import sys
import time

from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.store import store_of
from simbench.study.study import load_study
from tests.study.conftest import QUICK_LEARNER

COMMAND = [
    sys.executable, "-c", "from simbench.cli import main; main()", "run", "tiny", "--workers", "1", "--out", "killed"
]  # fmt: skip


def units(plan, out):
    folder = store_of(plan, out).folder
    return {file.name: file.read_bytes() for file in folder.glob("[!.]*")} if folder.is_dir() else {}


def killed_and_resumed(plan):
    """Kill the study tiny when two of its units are there, run it again, and hold it against an undisturbed run.

    Returns what was kept, and what the second run printed.
    """
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
    resumed = subprocess.run(COMMAND, capture_output=True, text=True, check=True)
    run_plan(plan, out="undisturbed", workers=1)
    assert kept.items() <= units(plan, "undisturbed").items()
    assert units(plan, "killed") == units(plan, "undisturbed")
    return kept, resumed.stdout


def test_a_killed_study_goes_on_where_it_was(write_study):
    write_study(QUICK_LEARNER, ("rounds = 40", "rounds = 2_000_000"), ("instances = 2", "instances = 3"))
    plan = make_plan(load_study("tiny"))
    kept, told = killed_and_resumed(plan)
    assert f"{len(plan.units)} units, {len(plan.units) - len(kept)} computed" in told
    assert list(store_of(plan, "killed").folder.glob(".*")) == []
