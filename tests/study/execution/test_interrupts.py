"""Signals interrupt, once, with their own exit code; one whose exception was lost still does."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from simbench.study.execution import interrupts
from simbench.study.execution.workers import spread


@pytest.fixture
def heeding():
    before = {number: signal.signal(number, signal.SIG_DFL) for number in interrupts.SIGNALS}
    with interrupts.heeded():
        yield
    for number, handler in before.items():
        signal.signal(number, handler)
    interrupts.answered()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_interrupts(heeding, number, code):
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert interrupts.answered() == code
    interrupts.look()  # and it is forgotten


def swallowing(_):
    with contextlib.suppress(KeyboardInterrupt):  # as a callback of a C library does
        os.kill(os.getpid(), signal.SIGINT)


def test_a_swallowed_signal_interrupts_after_the_piece_of_work(heeding):
    with pytest.raises(KeyboardInterrupt):
        list(spread(swallowing, [1, 2], workers=1, here=True))
    assert interrupts.answered() == 130


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interrupts.heeded():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.signal(signal.SIGHUP, before) is signal.SIG_IGN


def test_a_thread_leaves_signals_alone():
    handlers = []

    def work():
        with interrupts.heeded():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]


BIRTH = """
import subprocess, sys
from multiprocessing import resource_tracker
from simbench.study.execution.interrupts import children_deaf
with children_deaf():
    resource_tracker.getfd()  # as loky does before it starts a worker; it lets go of SIGINT and SIGTERM
    print(subprocess.run(
        [sys.executable, "-c", "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"],
        capture_output=True, text=True, check=True).stdout)
"""


def test_children_are_born_deaf_whatever_the_tracker_of_semaphores_does():
    done = subprocess.run([sys.executable, "-c", BIRTH], capture_output=True, text=True, check=True)
    for number in interrupts.SIGNALS:
        assert f"{number!r}" in done.stdout
