"""The log-determinant identity: verdicts, and both of its sides from NumPy's determinants and inverses."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench.precision import float64
from simbench.theory.foundations import log_determinant
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(log_determinant))
def test_verdict_is_the_expected_one(name):
    verdict = judged(log_determinant)[name]
    assert_as_expected(verdict)
    assert verdict.tightness is None or verdict.tightness == pytest.approx(1.0, abs=1e-6)


def test_the_norms_are_those_of_the_inverse():
    domain = log_determinant.DOMAIN
    u = np.random.default_rng(2).uniform(size=domain.dimension((1, 5)))
    with float64():
        x = domain.instance((1, 5), jnp.asarray(u))
        z, ridge = np.asarray(log_determinant.differences(x)), float(x.ridge)
        before, after = (np.asarray(log_determinant.grown(x, flag)) for flag in (True, False))
        claim = log_determinant.LogDeterminantIdentity()
        determinants = float(claim.theory(x))
    covariance = ridge * np.eye(2)
    for t, row in enumerate(z):
        assert before[t] == pytest.approx(row @ np.linalg.inv(covariance) @ row, rel=1e-10)
        covariance = covariance + np.outer(row, row)
        assert after[t] == pytest.approx(row @ np.linalg.inv(covariance) @ row, rel=1e-10)
    assert determinants == pytest.approx(np.linalg.slogdet(covariance)[1] - 2 * np.log(ridge), rel=1e-10)
