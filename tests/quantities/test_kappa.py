import jax
import numpy as np
import pytest
from flint import arb

from simbench import quantities as q
from tests.quantities import arb_oracle as oracle

pytestmark = pytest.mark.usefixtures("in_float64", "in_400_bits")

KAPPA, LOG_KAPPA = jax.jit(q.kappa), jax.jit(q.log_kappa)
RNG = np.random.default_rng(0)


def test_values_at_the_ends_and_at_one():
    computed = np.asarray(KAPPA(np.array([0.0, 1.0, np.inf])))
    np.testing.assert_array_equal(computed, [0.0, 2.0, np.inf])
    assert LOG_KAPPA(-np.inf) == -np.inf
    assert np.isnan(KAPPA(-0.1))


@pytest.mark.parametrize("side", [-1, 1])
def test_near_one_vs_400_bits(side):
    x = 1 + side * np.exp(RNG.uniform(np.log(1e-15), np.log(0.9), 300))
    for point, computed in zip(x, np.asarray(KAPPA(x)), strict=True):
        assert oracle.relative_error(computed, oracle.kappa(point)) < 1e-13


def test_small_and_large_vs_400_bits():
    x = np.exp(RNG.uniform(-700, 700, 300))
    for point, computed in zip(x, np.asarray(KAPPA(x)), strict=True):
        assert oracle.relative_error(computed, oracle.kappa(point)) < 1e-12


def test_log_kappa_where_kappa_overflows_vs_400_bits():
    log_x = RNG.uniform(-5000, 5000, 300)
    for point, computed in zip(log_x, np.asarray(LOG_KAPPA(log_x)), strict=True):
        exact = oracle.kappa(arb(float(point)).exp()).log()
        assert abs(float(float(computed) - exact)) < 1e-15 * max(1.0, abs(point))


def test_increasing_and_between_its_bounds():
    # x <= kappa(x) <= x + log x + 1 for x >= 1
    log_x = np.sort(np.concatenate([RNG.uniform(-600, 600, 2000), RNG.uniform(-0.2, 0.2, 2000)]))
    assert np.all(np.diff(np.asarray(LOG_KAPPA(log_x))) > -1e-13)
    x = np.exp(log_x[log_x >= 0])
    computed = np.asarray(KAPPA(x))
    assert np.all(x <= computed * (1 + 1e-12))
    assert np.all(computed <= (x + np.log(x) + 1) * (1 + 1e-12))


def test_slope_at_one():
    # kappa = 2 / (1 - 2t/3 + t^2/2 - ...) with t = x - 1, so kappa'(1) = 4/3
    slope = jax.jit(jax.grad(q.kappa))
    assert slope(1.0) == pytest.approx(4 / 3, rel=1e-13)
    assert slope(1.001) == pytest.approx((float(KAPPA(1.0011)) - float(KAPPA(1.0009))) / 2e-4, rel=1e-6)


def test_domination_of_the_integrands():
    # (x - 1)^2 <= kappa(M) (x - 1 - log x) for x <= M, with equality at x = M: where the lemma comes from.
    log_x = RNG.uniform(-5, 5, 1000)
    log_m = log_x + RNG.exponential(size=1000)
    remainder = np.expm1(log_x) - log_x
    square = np.expm1(log_x) ** 2
    assert np.all(square <= np.asarray(KAPPA(np.exp(log_m))) * remainder * (1 + 1e-10))
    np.testing.assert_allclose(np.asarray(KAPPA(np.exp(log_x))) * remainder, square, rtol=1e-9)
