"""kappa: verdicts of its properties, its bounds met at 1 and at infinity."""

import jax.numpy as jnp
import pytest

from simbench import quantities as q
from simbench.precision import float64
from simbench.theory.foundations import kappa
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(kappa))
def test_verdict_is_the_expected_one(name):
    verdict = judged(kappa)[name]
    assert_as_expected(verdict)
    assert verdict.tightness == pytest.approx(1.0, abs=1e-6)


def test_the_upper_bound_is_an_equality_at_one():
    claim = kappa.KappaAtMost()
    with float64():
        x = kappa.above_one.instance((), jnp.zeros(1))
        assert float(claim.measured(x)) == float(claim.theory(x)) == float(q.kappa(1.0)) == 2.0
