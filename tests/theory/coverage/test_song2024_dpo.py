"""Proposition 4.1: verdicts; the loss flat in m, the value linear in log p3, on validated worlds."""

import numpy as np
import pytest

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.precision import float64
from simbench.theory.coverage import song2024_dpo
from tests.theory.judged import assert_as_expected, claims_of, judged

REWARD, BETA = np.array([0.9, 0.2, 0.4]), 0.5


@pytest.mark.parametrize("name", claims_of(song2024_dpo))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(song2024_dpo)[name])


def minimiser(p3, mass):
    """Return the world with tail p3, pi_m and the data policy, written out."""
    seen = np.array([0.3, 0.7])
    kept = seen * np.exp(REWARD[:2] / BETA)
    with np.errstate(divide="ignore"):
        log_policy = np.log(np.append((1 - mass) * kept / kept.sum(), mass))[None]
        log_data = np.log(np.append(seen, 0.0))[None]
    log_ref = np.log(np.append((1 - p3) * seen, p3))[None]
    return Bandit(rho=[1.0], log_ref=log_ref, reward=REWARD[None], beta=BETA), log_policy, log_data


def test_the_loss_is_flat_in_m():
    with float64():
        losses = [float(q.dpo_loss(*minimiser(1e-3, mass))) for mass in (0.0, 0.1, 0.5, 0.9, 0.999)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-12)


def test_the_value_falls_with_slope_beta_m():
    tails = np.array([1e-4, 1e-8, 1e-12, 1e-16])
    mass = 0.33
    with float64():
        values = [float(q.value(world, policy)) for world, policy, _ in (minimiser(p, mass) for p in tails)]
    slope = np.polyfit(np.log(tails), values, 1)[0]
    assert slope == pytest.approx(BETA * mass, rel=1e-4)
