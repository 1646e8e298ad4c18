"""Quantities read as proofs: what stands behind a series or a cut at the largest double, enclosed and tight."""

import jax
import numpy as np
import pytest
from flint import arb

from simbench import quantities as q
from simbench.quantities.log_arithmetic import exp_or_inf, exp_remainder_ratio
from simbench.verify.ball import enclose
from simbench.verify.ball.interpreter import run, working_precision

pytestmark = pytest.mark.usefixtures("in_float64")


def balls(function, x, precision=256):
    return enclose(jax.make_jaxpr(function)(x), [x], precision=precision)[0]


def test_remainder_ratio_is_the_function_not_its_series():
    x = np.array([1e-300, -1e-27, 1e-25, -1e-3, 0.06, -5.0, 0.0, 3.0])
    with working_precision(4000):
        for ball, number in zip(balls(exp_remainder_ratio, x), x, strict=True):
            point = arb(number)
            exact = (point.expm1() - point) / (point * point) if number else arb(1) / 2
            assert ball.overlaps(exact)
            assert ball.rad() < 1e-40


def test_remainder_ratio_of_a_ball_over_zero_is_tight_and_contains_both_ends():
    program = jax.make_jaxpr(exp_remainder_ratio)(0.5)
    for radius in (1e-60, 1e-20, 1e-3):
        with working_precision(128):
            (value,) = run(program.jaxpr, [], [np.array(arb(0, radius), dtype=object)])
            (end,) = run(program.jaxpr, [], [np.array(arb(radius), dtype=object)])
        assert not value.item().is_finite() or value.item().contains(end.item().mid())
        assert radius > 1e-30 or value.item().rad() < 2 * radius


def test_exponentials_beyond_the_largest_double_stay_finite():
    ball = balls(exp_or_inf, np.array([-800.0, 0.5, 2000.0]))
    with working_precision(600):
        for computed, x in zip(ball, (-800.0, 0.5, 2000.0), strict=True):
            assert computed.is_finite()
            assert computed.overlaps(arb(x).exp())
    kappa = balls(lambda log_x: exp_or_inf(q.log_kappa(log_x)), np.array([1e-9, 0.03, 1500.0]))
    with working_precision(600):
        for computed, log_x in zip(kappa, (1e-9, 0.03, 1500.0), strict=True):
            x = arb(log_x).exp()
            assert computed.overlaps((x - 1) * (x - 1) / (x - 1 - arb(log_x)))
            assert computed.rad() < computed * arb(2) ** -150
