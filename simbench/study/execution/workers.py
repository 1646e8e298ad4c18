"""Where work is done: in this process, on local worker processes (joblib's loky), or on a Dask cluster.

All three hand the same plain values to the same function and yield what comes back in the order of completion. A
worker is a process of one core. This process computes itself only if it was made one of one core before JAX started
(the command line does that), or if it owns an accelerator; otherwise one worker does, and the user's JAX is left as
it is.
"""

import importlib
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from simbench.errors import SimbenchError
from simbench.study.execution import interrupts, memory, one_core, reaper
from simbench.study.provenance import cpu_model, digest

Work = TypeVar("Work")
Result = TypeVar("Result")

AHEAD = 2  # tasks handed out per worker, so that none waits for the next
IDLE = 15  # seconds after which idle workers end
LOOKING = 1.0  # seconds between two looks of a worker at whether the process that started it is still there
GROWTH = 4 * 2**30  # bytes by which a worker may grow before another takes its place
CONNECT_WITHIN = "10s"  # for a cluster's scheduler to answer


def spread(
    function: Callable[[Work], Result],
    tasks: Iterable[Work],
    *,
    workers: int,
    cluster: str | None = None,
    here: bool = False,
) -> Iterator[Result]:
    """Yield `function(task)` for every task as it completes; closing the iterator stops the work.

    Args:
        function: a module's function, so that it has a name in every process.
        tasks: consumed lazily, a few ahead of the workers.
        workers: number of local processes.
        cluster: address of a Dask scheduler, instead of local workers.
        here: compute in this process whatever its threads are, because it owns the accelerator.

    Raises:
        SimbenchError: a worker died, or the cluster cannot be reached.
    """
    if cluster is not None:
        return _on_cluster(function, tasks, cluster)
    if here or (workers == 1 and one_core.in_force()):
        return _here(function, tasks)
    return _on_processes(function, tasks, workers)


def _here(function: Callable[[Work], Result], tasks: Iterable[Work]) -> Iterator[Result]:
    for task in tasks:
        result = function(task)
        interrupts.look()
        yield result


class Ahead(Iterator[Result]):
    """Yields `results` in order; a thread takes them as they come, from now on, whatever the caller is busy with.

    Closing lets the result that is under way come, and then closes `results`.
    """

    def __init__(self, results: Iterator[Result]) -> None:
        self._results = results
        self._ready: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()
        self._closed = threading.Event()
        threading.Thread(target=self._take, daemon=True).start()

    def __next__(self) -> Result:
        result, problem = self._ready.get()
        if problem is not None:
            self._ready.put((None, StopIteration()))  # whoever asks again is told the same
            raise problem
        return result  # type: ignore[return-value]

    def close(self) -> None:
        """Take no more results."""
        self._closed.set()

    def _take(self) -> None:
        try:
            for result in self._results:
                self._ready.put((result, None))
                if self._closed.is_set():
                    break
            self._ready.put((None, StopIteration()))
        except BaseException as error:
            self._ready.put((None, error))
        finally:
            getattr(self._results, "close", lambda: None)()


def _on_processes(
    function: Callable[[Work], Result], tasks: Iterable[Work], workers: int
) -> Iterator[Result]:
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky import FIRST_COMPLETED, wait

    executor, killed_before = _executor(workers), memory.oom_kills()
    folder = os.getcwd()
    queue = iter(tasks)
    finished = False

    def handed_out(number: int) -> set[Any]:
        with interrupts.children_deaf():  # a worker may have to be started for it
            return {executor.submit(_in_folder, folder, function, task) for task in islice(queue, number)}

    try:
        pending = handed_out(AHEAD * workers)
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                interrupts.look()
                yield future.result()
                pending |= handed_out(1)
        finished = True
    except BrokenProcessPool as error:
        interrupts.look()  # a signal whose exception was lost
        raise SimbenchError(_death(str(error), killed_before)) from None
    finally:
        if not finished:
            executor.shutdown(wait=True, kill_workers=True)


