"""IPO: verdicts; the printed target is right at tau = 1 and nowhere else."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench.precision import float64
from simbench.theory.losses import azar2024
from simbench.verify import Instance
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(azar2024))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(azar2024)[name])


def test_the_printed_target_is_right_at_tau_one_alone():
    u = np.random.default_rng(3).uniform(size=azar2024.DOMAIN.dimension((2, 3)))
    with float64():
        drawn = azar2024.DOMAIN.instance((2, 3), jnp.asarray(u))
        errors = {}
        for tau in (0.5, 1.0, 2.0):
            x = Instance(
                world=drawn.world, log_policy=drawn.log_policy, log_data=drawn.log_data, tau=jnp.asarray(tau)
            )
            misprint = azar2024.IPOTargetHalfBeta()
            errors[tau] = abs(float(misprint.measured(x) - misprint.theory(x)))
    assert errors[1.0] < 1e-10
    assert min(errors[0.5], errors[2.0]) > 1e-3
