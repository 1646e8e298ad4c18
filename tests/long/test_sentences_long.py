"""naive = numba = JAX for every class, 1e4 rounds each (SIMBENCH_LONG=full); fewer of the slow oracles when small."""

import os

import pytest

import simbench as sb
from tests.engine.composed import OBJECTIVES, compose, world_for
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.naive import naive_run

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
ROUNDS = {"finite": 2_000, "tabular": 500, "box": 300, "linear": 300}
CASES = [(model, objective) for model in ROUNDS for objective in (OBJECTIVES if FULL else ("xpo",))]

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("model", "objective"), CASES)
def test_naive_numba_jax(model, objective):
    rounds = 10_000 if FULL else ROUNDS[model]
    world = world_for(model, sb.make)
    learner, slow = compose(model, objective=objective)
    numba = numba_rounds(world, learner, rounds=rounds, run=7)
    assert_same(naive_rounds(naive_run, world, slow, rounds=rounds, run=7), numba, world.reward_bound)
    assert_same(jax_rounds(world, learner, rounds=rounds, run=7), numba, world.reward_bound)