def _death(told: str, killed_before: int) -> str:
    """Return what ended a worker, from loky's words; memory is blamed only if the system killed for want of it."""
    if "SIGKILL" in told and memory.oom_kills() > killed_before:
        return "a worker process was killed because memory ran out; run with fewer --workers or a smaller `block`."
    codes = sorted(set(re.findall(r"(SIG[A-Z]+|EXIT)\((-?\d+)\)", told)))
    how = [f"by {name}" if name != "EXIT" else f"with exit code {code}" for name, code in codes]
    return f"a worker process ended{f' {how[0]}' if how else ''}, before its work was done."


def processes(workers: int | None, tasks: int | None = None) -> int:
    """Return how many local processes to use: `workers`, or every core this process may use, but no idle ones.

    Raises `SimbenchError` for fewer than one.
    """
    if workers is not None and workers < 1:
        raise SimbenchError(f"workers is {workers}; at least 1 is needed.")
    import joblib

    wanted = joblib.cpu_count() if workers is None else workers
    return max(1, wanted if tasks is None else min(wanted, tasks))


def start_importing(modules: Sequence[str], workers: int) -> None:
    """Start local workers, if more than one is meant, and let them import `modules` while the caller goes on."""
    if workers > 1:
        executor = _executor(workers)
        with interrupts.children_deaf():
            for _ in range(workers):
                executor.submit(_import, modules)


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def _executor(workers: int) -> Any:
    from joblib.externals.loky import get_reusable_executor

    # loky replaces a worker whose memory has grown, as compilers' does; nothing is lost and nobody need know.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")
    # An accelerator belongs to one process; workers leave it alone.
    with interrupts.children_deaf():  # loky's tracker of semaphores, too
        return get_reusable_executor(
            max_workers=workers,
            timeout=IDLE,
            initializer=_start_worker,
            env=one_core.environment() | {"JAX_PLATFORMS": "cpu"} | _shared_programs() | reaper.marked(),
        )


def _start_worker() -> None:
    from joblib.externals.loky import process_executor

    interrupts.hear_nothing()
    # loky ends a worker that has grown by 300 MB since its first task; compiled programs are no leak, and their
    # successor would have to compile them again.
    process_executor._MAX_MEMORY_LEAK_SIZE = GROWTH
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process soon after `parent` has, where no reaper can: nobody would take its result."""
    while os.getppid() == parent:
        time.sleep(LOOKING)
    os._exit(1)


def _shared_programs() -> dict[str, str]:
    """Return the variables that let workers share what XLA compiled, unless the user has a cache of their own."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return {}
    from simbench.engine import kernel_cache

    folder = kernel_cache(f"xla-{digest(cpu_model())[:16]}")
    if folder is None:
        return {}
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
    }


def _in_folder(folder: str, function: Callable[[Work], Result], task: Work) -> Result:
    # A worker may outlive a change of folder; relative paths in parameters mean the user's.
    os.chdir(folder)
    if "jax" in sys.modules:
        from simbench.engine.kept_programs import seal_programs

        seal_programs()
    return function(task)


def _on_cluster(function: Callable[[Work], Result], tasks: Iterable[Work], address: str) -> Iterator[Result]:
    # joblib's own Dask backend returns nothing before everything is done; futures come back, and are stored, singly.
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SimbenchError(
            "--cluster needs Dask; install the extra: pip install 'rlhf-simbench[cluster]'"
        ) from None
    try:
        client: Any = Client(address, timeout=CONNECT_WITHIN, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SimbenchError(f"--cluster {address}: no Dask scheduler answers there ({error}).") from None
    with client:
        futures = [client.submit(_bounded, function, task, pure=False) for task in tasks]
        try:
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
                future.release()
        finally:
            client.cancel(futures)


def _bounded(function: Callable[[Work], Result], task: Work) -> Result:
    # A cluster's worker was started by somebody else; its JAX starts with the first task.
    with one_core.bounded_environment():
        return function(task)
