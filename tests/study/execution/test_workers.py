"""Work on worker processes and on a cluster: the same results, errors that arrive, nothing left running."""

import math
import os
import signal
import threading
import time

import pytest

from simbench.errors import SimbenchError
from simbench.study.execution import memory, one_core
from simbench.study.execution.run import run_plan
from simbench.study.execution.workers import Ahead, spread
from simbench.study.plan import make_plan
from simbench.study.store import store_of
from simbench.study.study import load_study
from tests.study.conftest import QUICK_LEARNER


def test_every_task_comes_back_once():
    assert sorted(spread(math.sqrt, range(30), workers=2)) == [math.sqrt(n) for n in range(30)]


def test_a_worker_is_a_process_of_one_core_in_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    names = list(one_core.ENVIRONMENT)
    assert set(spread(os.getenv, names, workers=2)) == set(one_core.environment().values())
    assert list(spread(os.path.abspath, ["here"], workers=2)) == [str(tmp_path / "here")]
    assert dict(os.environ) == before


def kill_oneself(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def test_a_worker_that_dies_is_an_error_that_says_how():
    with pytest.raises(
        SimbenchError, match=r"a worker process ended with exit code 1, before its work was done"
    ):
        list(spread(os._exit, [1], workers=2))
    with pytest.raises(SimbenchError, match="a worker process ended by SIGKILL, before its work was done"):
        list(spread(kill_oneself, [signal.SIGKILL], workers=2))
    assert list(spread(abs, [-3], workers=2)) == [3]


def test_memory_is_blamed_only_when_the_system_says_so(tmp_path, monkeypatch):
    events = tmp_path / "memory.events"
    events.write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "none")

    def tasks():
        events.write_text("oom_kill 2\n")  # the count before the work was taken by now
        yield signal.SIGKILL

    with pytest.raises(SimbenchError, match=r"because memory ran out; run with fewer --workers"):
        list(spread(kill_oneself, tasks(), workers=2))
    with pytest.raises(SimbenchError, match="ended by SIGKILL, before"):
        list(spread(kill_oneself, [signal.SIGKILL], workers=2))


def test_closing_stops_the_work():
    work = spread(time.sleep, [0.0, 300.0, 300.0], workers=2)
    next(work)
    start = time.perf_counter()
    work.close()
    assert time.perf_counter() - start < 60.0


@pytest.fixture
def computed_here(write_study):
    """A plan and the bytes of its units as this process computes them."""
    write_study(QUICK_LEARNER)
    plan = make_plan(load_study("tiny", "quick"))
    run_plan(plan, out="here", workers=1)
    return plan, contents(plan, "here")


def contents(plan, out):
    return {file.name: file.read_bytes() for file in store_of(plan, out).folder.iterdir()}


def test_one_and_two_workers_write_the_same_bytes(computed_here, monkeypatch):
    plan, expected = computed_here
    monkeypatch.setattr(one_core, "_in_force", False)
    for workers in (1, 2):
        run_plan(plan, out=f"{workers}", workers=workers)
        assert contents(plan, f"{workers}") == expected


def test_a_cluster_writes_the_same_bytes(computed_here):
    distributed = pytest.importorskip("distributed")
    plan, expected = computed_here
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        report = run_plan(plan, out="cluster", cluster=cluster.scheduler_address)
    assert report.computed == len(plan.units)
    assert contents(plan, "cluster") == expected


def test_a_cluster_that_does_not_answer_is_one_sentence(computed_here, monkeypatch):
    pytest.importorskip("distributed")
    plan, _ = computed_here
    monkeypatch.setattr("simbench.study.execution.workers.CONNECT_WITHIN", "0.2s")
    for address in ("tcp://127.0.0.1:9", "not an address"):
        with pytest.raises(SimbenchError, match=f"--cluster {address}: no Dask scheduler answers there"):
            run_plan(plan, out="cluster", cluster=address)


def test_one_core_restores_the_environment_and_keeps_the_users_flags(monkeypatch):
    monkeypatch.setattr(one_core, "_in_force", False)
    monkeypatch.setenv("XLA_FLAGS", "--xla_mine=1")
    before = dict(os.environ)
    monkeypatch.setattr(one_core.sys, "modules", {})  # as in a process that has no JAX yet
    with one_core.one_core():
        assert os.environ["XLA_FLAGS"].split() == ["--xla_mine=1", one_core.ENVIRONMENT["XLA_FLAGS"]]
        assert os.environ["NPROC"] == "1"
        assert one_core.in_force()
    assert dict(os.environ) == before


def test_results_are_taken_while_the_caller_is_busy():
    taken, third = [], threading.Event()

    def results():
        for i in range(3):
            taken.append(i)
            yield i
        third.set()

    work = Ahead(results())
    assert next(work) == 0
    assert third.wait(timeout=60)  # nobody has asked for the second and the third
    assert taken == [0, 1, 2]
    assert list(work) == [1, 2]


def test_what_goes_wrong_ahead_is_raised_in_its_turn():
    def results():
        yield 1
        raise SimbenchError("the second one.")

    work = Ahead(results())
    assert next(work) == 1
    with pytest.raises(SimbenchError, match="the second one"):
        next(work)
