"""Bonuses of XPO, VPO and SELM: calibration, missing support, and two ways to the same likelihood."""

import numpy as np
import pytest

from simbench import quantities as q
from simbench.quantities.losses.dpo_loss import dpo_loss
from simbench.quantities.losses.optimism import calibrated, implicit_bonus, optimistic_value, preference_loss
from tests.quantities.instances import random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")


@pytest.fixture
def world():
    return random_bandit(np.random.default_rng(0), missing=True, zero_weight=True)


def test_calibrated_reward_has_mean_zero(world):
    cal = random_policy(np.random.default_rng(1), world)
    reward = np.asarray(calibrated(world, world.reward, cal))
    assert np.sum(world.rho[:, None] * np.exp(cal) * reward) == pytest.approx(0.0, abs=1e-15)
    assert np.ptp(world.reward - reward) == pytest.approx(0.0, abs=1e-15)


def test_optimistic_value_of_the_true_reward_is_the_optimal_value(world):
    assert float(optimistic_value(world, world.reward)) == pytest.approx(
        float(q.optimal_value(world)), rel=1e-14
    )


def test_bonus_of_the_optimal_policy_is_its_value(world):
    """-beta E_cal log(pi*/ref) = J(pi*) - E_cal r*."""
    cal = random_policy(np.random.default_rng(2), world)
    expected = float(q.optimal_value(world)) - float(q.expectation(world.rho, cal, world.reward))
    assert float(implicit_bonus(world, q.log_optimal(world), cal)) == pytest.approx(expected, rel=1e-12)


def test_bonus_is_zero_at_the_reference_and_infinite_where_a_response_is_dropped(world):
    assert float(implicit_bonus(world, world.log_ref)) == 0.0
    dropped = np.array(world.log_ref)
    dropped[1, 0] = -np.inf
    assert float(implicit_bonus(world, dropped)) == np.inf


def test_loss_of_a_reward_is_the_loss_of_its_policy():
    rng = np.random.default_rng(3)
    world = random_bandit(rng)
    data, reward = random_policy(rng, world), rng.normal(size=world.reward.shape)
    ours = float(preference_loss(world, reward, data))
    assert ours == pytest.approx(float(dpo_loss(world, q.gibbs(world, reward), data)), rel=1e-12)


def test_true_reward_minimises_the_loss():
    rng = np.random.default_rng(4)
    world = random_bandit(rng)
    least = float(preference_loss(world, world.reward))
    for _ in range(20):
        assert float(preference_loss(world, world.reward + rng.normal(size=world.reward.shape))) > least
