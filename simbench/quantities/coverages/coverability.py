"""Coverability of a policy class: the best coverage any single data distribution can offer it.

    C_cov(Pi) = inf_mu max_{pi in Pi, s, a} pi[s, a] / mu[s, a]
              = max_{s: rho_s > 0} sum_a max_{pi in Pi} pi[s, a]

The optimal mu is proportional to max_pi pi. Always 1 <= C_cov <= A, and C_cov <= exp(R/beta) when every
policy of the class has |log pi/ref| <= R/beta.

Source: [xie2024]; the closed form for a finite class [simbench].
"""

import jax
import jax.numpy as jnp

from simbench.precision import require_float64
from simbench.quantities.expectation import highest_prompt


def coverability(rho: jax.Array, log_policies: jax.Array) -> jax.Array:
    """Return C_cov = max_s sum_a max_m pi_m[s, a] over prompts with rho_s > 0.

    Args:
        rho: `[S]` prompt weights.
        log_policies: `[M, S, A]` the log-policies of the class.
    """
    require_float64(rho, log_policies)
    return highest_prompt(rho, jnp.sum(jnp.exp(jnp.max(log_policies, axis=0)), axis=-1))
