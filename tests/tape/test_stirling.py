"""The pieces of log-factorial ratios against ball arithmetic."""

import numpy as np
import pytest
from flint import arb, ctx

from simbench.tape.stirling import (
    SERIES,
    TABLED,
    bend,
    bend_numba,
    stirling_remainder,
    stirling_remainder_numba,
)


@pytest.fixture(autouse=True)
def _precision(monkeypatch):
    before, ctx.prec = ctx.prec, 300
    yield
    ctx.prec = before


def exact_remainder(k: int) -> arb:
    z = arb(k + 1)
    return z.lgamma() - (z - arb(0.5)) * z.log() + z - (2 * arb.pi()).log() / 2


@pytest.mark.parametrize("k", [0, 1, 5, TABLED - 1, TABLED, TABLED + 1, 30, 1000, 10**9, 10**12])
def test_remainder(k):
    """Absolutely to 1e-16, where log k! is in the balance with numbers of order one; the table to 1e-15."""
    exact = float(exact_remainder(k))
    np.testing.assert_allclose(stirling_remainder(np, np.array([float(k)])), exact, rtol=0, atol=1e-14)
    if k >= TABLED:
        np.testing.assert_allclose(
            stirling_remainder(np, np.array([float(k)])), exact, rtol=2e-15, atol=6e-17
        )


def exact_bend(x: float) -> float:
    return float((1 + arb(x)) * (1 + arb(x)).log() - arb(x))


@pytest.mark.parametrize("x", [0.0, 1e-30, 1e-9, -1e-9, 1e-4, -0.03, SERIES, -SERIES])
def test_bend_near_zero_keeps_its_digits(x):
    np.testing.assert_allclose(bend(np, np.array([x]), np.array([1 + x])), exact_bend(x), rtol=4e-16, atol=0)


@pytest.mark.parametrize("x", [-0.999, -0.5, -0.11, 0.1001, 0.3, 2.0, 50.0])
def test_bend_elsewhere(x):
    np.testing.assert_allclose(bend(np, np.array([x]), np.array([1 + x])), exact_bend(x), rtol=1e-13, atol=0)


@pytest.mark.thorough
def test_numba_agrees():
    for k in (0.0, 7.0, 15.0, 16.0, 1e6):
        np.testing.assert_allclose(
            stirling_remainder_numba(k), stirling_remainder(np, np.array([k]))[0], rtol=1e-15
        )
    for x in (-0.7, -0.1, -1e-7, 0.0, 0.05, 0.2, 3.0):
        expected = bend(np, np.array([x]), np.array([1 + x]))[0]
        np.testing.assert_allclose(bend_numba(x, 1 + x), expected, rtol=1e-15)
