"""A batch of m labels: the cost at m = 1e3 and at m = 1e9, grouped so that a report shows the ratio (`make bench`).

`extra_info` holds the ratio itself, from pieces of both sizes that take turns, in processor time. It is about one in a
world of few cells, and for a whole iteration. Where there are as many cells as labels (10 x 10 has 1000 pairs), m = 1e3
leaves half of them empty, and an empty cell costs next to nothing; from m = 1e5 on the cost is flat there, too.
"""

import time

import jax
import numpy as np
import pytest

from simbench.engine import batches, run_batches
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.precision import float64
from simbench.quantities import preference
from simbench.tape import run_key
from simbench.worlds import make

RUNS = 64
SMALL, LARGE = 1_000, 1_000_000_000
TURNS = 15


def kernel_piece(world):
    """The counts of 64 runs from the numba kernel."""
    keys, policies, likes = _inputs(world)
    return lambda labels: batches.draw_block(world, keys, 0, labels, policies, policies, likes)


def jax_piece(world):
    """The counts of 64 runs from JAX, on its default device."""
    keys, policies, likes = _inputs(world)
    weights = np.asarray(world.rho)

    def play(labels):
        with float64():
            jax.block_until_ready(batches._drawn(keys, policies, policies, 0, labels, weights, likes))

    return play


def iteration_piece(world):
    """A whole iteration of 64 runs of offline maximum likelihood: counts, fit, and what is measured."""

    def play(labels):
        run_batches(world, OfflineMLE(), labels=labels, runs=range(RUNS), checkpoints=np.array([labels]))

    return play


def _inputs(world):
    keys = np.array([run_key(seed=0, instance=0, run=run) for run in range(RUNS)])
    policies = np.broadcast_to(np.exp(world.log_ref), (RUNS, *world.log_ref.shape)).copy()
    with float64():
        return keys, policies, np.asarray(jax.jit(preference)(world))


PIECES = {"kernel": kernel_piece, "jax": jax_piece, "iteration": iteration_piece}


def ratio(play) -> float:
    """Best processor seconds at LARGE over those at SMALL, in turns."""
    best = {SMALL: np.inf, LARGE: np.inf}
    for labels in (SMALL, LARGE):
        play(labels)
    for _ in range(TURNS):
        for labels in best:
            start = time.process_time()
            play(labels)
            best[labels] = min(best[labels], time.process_time() - start)
    return best[LARGE] / best[SMALL]


@pytest.mark.benchmark(group="a batch for 64 runs")
@pytest.mark.parametrize("labels", [SMALL, LARGE], ids="{:.0e}".format)
@pytest.mark.parametrize("size", [(2, 4), (10, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("piece", PIECES)
def test_batch(benchmark, piece, size, labels):
    world = make("random_tabular", prompts=size[0], responses=size[1], beta=1.0)
    play = PIECES[piece](world)
    play(labels)
    benchmark.extra_info["ratio"] = round(ratio(play), 2)
    benchmark(play, labels)


def test_the_same_counts_are_timed():
    """Both pieces of counting draw the same integers at both sizes."""
    world = make("random_tabular", prompts=2, responses=4, beta=1.0)
    keys, policies, likes = _inputs(world)
    with float64():
        for labels in (SMALL, LARGE):
            traced = batches._drawn(keys, policies, policies, 0, labels, np.asarray(world.rho), likes)
            drawn = batches.draw_block(world, keys, 0, labels, policies, policies, likes)
            np.testing.assert_array_equal(np.asarray(traced), drawn)
