"""Tilt size: verdicts, tightness, and the two-response divergence in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench.precision import float64
from simbench.theory.foundations import tilt_size
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(tilt_size))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(tilt_size)[name])


def test_both_bounds_are_attained():
    verdicts = judged(tilt_size)
    assert verdicts["tilt_size"].tightness == pytest.approx(1.0, abs=1e-6)
    assert 0.99 < verdicts["tilt_size_linear"].tightness < 1.0


@pytest.mark.parametrize(("log_p", "tilt"), [(-3.0, 4.0), (-40.0, 45.0), (np.log(0.5), 0.01)])
def test_divergence_of_a_tilted_pair(log_p, tilt):
    """KL = q L - log(1 - p + p e^L), q = p e^L/(1 - p + p e^L), for ref = (p, 1 - p) and reward (L beta, 0)."""
    p = np.exp(log_p)
    log_partition = np.log1p(p * np.expm1(tilt))
    expected = np.exp(log_p + tilt - log_partition) * tilt - log_partition
    with float64():
        x = tilt_size.two_responses(jnp.asarray(log_p), jnp.asarray(tilt))
        assert float(q.kl_ref(x.world, q.gibbs(x.world))) == pytest.approx(expected, rel=1e-9)
