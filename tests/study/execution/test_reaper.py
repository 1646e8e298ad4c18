"""Whenever a study's process dies, its workers and their semaphores are gone within ten seconds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simbench.study.execution import reaper

GONE_WITHIN = 10.0  # seconds
STUDY = """
import time
from simbench.study.execution import reaper
from simbench.study.execution.workers import spread
print(reaper.marked()[reaper.VARIABLE], flush=True)
for _ in spread(time.sleep, [0.0, *[300.0] * 6], workers=2):
    print("midway", flush=True)
"""
# Seconds after the watcher is there, or None for when workers are at work; and whether the whole group is killed.
MOMENTS = [(0.0, False), (0.03, True), (0.15, False), (0.3, True), (None, False), (None, True)]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="only Linux tells environments"
)


def left_of(mark, parent):
    return reaper.carrying(mark) + list(Path("/dev/shm").glob(f"sem.loky-{parent}-*"))


def test_nothing_lingers():
    studies = []
    for moment, group in MOMENTS:
        study = subprocess.Popen(
            [sys.executable, "-c", STUDY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )  # fmt: skip
        mark = study.stdout.readline().decode().strip()
        if moment is None:
            assert study.stdout.readline() == b"midway\n"
            assert len(left_of(mark, study.pid)) > 2  # it is seen while it is there
        else:
            time.sleep(moment)
        (os.killpg if group else os.kill)(study.pid, signal.SIGKILL)
        study.wait()
        studies.append((mark, study, time.monotonic()))
    for mark, study, killed in studies:
        while left := left_of(mark, study.pid):
            assert time.monotonic() < killed + GONE_WITHIN, left
            time.sleep(0.05)
        study.stdout.close()
    time.sleep(max(0.0, killed + 4.0 - time.monotonic()))
    assert [left_of(mark, study.pid) for mark, study, _ in studies] == [[]] * len(MOMENTS)


def test_a_study_that_ends_leaves_nothing_and_a_mark_is_one_process_s():
    done = subprocess.run(
        [sys.executable, "-c", STUDY.replace("300.0", "0.0")], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("midway") == 7
    assert done.stderr == ""
    assert reaper.marked() == reaper.marked() != {reaper.VARIABLE: done.stdout.split()[0]}
    assert reaper.carrying(done.stdout.split()[0]) == []


def test_what_is_started_meanwhile_does_not_keep_the_watcher_waiting():
    reaper.marked()
    assert not os.get_inheritable(reaper._waiting.stdin.fileno())
