"""Real processes: killed, interrupted, racing, out of disk; what is on disk afterwards is whole and the same.

Almost every test compares the bytes of unit files; none has a false-alarm rate. SIMBENCH_LONG=full adds further ways to
start, stop and write; `tests/study/execution/test_killed.py` kills one study by default.
"""

import contextlib
import os
import pty
import resource
import shlex
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from simbench.study.execution.workers import IDLE

pytestmark = pytest.mark.long

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
only_full = pytest.mark.skipif(not FULL, reason="SIMBENCH_LONG=full runs it")

# Whoever runs these tests in the background has Ctrl-C ignored, and so would have what they start.
HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{HEEDING}; from simbench.cli import main; main()"]
STUDY = """
question = "Does it survive?"
source = "simbench"
environment = { family = "random_tabular", parameters = { prompts = 3, responses = 4, beta = 1.0 } }
[run]
rounds = 150_000
instances = 4
runs = 12
block = 4
quantities = ["value_gap", "coverage", "kl_ref"]
[[learner]]
name = "online_dpo"
[[learner]]
name = "reference"
"""
UNITS = 4 * 2 * 3


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "sturdy.toml").write_text(STUDY)
    return tmp_path


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The bytes of all units, computed in one process without any disturbance."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "experiments").mkdir()
    (folder / "experiments" / "sturdy.toml").write_text(STUDY)
    done = finish(start(folder, "--workers", "1"))
    assert done.returncode == 0, done.stderr
    assert len(units(folder)) == UNITS
    return units(folder)


def start(folder, *options, command=("run", "sturdy"), **more):
    return subprocess.Popen(
        [*COMMAND, *command, *options], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, **more,
    )  # fmt: skip


def finish(process):
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def units(folder, out="results"):
    place = folder / out / "sturdy" / "full" / "units"
    return {file.name: file.read_bytes() for file in place.glob("[!.]*")} if place.is_dir() else {}


def wait_for_units(folder, count):
    deadline = time.monotonic() + 240
    while len(units(folder)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_session(process, number):
    """Send a signal to a process and its workers; they share a session of their own."""
    os.killpg(process.pid, number)


def workers_of(process):
    """Return the local workers of a study, which are of its session."""
    found = []
    for one in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(one.pid) == process.pid and "LokyProcess" in " ".join(one.info["cmdline"] or ()):
                found.append(one.pid)
    return found


@only_full
def test_two_workers_write_what_one_writes(folder, expected):
    assert finish(start(folder, "--workers", "2")).returncode == 0
    assert units(folder) == expected


def test_a_killed_study_goes_on_where_it_was(folder, expected):
    for count in (2, 9):  # killed twice, in different places
        process = start(folder, "--workers", "2")
        wait_for_units(folder, count)
        kill_session(process, signal.SIGKILL)
        finish(process)
        kept = units(folder)
        assert count <= len(kept) < UNITS
        assert kept.items() <= expected.items()
    before = len(units(folder))
    done = finish(start(folder, "--workers", "1"))
    assert done.returncode == 0
    assert f"{UNITS} units, {UNITS - before} computed" in done.stdout
    assert units(folder) == expected
    assert sorted((folder / "results/sturdy/full/units").glob(".*")) == []


def test_workers_end_with_the_study_that_is_killed_alone(folder):
    """At once, whatever they are at, and not when they have been idle for a while: one handing over never is."""
    process = start(folder, "--workers", "2")
    wait_for_units(folder, 2)
    assert len(workers_of(process)) == 2
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + IDLE - 5
    while workers_of(process):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.communicate(timeout=60)


def test_two_processes_may_run_the_same_study_at_once(folder, expected):
    racers = [start(folder, "--workers", "1"), start(folder, "--workers", "2")]
    assert [finish(racer).returncode for racer in racers] == [0, 0]
    assert units(folder) == expected
    assert sorted((folder / "results/sturdy/full/units").glob(".*")) == []


@pytest.mark.parametrize("workers", [pytest.param("1", marks=only_full), "2"])
def test_an_interrupted_study_says_what_is_kept(folder, expected, workers):
    process = start(folder, "--workers", workers)
    wait_for_units(folder, 2)
    kill_session(process, signal.SIGINT)  # what Ctrl-C in a terminal does
    done = finish(process)
    assert done.returncode == 130
    assert done.stderr.startswith("interrupted.")
    assert "done and kept; the same command goes on from there." in done.stderr
    assert "Traceback" not in done.stderr
    assert units(folder).items() <= expected.items()
    assert finish(start(folder, "--workers", "1")).returncode == 0
    assert units(folder) == expected


def test_a_full_disk_is_one_sentence_and_keeps_what_is_done(folder, expected):
    sizes = sorted(len(content) for content in expected.values())
    limit = sizes[len(sizes) // 2]  # the kernel refuses files longer than the median unit

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = finish(start(folder, "--workers", "1", preexec_fn=small_files))
    assert done.returncode == 2
    assert done.stderr.startswith("error: results cannot be written to")
    assert "file too large" in done.stderr
    assert "are done and kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert units(folder).items() <= expected.items()
    assert finish(start(folder, "--workers", "1")).returncode == 0
    assert units(folder) == expected


@pytest.mark.parametrize(
    "kind", ["environment", *(pytest.param(kind, marks=only_full) for kind in ("learner", "experiment"))]
)
def test_what_new_writes_runs_unchanged_in_an_empty_folder(tmp_path, kind):
    command = ["new", kind, "my_own"]
    while command:
        done = finish(start(tmp_path, command=command))
        assert done.returncode == 0, done.stderr
        following = [
            line.removeprefix("next: simbench ")
            for line in done.stdout.splitlines()
            if line.startswith("next: ")
        ]
        command = shlex.split(following[0]) if following else []
    assert "computed" in done.stdout
    assert list(tmp_path.glob("results/*/quick/units/*.parquet"))


def test_a_new_learner_learns(tmp_path):
    for command in (["new", "learner", "borda"], shlex.split("run borda --preset quick --plugin borda.py")):
        done = finish(start(tmp_path, command=command))
        assert done.returncode == 0, done.stderr
    table = pd.concat(
        [pd.read_parquet(file) for file in tmp_path.glob("results/borda/quick/units/*.parquet")]
    )
    end = table[table["round"] == table["round"].max()].groupby("learner")["regret"].mean()
    assert end["borda"] < end["reference"]


def test_progress_is_shown_on_a_terminal_only(folder):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "run", "sturdy", "--workers", "1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            shown += os.read(controller, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
    out, _ = process.communicate(timeout=300)
    os.close(controller)
    assert process.returncode == 0
    assert f"/{UNITS} units".encode() in shown
    assert b"rounds/s" in shown
    assert out.count("\n") == 1
    again = finish(start(folder, "--workers", "1", "--force"))
    assert again.stderr == ""
    assert again.stdout.count("\n") == 1
