"""Arithmetic on logs of probabilities, in the places where plain formulas cancel.

    exp_remainder(x)              e^x - 1 - x                    (>= 0; ~ x^2/2 near zero)
    exp_remainder_ratio(x)        (e^x - 1 - x) / x^2            (1/2 at zero, where it is smooth)
    probability_difference(u, v)  e^u - e^v                      (full relative precision when u is near v)
    row_difference(u, v)          e^u - e^v of rows that sum to one   (full relative precision near a point mass, too)
    log_complement(u)             log(1 - e^u),  u <= 0
    exp_or_inf(x)                 e^x, +inf beyond the largest double
    log_sum_exp(x)                log sum_a e^{x_a}              (rows may hold -inf, not all of them)

Divergences of nearly equal policies are second-order small: KL ~ E d^2/2 with d = log p - log q. Written as
a difference of first-order terms they drown in rounding from d ~ 1e-8 on and raise false alarms; written
through `exp_remainder` every cell is non-negative and keeps its digits.

Masked entries are replaced before a function is applied and again after it (the "double where"), so that
neither a value nor a gradient ever meets inf - inf or 0 * inf; `exp_or_inf` does the same for overflow, where
the slope inf times a zero from a lost minimum would be NaN.
"""

import math
import sys

import jax
import jax.numpy as jnp

SERIES_BELOW = 1 / 16  # below it e^x - 1 - x is summed as a series; nine terms leave 7e-19 of the value
LARGEST_LOG = math.log(sys.float_info.max)
# Of a row's mass: what the other responses have is known better than what this one lacks.
NEARLY_ALL = math.log(0.999)
SERIES = tuple(1 / math.factorial(k + 2) for k in range(9))


@jax.jit
def exp_remainder(x: jax.Array) -> jax.Array:
    """Return e^x - 1 - x without cancellation.

    Jitted so that the call keeps its name in a jaxpr: an interpreter may put the exact function in its place.

    Args:
        x: any shape.
    """
    small = jnp.abs(x) < SERIES_BELOW
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    return jnp.where(small, near * near * _series(near), jnp.expm1(far) - far)


@jax.jit
def exp_remainder_ratio(x: jax.Array) -> jax.Array:
    """Return (e^x - 1 - x) / x^2, smooth through x = 0; jitted for its name, like `exp_remainder`.

    Args:
        x: any shape.
    """
    small = jnp.abs(x) < SERIES_BELOW
    near, far = jnp.where(small, x, 0.0), jnp.where(small, 1.0, x)
    return jnp.where(small, _series(near), (jnp.expm1(far) - far) / far**2)


@jax.jit
def exp_or_inf(x: jax.Array) -> jax.Array:
    """Return e^x, and +inf with slope zero where it exceeds the largest double; jitted for its name.

    Args:
        x: any shape.
    """
    return jnp.where(x > LARGEST_LOG, jnp.inf, jnp.exp(jnp.minimum(x, LARGEST_LOG)))


def probability_difference(log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Return p - q from the logs of both; entries may be -inf.

    Args:
        log_p: any shape, log-probabilities.
        log_q: the same shape, log-probabilities.
    """
    some = (log_p > -jnp.inf) | (log_q > -jnp.inf)
    larger = jnp.where(some, jnp.maximum(log_p, log_q), 0.0)
    both = (log_p > -jnp.inf) & (log_q > -jnp.inf)
    gap = jnp.where(both, log_p, 0.0) - jnp.where(both, log_q, 0.0)
    lost = jnp.where(both, -jnp.expm1(-jnp.abs(gap)), 1.0)  # the share of the larger that is left
    sign = jnp.where(both, jnp.sign(gap), jnp.where(log_p > log_q, 1.0, -1.0))
    return jnp.where(some, sign * jnp.exp(larger) * lost, 0.0)


def row_difference(log_p: jax.Array, log_q: jax.Array, scale: jax.Array | float = 1.0) -> jax.Array:
    """Return p - M q, cell by cell, of rows that sum to one.

    Of a response that both give nearly all mass, log p and log q have lost what is left to the others. Its difference
    is 1 - M less the differences of the others, which have all their digits.

    Args:
        log_p: `[..., A]` log-policy.
        log_q: `[..., A]` log-policy.
        scale: M > 0.
    """
    plain = probability_difference(log_p, log_q + jnp.log(scale))
    nearly_all = jnp.minimum(log_p, log_q) > NEARLY_ALL
    others = jnp.sum(jnp.where(nearly_all, 0.0, plain), axis=-1, keepdims=True)
    return jnp.where(nearly_all, (1.0 - scale) - others, plain)


def log_complement(log_p: jax.Array) -> jax.Array:
    """Return log(1 - p), -inf at p = 1.

    Args:
        log_p: any shape, log-probabilities <= 0.
    """
    near_one = log_p > -math.log(2)
    open_interval = near_one & (log_p < 0)
    close = jnp.log(-jnp.expm1(jnp.where(open_interval, log_p, -1.0)))
    away = jnp.log1p(-jnp.exp(jnp.where(near_one, -1.0, log_p)))
    return jnp.where(near_one, jnp.where(log_p < 0, close, -jnp.inf), away)


def log_sum_exp(x: jax.Array) -> jax.Array:
    """Return log sum_a e^{x_a} over the last axis; -inf entries count for nothing.

    Args:
        x: `[..., A]`, at least one finite entry in every row.
    """
    counted = x > -jnp.inf
    top = jax.lax.stop_gradient(jnp.max(x, axis=-1, keepdims=True))
    terms = jnp.where(counted, jnp.exp(jnp.where(counted, x - top, 0.0)), 0.0)
    return top[..., 0] + jnp.log(jnp.sum(terms, axis=-1))


def _series(x: jax.Array) -> jax.Array:
    """Return the sum of x^k / (k + 2)!, which is (e^x - 1 - x) / x^2 for small x, by Horner's rule."""
    total = jnp.zeros_like(x)
    for coefficient in reversed(SERIES):
        total = total * x + coefficient
    return total
