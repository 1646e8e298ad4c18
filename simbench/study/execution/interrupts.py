"""Ctrl-C, SIGTERM and SIGHUP: all of them interrupt, and none is lost.

An exception that a signal raises inside a callback of a C library ends there: XLA's hooks of the garbage collector drop
it, and the study would run on. So the signal is remembered too, and looked at between two pieces of work.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_pending: int | None = None


@contextmanager
def heeded(*, ending: bool = False) -> Iterator[None]:
    """Raise KeyboardInterrupt at any of the signals while open, unless it is ignored (nohup, a shell's background).

    Args:
        ending: the process ends after this: a signal that comes while Python shuts down is too late to matter.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, signal.SIG_IGN if ending else handler)


def look() -> None:
    """Raise KeyboardInterrupt if a signal came whose own exception was lost."""
    if _pending is not None:
        raise KeyboardInterrupt


def answered() -> int:
    """Forget the signal that came, and return the exit code it asks for: 130 after Ctrl-C, 143 after SIGTERM."""
    global _pending
    number, _pending = _pending or signal.SIGINT, None
    return 128 + number


def _interrupt(number: int, frame: Any) -> None:
    global _pending
    _pending = number
    raise KeyboardInterrupt


@contextmanager
def children_deaf() -> Iterator[None]:
    """Start processes that do not hear the signals before they say `hear_nothing`, for as long as this is open.

    A worker that is interrupted while it still imports would print a traceback. Starting the standard library's tracker
    of semaphores, which loky does before its first worker, lets go of two of the signals; so it is started first.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_nothing() -> None:
    """Ignore the signals in this worker: they reach every process of a group, and the study's own answers them."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
