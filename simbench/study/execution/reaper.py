"""Nothing lingers: a small process that outlives the study's by seconds, and ends what it has left.

A study's process may be killed at any moment, also while its first worker starts, and its group with it. So before the
first worker a reaper starts, in a session of its own, at the other end of a pipe. Workers carry a marker in their
environment. When the pipe closes the reaper ends all processes with the marker and unlinks the pool's semaphores.

This file is also the reaper's program: it imports the standard library alone.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

VARIABLE = "SIMBENCH_STUDY"
QUIET = 1.0  # seconds without a marked process after which none will come
LONGEST = 30.0  # seconds after which the reaper gives up
LOOKING = 0.1

_marker: str | None = None
_of = 0  # the process that the marker belongs to: a forked child needs its own
_waiting: object = None  # the reaper, with the pipe to it, for the life of this process


def marked() -> dict[str, str]:
    """Return the variable that workers of this process carry, with a reaper waiting for its end."""
    import subprocess
    import uuid

    global _marker, _of, _waiting
    if _marker is None or _of != os.getpid():
        _marker, _of = uuid.uuid4().hex, os.getpid()
        if Path("/proc/self/environ").exists():
            _waiting = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, _marker, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                # A study within a worker of another has a reaper of its own, which the other's is to spare.
                env={name: value for name, value in os.environ.items() if name != VARIABLE},
            )
    return {VARIABLE: _marker}


def carrying(marker: str) -> list[int]:
    """Return the processes whose environment carries the marker."""
    mark, found = f"{VARIABLE}={marker}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another user's, or gone
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return found


def reap(marker: str, parent: str) -> None:
    """End every process with the marker, until none has been seen for a while; unlink the semaphores of `parent`."""
    began = last = time.monotonic()
    while (now := time.monotonic()) - last < QUIET and now - began < LONGEST:
        for process in carrying(marker):
            last = time.monotonic()
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(LOOKING)
    for semaphore in Path("/dev/shm").glob(f"sem.loky-{parent}-*"):
        with contextlib.suppress(OSError):
            semaphore.unlink()


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()  # until the study's process has ended
    reap(*sys.argv[1:3])
