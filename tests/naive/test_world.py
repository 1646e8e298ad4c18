"""The oracle's exact numbers against brute force: loops over cells, and an optimiser that knows J only."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from simbench.bandit import Bandit
from tests.naive import world as naive


def draw_world(seed: int, *, missing: bool = False, beta: float = 0.3) -> Bandit:
    rng = np.random.default_rng(seed)
    ref = rng.dirichlet(np.ones(5), size=4)
    if missing:
        ref[0, 1] = ref[2, 0] = ref[2, 4] = 0.0
        ref /= ref.sum(axis=1, keepdims=True)
    log_ref = np.log(ref, out=np.full_like(ref, -np.inf), where=ref > 0)
    return Bandit(rho=rng.dirichlet(np.ones(4)), log_ref=log_ref, reward=rng.random((4, 5)), beta=beta)


def draw_policy(world: Bandit, rng: np.random.Generator, scale: float = 2.0) -> np.ndarray:
    return naive.log_softmax(world.log_ref + scale * rng.normal(size=world.log_ref.shape))


def brute_value(world: Bandit, log_policy: np.ndarray) -> float:
    """J(pi), one cell at a time."""
    total = 0.0
    for s in range(world.prompts):
        for a in range(world.responses):
            p, q = math.exp(log_policy[s, a]), math.exp(world.log_ref[s, a])
            if p > 0:
                total += world.rho[s] * p * (world.reward[s, a] - world.beta * math.log(p / q))
    return total


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_value_is_its_sum_over_cells(seed, missing):
    world = draw_world(seed, missing=missing)
    log_policy = draw_policy(world, np.random.default_rng(seed))
    assert naive.value(world, log_policy) == pytest.approx(brute_value(world, log_policy), abs=1e-13)


def test_value_outside_the_support_is_minus_infinity():
    world = draw_world(0, missing=True)
    assert naive.value(world, np.full((4, 5), -math.log(5))) == -math.inf


def test_no_policy_beats_the_gibbs_policy():
    """BFGS over the logits of each prompt, which knows J only, finds J(pi*) and pi*."""
    world = draw_world(1)

    def loss(logits: np.ndarray) -> float:
        return -brute_value(world, naive.log_softmax(logits.reshape(4, 5)))

    found = minimize(loss, np.zeros(20), method="BFGS", options={"gtol": 1e-7})
    assert -found.fun == pytest.approx(naive.value(world, naive.optimal(world)), abs=1e-9)
    assert_allclose(np.exp(naive.log_softmax(found.x.reshape(4, 5))), np.exp(naive.optimal(world)), atol=1e-4)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_gap_is_beta_times_the_kl_to_the_optimum(seed, missing):
    """J(pi*) - J(pi) = beta KL(pi || pi*) and J(pi*) = beta E_rho log Z."""
    world = draw_world(seed, missing=missing)
    log_policy, log_optimal = draw_policy(world, np.random.default_rng(seed)), naive.optimal(world)
    distance = world.beta * naive.kl(world.rho, log_policy, log_optimal)
    assert naive.value_gap(world, log_policy) == pytest.approx(distance, abs=1e-13)
    assert naive.value_gap(world, log_optimal) == 0.0
    log_z = np.log(np.sum(np.exp(world.log_ref + world.reward / world.beta), axis=1))
    assert naive.value(world, log_optimal) == pytest.approx(world.beta * world.rho @ log_z, abs=1e-13)


def test_gibbs_survives_small_beta():
    """R / beta = 1e5: exp(r / beta) is infinite, the policy is not."""
    log_policy = naive.optimal(draw_world(2, beta=1e-5))
    assert_allclose(np.exp(log_policy).sum(axis=1), 1.0, atol=1e-12)
    assert (np.exp(log_policy).argmax(axis=1) == draw_world(2).reward.argmax(axis=1)).all()


@pytest.mark.parametrize("seed", range(5))
def test_reward_gap_and_argmax_gap_by_loops(seed):
    world = draw_world(seed, missing=True)
    log_policy, log_optimal = draw_policy(world, np.random.default_rng(seed)), naive.optimal(world)
    reward_gap = argmax_gap = 0.0
    for s in range(4):
        cells = [a for a in range(5) if world.log_ref[s, a] > -math.inf]
        for a in cells:
            reward_gap += world.rho[s] * world.reward[s, a] * math.exp(log_optimal[s, a])
            reward_gap -= world.rho[s] * world.reward[s, a] * math.exp(log_policy[s, a])
        greedy = max(cells, key=lambda a: log_policy[s, a])
        argmax_gap += world.rho[s] * (max(world.reward[s, a] for a in cells) - world.reward[s, greedy])
    assert naive.reward_gap(world, log_policy) == pytest.approx(reward_gap, abs=1e-14)
    assert naive.argmax_gap(world, log_policy) == pytest.approx(argmax_gap, abs=1e-14)


def test_argmax_gap_breaks_ties_by_the_first_index_within_1e_9():
    world = Bandit(rho=[1.0], log_ref=np.log([[0.25, 0.25, 0.5]]), reward=[[0.1, 0.4, 0.9]], beta=1.0)
    for excess, gap in [(0.0, 0.8), (5e-10, 0.8), (5e-9, 0.5)]:
        log_policy = np.log([[0.45, 0.45 + excess, 0.1 - excess]])
        assert naive.argmax_gap(world, log_policy) == pytest.approx(gap, abs=1e-15)


def test_preference_is_bradley_terry_unless_the_world_has_its_own():
    world = draw_world(3)
    for a in range(5):
        for b in range(5):
            won = math.exp(world.reward[1, a]) / (math.exp(world.reward[1, a]) + math.exp(world.reward[1, b]))
            assert naive.preference(world, 1, a, b) == pytest.approx(won, abs=1e-15)
    cycle = np.full((4, 5, 5), 0.5)
    cycle[1, 0, 2], cycle[1, 2, 0] = 0.9, 0.1
    assert naive.preference(world.replace(prefs=cycle), 1, 0, 2) == 0.9


@pytest.mark.filterwarnings("error")
def test_sigmoid_keeps_its_relative_accuracy_in_both_tails():
    x = np.array([-700.0, -30.0, 0.0, 30.0, 800.0])
    assert_allclose(
        naive.sigmoid(x[:3]), [math.exp(-700), math.exp(-30) / (1 + math.exp(-30)), 0.5], rtol=1e-13
    )
    assert naive.sigmoid(x[4]) == 1.0
