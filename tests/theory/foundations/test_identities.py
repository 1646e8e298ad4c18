"""The exact identities: verdicts; and that the three-point lemma's G(r) is the maximiser a numerical search finds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from simbench import quantities as q
from simbench.precision import float64
from simbench.theory.foundations import identities
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(identities))
def test_verdict_is_the_expected_one(name):
    verdict = judged(identities)[name]
    assert_as_expected(verdict)
    assert verdict.tightness is None or verdict.tightness == pytest.approx(1.0, abs=1e-3)


def test_the_three_point_objective_is_largest_at_the_gibbs_policy():
    domain = identities.ThreePointLemma.domain
    u = np.random.default_rng(1).uniform(0.3, 0.7, size=domain.dimension((2, 3)))
    with float64():
        x = domain.instance((2, 3), jnp.asarray(u))

        @jax.jit
        def lost(logits):
            return -identities._gained(x, jax.nn.log_softmax(logits.reshape(2, 3), axis=-1), 1.0)

        with_slope = jax.jit(jax.value_and_grad(lost))
        found = minimize(lambda z: [np.asarray(v) for v in with_slope(z)], np.zeros(6), jac=True, tol=1e-14)
        policy = np.exp(jax.nn.log_softmax(jnp.asarray(found.x.reshape(2, 3)), axis=-1))
        gibbs = np.exp(q.gibbs(x.world, x.estimate))
    np.testing.assert_allclose(policy, gibbs, atol=1e-5)
