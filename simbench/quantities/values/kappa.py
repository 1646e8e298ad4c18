"""kappa, the constant that ties coverage to value.

    kappa(x) = (x - 1)^2 / (x - 1 - log x),      kappa(0) = 0,  kappa(1) = 2,  kappa(x)/x -> 1

It is increasing, and x <= kappa(x) <= x + log x + 1 for x >= 1. In [huang2025, Lemma 3.1] it enters at
x = exp(2R/beta), which overflows from R/beta = 355 on: `log_kappa` takes and returns logs.

Near x = 1 both numerator and denominator are second-order small; the denominator is `exp_remainder(log x)`,
which keeps its digits.
"""

import jax
import jax.numpy as jnp

from simbench.precision import require_float64
from simbench.quantities.log_arithmetic import SERIES_BELOW, exp_or_inf, exp_remainder_ratio


def kappa(x: jax.Array | float) -> jax.Array:
    """Return kappa(x) = (x - 1)^2 / (x - 1 - log x) for x >= 0 (NaN below).

    Args:
        x: any shape, a density ratio.

    Source: [huang2025, Lemma 3.1].
    """
    x = jnp.asarray(x)
    require_float64(x)
    return exp_or_inf(log_kappa(jnp.log(x)))


def log_kappa(log_x: jax.Array | float) -> jax.Array:
    """Return log kappa(e^{log_x}), finite for every finite argument.

    Args:
        log_x: any shape, log of a density ratio, in nats.

    Source: [huang2025, Lemma 3.1].
    """
    log_x = jnp.asarray(log_x)
    require_float64(log_x)
    near = jnp.abs(log_x) < SERIES_BELOW
    above = ~near & (log_x > 0)
    middle = _log_kappa_near_one(jnp.where(near, log_x, 0.0))
    top = _log_kappa_above_one(jnp.where(above, log_x, 1.0))
    bottom = _log_kappa_below_one(jnp.where(near | above, -1.0, log_x))
    return jnp.where(near, middle, jnp.where(above, top, bottom))


def _log_kappa_near_one(log_x: jax.Array) -> jax.Array:
    # With L = log x and c(L) = (e^L - 1 - L)/L^2: (x - 1)/L = 1 + L c(L), so kappa = (1 + L c)^2 / c.
    curvature = exp_remainder_ratio(log_x)
    return 2.0 * jnp.log1p(log_x * curvature) - jnp.log(curvature)


def _log_kappa_above_one(log_x: jax.Array) -> jax.Array:
    # Numerator and denominator divided by x = e^L, which may overflow.
    shrink = jnp.exp(-log_x)
    log_x_over_x = jnp.where(log_x < jnp.inf, log_x, 0.0) * shrink
    return log_x + 2.0 * jnp.log1p(-shrink) - jnp.log1p(-shrink - log_x_over_x)


def _log_kappa_below_one(log_x: jax.Array) -> jax.Array:
    return 2.0 * jnp.log(-jnp.expm1(log_x)) - jnp.log(jnp.expm1(log_x) - log_x)
