"""naive = numba = JAX on the same tape: every draw, every round's gaps, the policies.

By default one setting of every comparison is played, for fewer rounds; CI plays the rest, and `tests/long` the whole
grid in all three.
"""

import numpy as np
import pytest

import simbench as sb
from simbench.learners.online.constant import Reference, Uniform
from simbench.learners.online.online_dpo import OnlineDPO
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.naive import NaiveOnlineDPO, NaiveReference, NaiveUniform, naive_run

ROUNDS = 10_000
GRID = [
    (second, ridge, beta) for second in ("self", "reference") for ridge in (1e-3, 1.0) for beta in (0.05, 5.0)
]


def by_default(rounds, *setting):
    return pytest.param(rounds, *setting)


def thorough(*setting):
    return pytest.param(ROUNDS, *setting, marks=pytest.mark.thorough)


# Every pair of levels meets in the half.
HALF = [by_default(2_000, *GRID[0]), *(thorough(*GRID[i]) for i in (0, 3, 5, 6))]
OTHERS = [by_default(1_000, *GRID[6]), *(thorough(*GRID[i]) for i in (1, 6))]


def world_at(beta, run):
    return sb.make("random_tabular", beta=beta, instance=run)


@pytest.mark.parametrize(("rounds", "second", "ridge", "beta"), HALF)
def test_numba_vs_naive_online_dpo(rounds, second, ridge, beta):
    world = world_at(beta, 0)
    naive = naive_rounds(naive_run, world, NaiveOnlineDPO(ridge=ridge, second=second), rounds=rounds, run=3)
    numba = numba_rounds(world, OnlineDPO(ridge=ridge, second=second), rounds=rounds, run=3)
    assert_same(naive, numba, world.reward_bound)


@pytest.mark.parametrize(("rounds", "second", "ridge", "beta"), OTHERS)
def test_jax_vs_numba_online_dpo(rounds, second, ridge, beta):
    world = world_at(beta, 1)
    learner = OnlineDPO(ridge=ridge, second=second)
    assert_same(
        jax_rounds(world, learner, rounds=rounds, run=5),
        numba_rounds(world, learner, rounds=rounds, run=5),
        world.reward_bound,
    )


@pytest.mark.parametrize(
    ("learner", "naive"),
    [
        (Reference(), NaiveReference()),
        pytest.param(Uniform(), NaiveUniform(), marks=pytest.mark.thorough),
    ],
)
def test_constant_learners_in_all_three(learner, naive):
    world = sb.make("missing_support")
    slow = naive_rounds(naive_run, world, naive, rounds=300, run=0)
    assert_same(slow, numba_rounds(world, learner, rounds=300, run=0), world.reward_bound)
    assert_same(slow, jax_rounds(world, learner, rounds=300, run=0), world.reward_bound)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (17, 3), *(pytest.param(s, marks=pytest.mark.thorough) for s in ((1, 2), (1, 7), (3, 1)))],
)
def test_odd_sizes_agree(shape):
    """One prompt, one response, and sizes nobody tunes for."""
    world = sb.make("random_tabular", prompts=shape[0], responses=shape[1], beta=0.3)
    learner = OnlineDPO(ridge=0.1, second="self")
    slow = naive_rounds(naive_run, world, NaiveOnlineDPO(ridge=0.1, second="self"), rounds=400, run=2)
    assert_same(slow, numba_rounds(world, learner, rounds=400, run=2), world.reward_bound)


def cyclic_world():
    """With `prefs` the label follows P(a > b | s), not the reward."""
    cycle = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
    world = sb.make("random_tabular", prompts=2, responses=3, beta=1.0)
    return world.replace(prefs=np.stack([cycle, cycle.T]))


def test_general_preferences_decide_labels():
    world = cyclic_world()
    slow = naive_rounds(naive_run, world, NaiveOnlineDPO(ridge=1.0, second="self"), rounds=500, run=0)
    learner = OnlineDPO(ridge=1.0, second="self")
    assert_same(slow, numba_rounds(world, learner, rounds=500, run=0), world.reward_bound)


@pytest.mark.thorough
def test_general_preferences_decide_labels_in_jax():
    world, learner = cyclic_world(), OnlineDPO(ridge=1.0, second="self")
    traced = jax_rounds(world, learner, rounds=500, run=0)
    assert_same(traced, numba_rounds(world, learner, rounds=500, run=0), world.reward_bound)
