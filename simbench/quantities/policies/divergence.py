"""Divergences between policies, averaged over prompts.

    KL(p || q)    = E_rho sum_a p log(p / q)          = E_rho sum_a q phi(p / q),   phi(x) = x log x - x + 1
    chi2(p || q)  = E_rho sum_a q (p / q - 1)^2

The right-hand form of KL is what is computed: every cell p (e^{-d} - 1 + d), d = log p - log q, is
non-negative, so nearly equal policies keep their digits, and a cell with p = 0 contributes q. For rows that
sum to one it is the same number; its gradient is the natural one on the simplex (p d per cell, zero at p =
q). Mass where q has none gives +inf, never NaN; prompts of weight zero are skipped.
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.log_arithmetic import exp_or_inf, exp_remainder, log_complement


def kl(rho: jax.Array, log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Return KL(p || q) = E_rho sum_a p log(p / q), in nats; +inf where p has mass and q has none.

    Args:
        rho: `[S]` prompt weights.
        log_p: `[S, A]` log-policy.
        log_q: `[S, A]` log-policy.
    """
    require_float64(rho, log_p, log_q)
    return over_prompts(rho, jnp.sum(kl_terms(log_p, log_q), axis=-1))


def chi_squared(rho: jax.Array, log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Return chi2(p || q) = E_rho sum_a q (p/q - 1)^2; +inf where p has mass and q has none.

    Args:
        rho: `[S]` prompt weights.
        log_p: `[S, A]` log-policy.
        log_q: `[S, A]` log-policy.
    """
    require_float64(rho, log_p, log_q)
    return over_prompts(rho, jnp.sum(_chi_squared_terms(log_p, log_q), axis=-1))


def kl_ref(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return KL(pi || ref), in nats: what a policy pays for leaving the reference.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return kl(bandit.rho, log_policy, bandit.log_ref)


def kl_terms(log_p: jax.Array, log_q: jax.Array, log_ratio: jax.Array | None = None) -> jax.Array:
    """Return p log(p/q) - p + q cell by cell (>= 0); summed over a distribution they give KL.

    Args:
        log_p: any shape, log-probabilities.
        log_q: the same shape, log-probabilities.
        log_ratio: log(p/q) where it is known better than as the difference of the two; finite where both are.
    """
    p_positive, q_positive = log_p > -jnp.inf, log_q > -jnp.inf
    both = p_positive & q_positive
    safe_p = jnp.where(both, log_p, 0.0)
    d = safe_p - jnp.where(both, log_q, 0.0) if log_ratio is None else jnp.where(both, log_ratio, 0.0)
    p, q = jnp.exp(safe_p), jnp.exp(jnp.where(q_positive, log_q, 0.0))
    close = p * exp_remainder(-jnp.maximum(d, -1.0))
    q_larger = q - p * (1.0 - d)  # d <= -1: no cancellation left, and e^{-d} would overflow
    shared = jnp.where(d > -1.0, close, q_larger)
    return jnp.where(both, shared, jnp.where(p_positive, jnp.inf, jnp.where(q_positive, q, 0.0)))


def _chi_squared_terms(log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    p_positive, q_positive = log_p > -jnp.inf, log_q > -jnp.inf
    both = p_positive & q_positive
    safe_p, safe_q = jnp.where(both, log_p, 0.0), jnp.where(both, log_q, 0.0)
    d = safe_p - safe_q
    # (p - q)^2 / q is (p^2/q) (1 - q/p)^2 where p is larger, and q (p/q - 1)^2 where q is.
    p_larger = exp_or_inf(2.0 * safe_p - safe_q + 2.0 * log_complement(-jnp.maximum(d, 0.0)))
    q_larger = jnp.exp(safe_q) * jnp.expm1(jnp.minimum(d, 0.0)) ** 2
    shared = jnp.where(d > 0.0, p_larger, q_larger)
    only_q = jnp.where(q_positive, jnp.exp(jnp.where(q_positive, log_q, 0.0)), 0.0)
    return jnp.where(both, shared, jnp.where(p_positive, jnp.inf, only_q))
