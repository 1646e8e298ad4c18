"""XPO's bonus: verdicts, and that a small step along it changes the optimistic value with the stated sign."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.precision import float64
from simbench.theory.optimism import xie2024
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(xie2024))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(xie2024)[name])


@pytest.mark.parametrize("seed", range(3))
def test_a_step_along_the_bonus_raises_optimism_and_one_along_the_released_term_lowers_it(seed):
    """Descending + E_ref log pi on the logits, by central differences; no gradient of ours is used."""
    domain = xie2024.XPOBonusRaisesOptimism.domain
    u = np.random.default_rng(seed).uniform(0.2, 0.8, size=domain.dimension((2, 3)))
    with float64():
        x = domain.instance((2, 3), jnp.asarray(u))
        step = x.world.rho[:, None] * (jax.nn.softmax(x.log_policy) - jnp.exp(x.world.log_ref))
        along = [
            float(xie2024.optimism_of_logits(x.world, x.log_policy + t * step)) for t in (-1e-4, 0, 1e-4)
        ]
        rate = (along[2] - along[0]) / 2e-4
        assert along[0] < along[1] < along[2]
        assert rate == pytest.approx(float(xie2024.XPOBonusRaisesOptimism().theory(x)), rel=1e-5)
