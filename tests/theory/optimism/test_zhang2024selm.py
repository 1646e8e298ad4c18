"""SELM: verdicts; the uncalibrated objective falls without bound though the policy stays where it is."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench.precision import float64
from simbench.quantities.losses.optimism import optimistic_value, preference_loss
from simbench.theory.optimism import zhang2024selm
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(zhang2024selm))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(zhang2024selm)[name])


def test_the_uncalibrated_objective_has_no_minimum():
    u = np.random.default_rng(0).uniform(size=zhang2024selm.SHIFTED.dimension((2, 3)))
    with float64():
        x = zhang2024selm.SHIFTED.instance((2, 3), jnp.asarray(u))

        def objective(shift):
            reward = x.estimate + shift
            return float(preference_loss(x.world, reward) - 0.1 * optimistic_value(x.world, reward))

        fallen = [objective(shift) for shift in (0.0, 1e3, 1e6)]
        assert fallen[2] < fallen[1] < fallen[0] - 90
        np.testing.assert_allclose(
            q.gibbs(x.world, x.estimate + 1e3), q.gibbs(x.world, x.estimate), atol=1e-10
        )
