"""IPO's closed form against a numerical minimiser of its loss, and the loss against a plain double sum."""

import numpy as np
import pytest
from scipy.optimize import minimize

from simbench.quantities.losses.ipo import ipo_loss, ipo_policy
from tests.quantities.instances import normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")


def intransitive(rng, prompts=2, responses=3):
    """Return a world with random general preferences, and a data policy."""
    above = np.triu(rng.uniform(size=(prompts, responses, responses)), 1)
    below = np.tril(np.ones((responses, responses)), -1) - np.swapaxes(above, 1, 2) * 1.0
    prefs = above + np.tril(below, -1) + 0.5 * np.eye(responses)
    world = random_bandit(rng, prompts, responses).replace(prefs=prefs)
    return world, random_policy(rng, world)


def plain_loss(world, log_policy, target, data):
    h = log_policy - world.log_ref
    total = 0.0
    for s in range(world.prompts):
        for a in range(world.responses):
            for b in range(world.responses):
                weight = world.rho[s] * np.exp(data[s, a] + data[s, b]) * world.prefs[s, a, b]
                total += weight * (h[s, a] - h[s, b] - target) ** 2
    return total


def test_loss_is_the_double_sum():
    rng = np.random.default_rng(0)
    world, data = intransitive(rng)
    policy = random_policy(rng, world)
    assert float(ipo_loss(world, policy, 1.7, data)) == pytest.approx(
        plain_loss(world, policy, 1.7, data), rel=1e-13
    )


@pytest.mark.parametrize("tau", [0.2, 1.0, 4.0])
def test_closed_form_is_where_a_minimiser_ends(tau):
    rng = np.random.default_rng(7)
    world, data = intransitive(rng)

    def loss(logits):
        return plain_loss(world, normalised(logits.reshape(2, 3)), 0.5 / tau, data)

    found = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-10})
    best = np.asarray(ipo_policy(world, tau, data))
    np.testing.assert_allclose(np.exp(normalised(found.x.reshape(2, 3))), np.exp(best), atol=1e-5)


def test_data_default_to_the_reference():
    world, _ = intransitive(np.random.default_rng(1))
    np.testing.assert_array_equal(ipo_policy(world, 0.7), ipo_policy(world, 0.7, world.log_ref))
