"""Excess mass: how much of a target lies above M times a model; total variation is the case M = 1.

    E_M(p | q) = E_rho sum_a (p - M q)_+          (the hockey-stick divergence)
    TV(p, q)   = E_rho sum_a (p - q)_+ = E_1(p | q)

E_M falls from 1 in M and is at most the coverage profile Prof_M = P_p[p/q >= M]. It is exactly the mass that
rejection sampling with acceptance threshold M cannot reproduce.

Source: the coverage principle, arXiv 2510.15020.
"""

import jax
import jax.numpy as jnp

from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.log_arithmetic import row_difference


def excess_mass(
    rho: jax.Array, log_p: jax.Array, log_q: jax.Array, threshold: jax.Array | float
) -> jax.Array:
    """Return E_M(p | q) = E_rho sum_a (p - M q)_+, in [0, 1] for M >= 1.

    Args:
        rho: `[S]` prompt weights.
        log_p: `[S, A]` log-policy, the target.
        log_q: `[S, A]` log-policy, the model.
        threshold: M > 0, a density ratio.
    """
    require_float64(rho, log_p, log_q, threshold)
    above = jnp.maximum(row_difference(log_p, log_q, threshold), 0.0)
    return over_prompts(rho, jnp.sum(above, axis=-1))


def total_variation(rho: jax.Array, log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Return TV(p, q) = E_rho sum_a |p - q| / 2, in [0, 1].

    Args:
        rho: `[S]` prompt weights.
        log_p: `[S, A]` log-policy.
        log_q: `[S, A]` log-policy.
    """
    require_float64(rho, log_p, log_q)
    return over_prompts(rho, 0.5 * jnp.sum(jnp.abs(row_difference(log_p, log_q)), axis=-1))
