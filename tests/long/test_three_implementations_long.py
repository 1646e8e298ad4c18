"""naive = numba = JAX over 1e5 rounds (SIMBENCH_LONG=full), or 5e3 in two settings (small)."""

import os

import pytest

import simbench as sb
from simbench.learners.online.online_dpo import OnlineDPO
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.naive import NaiveOnlineDPO, naive_run

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
ROUNDS = 100_000 if FULL else 5_000
CASES = [
    (second, ridge, beta)
    for second in ("self", "reference")
    for ridge in (1e-3, 0.1, 1.0)
    for beta in (0.05, 1.0, 5.0)
]

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("second", "ridge", "beta"), CASES if FULL else CASES[4::9])
def test_naive_numba_jax(second, ridge, beta):
    world = sb.make("random_tabular", beta=beta, instance=7)
    learner = OnlineDPO(ridge=ridge, second=second)
    numba = numba_rounds(world, learner, rounds=ROUNDS, run=1)
    naive = naive_rounds(naive_run, world, NaiveOnlineDPO(ridge=ridge, second=second), rounds=ROUNDS, run=1)
    assert_same(naive, numba, world.reward_bound)
    assert_same(jax_rounds(world, learner, rounds=ROUNDS, run=1), numba, world.reward_bound)
