"""Kills at random moments, while workers start and later: nothing differs, nothing lingers, nobody sees a traceback.

Each round kills a study (its parent, one worker, its whole group; SIGKILL, SIGTERM, SIGINT) at a moment drawn from a
fixed seed. Afterwards no process of its session is there for longer than GONE_WITHIN, /dev/shm is as before, and every
unit file has the bytes of an undisturbed run. SIMBENCH_LONG=full kills 200 times.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.long

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
KILLS = 200 if FULL else 4
GONE_WITHIN = 10.0  # seconds
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{HEEDING}; from simbench.cli import main; main()", "run", "sturdy"]
STUDY = """
question = "Does it survive?"
source = "simbench"
environment = { family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 } }
[run]
rounds = 1_000_000
instances = 6
runs = 2
block = 2
quantities = ["value_gap"]
[[learner]]
name = "reference"
[[learner]]
name = "uniform"
"""
WAYS = [
    ("parent", signal.SIGKILL),
    ("group", signal.SIGKILL),
    ("worker", signal.SIGKILL),
    ("parent", signal.SIGTERM),
    ("group", signal.SIGTERM),
    ("parent", signal.SIGINT),
    ("group", signal.SIGINT),
    ("group", signal.SIGHUP),
]


def session(process):
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(one.pid) == process.pid and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
    return found


def kill(process, whom, number):
    if whom == "group":
        os.killpg(process.pid, number)
    elif whom == "parent":
        os.kill(process.pid, number)
    else:
        for pid in session(process):
            with contextlib.suppress(psutil.Error):
                if "LokyProcess" in " ".join(psutil.Process(pid).cmdline()):  # not its tracker of semaphores
                    os.kill(pid, number)
                    return


def units(folder):
    place = folder / "results" / "sturdy" / "full" / "units"
    return {file.name: file.read_bytes() for file in place.glob("[!.]*")} if place.is_dir() else {}


def work_in(folder):
    (folder / "experiments").mkdir()
    (folder / "experiments" / "sturdy.toml").write_text(STUDY)


def semaphores(process):
    return list(Path("/dev/shm").glob(f"sem.loky-{process.pid}-*"))


def test_kills_at_random_moments(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SIMBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
    undisturbed = tmp_path_factory.mktemp("undisturbed")
    work_in(undisturbed)
    began = time.monotonic()
    subprocess.run([*COMMAND, "--workers", "2"], cwd=undisturbed, check=True, capture_output=True)
    took = time.monotonic() - began
    expected, draw = units(undisturbed), random.Random(20)
    for turn in range(KILLS):
        folder = tmp_path_factory.mktemp("killed")
        work_in(folder)
        whom, number = WAYS[turn % len(WAYS)]
        process = subprocess.Popen(
            [*COMMAND, "--workers", "2"], cwd=folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        # A third of the moments lie while workers start, the others anywhere; the first of them are of Python's start.
        time.sleep(draw.uniform(0.8, 0.5 * took if turn % 3 == 0 else took))
        kill(process, whom, number)
        _, told = process.communicate(timeout=120)
        deadline = time.monotonic() + GONE_WITHIN
        while left := session(process) + semaphores(process):
            assert time.monotonic() < deadline, (turn, whom, number, left)
            time.sleep(0.05)
        assert "Traceback" not in told, (turn, whom, number, told)
        assert process.returncode in expected_codes(whom, number), (turn, whom, number, told)
        assert units(folder).items() <= expected.items()
    subprocess.run([*COMMAND, "--workers", "2"], cwd=folder, check=True, capture_output=True)
    assert units(folder) == expected


def expected_codes(whom, number):
    """Return the exit codes that are right; 0 where the study was done first, death where no command ran yet."""
    if number == signal.SIGKILL:
        return (0, 2) if whom == "worker" else (0, -number)
    return (0, 128 + number, -number)
