"""Rejection sampling with a budget: n proposals from a model, each accepted with probability min(1, p/(M q)).

One proposal is accepted as a with probability k(a) = min(q(a), p(a)/M), so with alpha = sum_a k(a) =
(1 - E_M)/M (E_M: see `excess_mass.py`) the law of what comes out is

    out = (1 - (1 - alpha)^n) k/alpha + (1 - alpha)^n q,

the last proposals' failure being answered by one more draw from the model.

Source: the coverage principle, arXiv 2510.15020.
"""

import jax
import jax.numpy as jnp

from simbench.precision import require_float64
from simbench.quantities.log_arithmetic import log_complement, log_sum_exp


def rejection_sampling(
    log_target: jax.Array, log_model: jax.Array, threshold: jax.Array | float, draws: jax.Array | float
) -> jax.Array:
    """Return the log-law `[S, A]` of rejection sampling of the target with n proposals from the model.

    Args:
        log_target: `[S, A]` log-policy p; on every prompt it shares a response with the model.
        log_model: `[S, A]` log-policy q.
        threshold: M > 0, the density ratio up to which the target is reproduced.
        draws: n > 0, proposals.
    """
    require_float64(log_target, log_model, threshold, draws)
    log_kept = jnp.minimum(log_model, log_target - jnp.log(threshold))
    log_accept = jnp.minimum(log_sum_exp(log_kept), 0.0)[:, None]
    uncertain = log_accept < 0.0
    log_reject = log_complement(jnp.where(uncertain, log_accept, -1.0))
    log_none = jnp.where(uncertain, draws * log_reject, -jnp.inf)  # no proposal is accepted
    log_some = log_complement(jnp.where(uncertain, draws * log_reject, -jnp.inf))
    accepted = log_some + log_kept - log_accept
    return log_sum_exp(jnp.stack([accepted, log_none + log_model], axis=-1))
