"""Rounds a second of the numba engine, grouped with their floor so that a report shows the ratio (`make bench`)."""

import pytest

from simbench.engine import speed
from simbench.learners.online.constant import Reference
from simbench.learners.online.online_dpo import OnlineDPO
from simbench.worlds import make

ROUNDS = 2_000
WORLD = make("random_tabular", prompts=10, responses=10, beta=1.0)


@pytest.mark.benchmark(group="10x10, 2000 rounds")
def test_floor(benchmark):
    benchmark(speed._floor_piece(WORLD), ROUNDS)


@pytest.mark.benchmark(group="10x10, 2000 rounds")
@pytest.mark.parametrize("learner", [Reference(), OnlineDPO(), OnlineDPO(second="reference")], ids=repr)
def test_numba(benchmark, learner):
    benchmark(speed._numba_piece(WORLD, learner), ROUNDS)


@pytest.mark.benchmark(group="10x10, 20 rounds of 256 runs")
def test_jax(benchmark):
    benchmark(speed._jax_piece(WORLD, OnlineDPO()), 20)
