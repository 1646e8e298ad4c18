"""Averages over prompts and responses, in which zero weight counts for nothing.

    E_rho x = sum_s rho_s x_s                      a prompt of weight zero is skipped, even when x_s = inf
    E_pi x  = sum_s rho_s sum_a pi[s, a] x[s, a]

and the same convention for maxima: only prompts with rho_s > 0 compete.
"""

import jax
import jax.numpy as jnp

from simbench.precision import require_float64


def over_prompts(rho: jax.Array, per_prompt: jax.Array) -> jax.Array:
    """Return E_rho x, skipping prompts of weight zero.

    Args:
        rho: `[S]` prompt weights.
        per_prompt: `[S]` one number per prompt; infinite ones give an infinite mean where rho_s > 0.
    """
    counted = rho > 0
    infinite = jnp.abs(per_prompt) == jnp.inf  # not multiplied by rho: its slope in rho would be infinite
    weighted = rho * jnp.where(counted & ~infinite, per_prompt, 0.0)
    return jnp.sum(jnp.where(counted, jnp.where(infinite, per_prompt, weighted), 0.0))


def highest_prompt(rho: jax.Array, per_prompt: jax.Array) -> jax.Array:
    """Return the maximum of x_s over the prompts with rho_s > 0.

    Args:
        rho: `[S]` prompt weights.
        per_prompt: `[S]` one number per prompt.
    """
    return jnp.max(jnp.where(rho > 0, per_prompt, -jnp.inf))


def expectation(rho: jax.Array, log_policy: jax.Array, x: jax.Array) -> jax.Array:
    """Return E_pi x = sum_s rho_s sum_a pi[s, a] x[s, a].

    Args:
        rho: `[S]` prompt weights.
        log_policy: `[S, A]` log-policy.
        x: `[S, A]` finite numbers, in their own unit.
    """
    require_float64(rho, log_policy, x)
    return over_prompts(rho, jnp.sum(jnp.exp(log_policy) * x, axis=-1))


def expected_variance(rho: jax.Array, log_policy: jax.Array, x: jax.Array) -> jax.Array:
    """Return E_rho Var_{a~pi(.|s)} x[s, a], which a per-prompt shift of x leaves alone.

    With x = rhat - r* and pi = ref this is the error that Bradley-Terry data from ref control:
    E_{a,b~ref} [(x_a - x_b)^2] = 2 E_rho Var_ref x [simbench].

    Args:
        rho: `[S]` prompt weights.
        log_policy: `[S, A]` log-policy.
        x: `[S, A]` finite numbers; the result has their unit squared.
    """
    require_float64(rho, log_policy, x)
    policy = jnp.exp(log_policy)
    centre = jnp.sum(policy * x, axis=-1, keepdims=True)
    return over_prompts(rho, jnp.sum(policy * (x - centre) ** 2, axis=-1))
