"""Comparing a jaxpr's two readings: float64 by XLA, and balls. The judge of the interpreter's tests."""

import jax
import numpy as np

from simbench.verify.ball import enclose, to_interval

PRECISION = 256


def disagreement(function, *arguments, numbers=None):
    """Return the largest distance of XLA's float64 results from the balls, relative to max(1, |result|).

    Infinite when an infinity, a truth value or an integer differs; undecided truth values agree with anything.
    `numbers` are XLA's results where they have been computed already.
    """
    program = jax.make_jaxpr(function)(*arguments)
    flat = jax.tree.leaves(arguments)
    balls = enclose(program, flat, precision=PRECISION)
    numbers = jax.tree.leaves(jax.jit(function)(*arguments) if numbers is None else numbers)
    assert len(balls) == len(numbers)
    return max(
        (_distance(ball, np.asarray(number)) for ball, number in zip(balls, numbers, strict=True)),
        default=0.0,
    )


def _distance(ball, number):
    assert ball.shape == number.shape
    if number.dtype == np.bool_:
        return (
            0.0
            if all(b is None or b is bool(x) for b, x in zip(ball.flat, number.flat, strict=True))
            else np.inf
        )
    if number.dtype != np.float64:
        return 0.0 if np.array_equal(ball, number) else np.inf
    worst = 0.0
    for b, x in zip(ball.flat, number.ravel().tolist(), strict=True):
        worst = max(worst, _from_interval(x, *to_interval(b)))
    return worst


def _from_interval(x, low, high):
    if np.isnan(x) or np.isinf(x):  # an unknown ball is (-inf, inf); an infinity is bracketed by itself
        return 0.0 if (np.isnan(x) and low == -np.inf and high == np.inf) or low == x or high == x else np.inf
    if low <= x <= high:
        return 0.0
    return min(abs(x - low), abs(x - high)) / max(1.0, abs(x))


def widths(function, *arguments):
    """Return the widths of the balls, relative to max(1, |midpoint|)."""
    balls = enclose(jax.make_jaxpr(function)(*arguments), jax.tree.leaves(arguments), precision=PRECISION)
    return [
        float(b.rad()) / max(1.0, abs(float(b.mid())))
        for ball in balls
        for b in np.ravel(ball)
        if hasattr(b, "rad")
    ]
