import jax
import numpy as np
import pytest
from flint import arb

from simbench import quantities as q
from tests.quantities import arb_oracle as oracle

pytestmark = pytest.mark.usefixtures("in_float64", "in_400_bits")

SIZE = 500  # every call has this shape, so that each function is compiled once
KAPPA, LOG_KAPPA = jax.jit(q.kappa), jax.jit(q.log_kappa)
RNG = np.random.default_rng(0)


def padded(*points):
    return np.concatenate([points, np.ones(SIZE - len(points))])


def test_values_at_the_ends_and_at_one():
    np.testing.assert_array_equal(KAPPA(padded(0.0, 1.0, np.inf, -0.1))[:4], [0.0, 2.0, np.inf, np.nan])
    np.testing.assert_array_equal(LOG_KAPPA(padded(-np.inf, np.inf))[:2], [-np.inf, np.inf])


@pytest.mark.parametrize("side", [-1, 1])
def test_near_one_vs_400_bits(side):
    x = 1 + side * np.exp(RNG.uniform(np.log(1e-15), np.log(0.9), SIZE))
    for point, computed in zip(x, np.asarray(KAPPA(x)), strict=True):
        assert oracle.relative_error(computed, oracle.kappa(point)) < 1e-13


def test_small_and_large_vs_400_bits():
    x = np.exp(RNG.uniform(-700, 700, SIZE))
    for point, computed in zip(x, np.asarray(KAPPA(x)), strict=True):
        assert oracle.relative_error(computed, oracle.kappa(point)) < 1e-12


def test_log_kappa_where_kappa_overflows_vs_400_bits():
    log_x = RNG.uniform(-5000, 5000, SIZE)
    for point, computed in zip(log_x, np.asarray(LOG_KAPPA(log_x)), strict=True):
        exact = oracle.kappa(arb(float(point)).exp()).log()
        assert abs(float(float(computed) - exact)) < 1e-15 * max(1.0, abs(point))


@pytest.mark.parametrize("scale", [600.0, 5.0, 0.2])
def test_increasing_and_between_its_bounds(scale):
    # x <= kappa(x) <= x + log x + 1 for x >= 1
    log_x = np.sort(RNG.uniform(-scale, scale, SIZE))
    computed = np.asarray(LOG_KAPPA(log_x))
    assert np.all(np.diff(computed) > -1e-13)
    above = log_x >= 0
    x = np.exp(log_x[above])
    assert np.all(log_x[above] <= computed[above] + 1e-13)
    assert np.all(computed[above] <= np.log(x + log_x[above] + 1) + 1e-13)


def test_slopes():
    # kappa = 2 / (1 - 2t/3 + t^2/2 - ...) with t = x - 1, so kappa'(1) = 4/3
    x = padded(*np.exp(RNG.uniform(-3, 3, SIZE - 1)))
    slope = np.asarray(jax.jit(jax.vmap(jax.grad(q.kappa)))(x))
    assert slope[-1] == pytest.approx(4 / 3, rel=1e-13)
    step = 1e-5 * x
    difference = np.asarray(KAPPA(x + step)) - np.asarray(KAPPA(x - step))
    np.testing.assert_allclose(slope, difference / (2 * step), rtol=1e-8)


def test_domination_of_the_integrands():
    # (x - 1)^2 <= kappa(M) (x - 1 - log x) for x <= M, with equality at x = M: where the lemma comes from.
    log_x = RNG.uniform(-5, 5, SIZE)
    log_m = log_x + RNG.exponential(size=SIZE)
    remainder = np.expm1(log_x) - log_x
    square = np.expm1(log_x) ** 2
    assert np.all(square <= np.asarray(KAPPA(np.exp(log_m))) * remainder * (1 + 1e-10))
    np.testing.assert_allclose(np.asarray(KAPPA(np.exp(log_x))) * remainder, square, rtol=1e-9)
