"""A block of runs as a table: columns, checkpoints, independence of how it was computed, refusals."""

import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import simbench as sb
from simbench.engine import jax_engine, log_checkpoints, run_block
from simbench.learners.online.constant import Reference
from simbench.learners.online.online_dpo import OnlineDPO

WORLD = sb.make("random_tabular", prompts=3, responses=4, beta=0.5)
MARKS = np.array([1, 10, 200])


def block(engine="numba", runs=(0, 1, 2), learner=None, **changes):
    options = {
        "rounds": 200,
        "runs": list(runs),
        "engine": engine,
        "checkpoints": MARKS,
        "block": 4,
    } | changes
    return run_block(WORLD, learner or OnlineDPO(ridge=1.0), **options)


ENGINES = ["numba", pytest.param("jax", marks=pytest.mark.thorough)]  # by default they are compared, below


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_against_their_definitions(engine):
    table = block(engine)
    assert table["run"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert table["round"].tolist() == [1, 10, 200] * 3
    assert (table["labels"] == table["round"]).all()
    start = sb.measure(WORLD, WORLD.log_ref, ["value_gap", "reward_gap", "argmax_gap"])
    first = table["round"] == 1  # one round charges pi_0 = ref
    np.testing.assert_allclose(table["regret"][first], start["value_gap"], rtol=1e-12)
    np.testing.assert_allclose(table["reward_regret"][first], start["reward_gap"], rtol=1e-12)
    np.testing.assert_allclose(table["argmax_regret"][first], start["argmax_gap"], rtol=1e-12)
    np.testing.assert_allclose(table["average_value_gap"][first], start["value_gap"], rtol=1e-9)
    # The gap is convex in the policy: the averaged policy is no worse than the average of the gaps.
    assert (table["average_value_gap"] <= table["regret"] / table["round"] + 1e-12).all()
    assert (table["unsolved_fits"] == 0).all()


def test_engines_agree_on_every_column():
    numba, jax = block("numba"), block("jax")
    assert list(numba) == list(jax)
    for name, values in numba.items():
        np.testing.assert_allclose(jax[name], values, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_does_not_depend_on_its_company(engine):
    """To the bit: alone or beside others, in any order, with more checkpoints."""
    together = block(engine, runs=(0, 1, 2))
    alone = block(engine, runs=(2,))
    swapped = block(engine, runs=(2, 0))
    for name in together:
        np.testing.assert_array_equal(together[name][6:9], alone[name], err_msg=name)
        np.testing.assert_array_equal(together[name][6:9], swapped[name][:3], err_msg=name)


def test_seed_instance_and_run_name_the_tape():
    table = block()
    for changes in ({"seed": 1}, {"instance": 1}, {"runs": (3, 4, 5)}):
        assert not np.array_equal(block(**changes)["regret"], table["regret"])


def test_reference_regret_is_its_gap_times_rounds():
    table = block(learner=Reference())
    gap = sb.measure(WORLD, WORLD.log_ref, ["value_gap"])["value_gap"]
    np.testing.assert_allclose(table["regret"], gap * table["round"], rtol=1e-12)


def test_memory_does_not_grow_with_rounds():
    """The numba engine's own allocations over 1e3 and 2e5 rounds, at as many checkpoints."""

    def peak(rounds):
        tracemalloc.start()
        block(rounds=rounds, checkpoints=np.array([1, rounds]), runs=(0,))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)
    assert peak(200_000) < 1.2 * peak(1_000) + 20_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "torch"}, "numba, jax"),
        ({"rounds": 0, "checkpoints": None}, "at least 1 round"),
        ({"checkpoints": np.array([5, 3])}, "increasing"),
        ({"checkpoints": np.array([1, 900])}, "between 1 and 200"),
        ({"quantities": ("coverge",)}, "coverage"),
        ({"runs": ()}, "between 1 and 4"),
        ({"runs": range(5)}, "between 1 and 4"),
    ],
)
def test_refusals_name_what_is_allowed(changes, words):
    with pytest.raises(sb.SimbenchError, match=words):
        block(**changes)


def test_checkpoints_are_log_spaced_and_end_at_the_last_round():
    marks = log_checkpoints(12_345)
    assert marks[0] == 1
    assert marks[-1] == 12_345
    assert (np.diff(marks) > 0).all()
    late = marks[(marks >= 100) & (marks < 12_345)]
    np.testing.assert_allclose(late[1:] / late[:-1], 10 ** (1 / 8), rtol=0.02)
    assert log_checkpoints(1).tolist() == [1]


@pytest.mark.compiled
@pytest.mark.thorough
def test_second_process_loads_the_kernel_from_disk(tmp_path):
    """Compiled once per machine: the second process compiles nothing, and an edit of our sources renames the cache."""
    code = (
        "import json, numpy as np, simbench as sb\n"
        "from simbench.engine import numba_engine, run_block\n"
        "from simbench.learners.online.constant import Reference\n"
        "w = sb.make('random_tabular', prompts=2, responses=2)\n"
        "keys = np.zeros((1, 2), dtype=np.uint32)\n"
        "list(numba_engine.play(w, Reference(), keys=keys, checkpoints=np.array([3])))\n"
        "loop = numba_engine.specialise('simbench.learners.kernels.constant', ())\n"
        "stats = loop.advance.stats\n"
        "print(json.dumps([sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]))\n"
    )
    environment = os.environ | {"SIMBENCH_CACHE": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    hits = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], env=environment, check=True, capture_output=True
            ).stdout
        )
        for _ in range(2)
    ]
    assert hits == [[0, 1], [1, 0]]
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("kernels-")


class Counting(OnlineDPO):
    """The same learner, by another name: what is compiled for it is compiled here."""


def test_a_loop_is_compiled_once():
    """Though the learner's state is of weak types, as `jnp.where(solved, 0.0, 1.0)` is."""
    before = jax_engine.advance._cache_size()
    block("jax", learner=Counting())
    assert jax_engine.advance._cache_size() == before + 1
