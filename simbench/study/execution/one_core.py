"""One core per worker: a process whose XLA and BLAS know of one thread only.

Two reasons. Workers that each start a thread per core fight for them; and XLA splits some loops of large arrays by
the number of threads, which moves the last bit (measured: column sums of a 700 x 700 matrix differ between one
thread and more). With one thread everywhere, numbers do not depend on how many cores a machine has.

All of it is read when a library starts, so it holds for a process that has not imported JAX yet, or not at all.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ENVIRONMENT = {
    "NPROC": "1",  # XLA's own thread pool
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_in_force = False


@contextmanager
def one_core() -> Iterator[None]:
    """Make this process one of one core, as far as what it imports from now on; restores the environment on leaving.

    In a process that has JAX already this does nothing, and `in_force` says so.
    """
    global _in_force
    if _in_force or "jax" in sys.modules:
        yield
        return
    _in_force = True
    with bounded_environment():
        yield


@contextmanager
def bounded_environment() -> Iterator[None]:
    """Set the variables while open: for libraries that start meanwhile."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(environment())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def in_force() -> bool:
    """Whether JAX in this process was bounded to one core before it started."""
    return _in_force


def environment() -> dict[str, str]:
    """Return the variables for a process of one core, the user's own XLA flags kept."""
    flags = os.environ.get("XLA_FLAGS", "").split()
    mine = ENVIRONMENT["XLA_FLAGS"]
    return ENVIRONMENT | {"XLA_FLAGS": " ".join(flags if mine in flags else [*flags, mine])}
