"""Best-of-n: draw n responses from the reference, keep the one with the highest score. Its exact law.

With F(a) the reference's mass at or below the score of a, F_-(a) the mass strictly below it,

    BoN[s, a] = ref[s, a] (F(a)^n - F_-(a)^n) / (F(a) - F_-(a)),

a tie for the best being broken in proportion to the reference, as among equal draws. Hence BoN/ref <= n, and
KL(BoN || ref) <= log n - (n-1)/n with equality in the limit of a continuous score. The formula makes sense for
every real n >= 1. Writing u = 1 - F_-/F, the last factor is F^{n-1} (1 - (1-u)^n)/u, which loses no digits when
the tied mass is a tiny part of F.

Source: the law [simbench]; its divergence, arXiv 2401.01879; best-of-n as a policy [huang2025bon].
"""

import math

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.log_arithmetic import log_sum_exp

TINIEST = math.log(1e-300)  # a share u below this is a draw that never ties: (1 - (1-u)^n)/u is n


def best_of_n(bandit: Bandit, draws: jax.Array | float, score: jax.Array | None = None) -> jax.Array:
    """Return the log-policy `[S, A]` of best-of-n sampling from the reference; memory S A^2.

    Args:
        bandit: the world.
        draws: n >= 1, how many responses compete; need not be an integer.
        score: `[S, A]` what they are ranked by, None means the true reward. Constant along gradients.

    Source: [simbench]; [huang2025bon].
    """
    score = bandit.rewarded("best_of_n without a score") if score is None else score
    require_float64(bandit.log_ref, score, draws)
    own, other = jax.lax.stop_gradient(score)[:, :, None], jax.lax.stop_gradient(score)[:, None, :]
    log_ref = jnp.broadcast_to(bandit.log_ref[:, None, :], (*bandit.log_ref.shape, bandit.log_ref.shape[1]))
    supported = bandit.log_ref > -jnp.inf
    itself = jnp.eye(bandit.log_ref.shape[1], dtype=bool) & ~supported[:, :, None]
    filled = jnp.where(itself, 0.0, log_ref)  # an unsupported response ties with itself: a finite row
    log_at_most = log_sum_exp(jnp.where(other <= own, filled, -jnp.inf))
    log_tied = log_sum_exp(jnp.where(other == own, filled, -jnp.inf))
    some_below = jnp.any((other < own) & supported[:, None, :], axis=-1)
    log_share = jnp.minimum(log_tied - log_at_most, 0.0)
    tie = jnp.where(some_below, _log_some_tie(jnp.where(some_below, log_share, -1.0), draws), 0.0)
    law = bandit.log_ref + (draws - 1.0) * jnp.minimum(log_at_most, 0.0) + tie
    return jnp.where(supported, law, -jnp.inf)


def _log_some_tie(log_share: jax.Array, draws: jax.Array | float) -> jax.Array:
    """Return log((1 - (1-u)^n)/u), u = e^{log_share} < 1: between 0 (u = 1) and log n (u = 0)."""
    visible, below_one = log_share > TINIEST, log_share < 0.0  # u < 1 may round to 1
    safe = jnp.where(visible & below_one, log_share, -1.0)
    some = jnp.log(-jnp.expm1(draws * jnp.log1p(-jnp.exp(safe)))) - safe
    return jnp.where(visible, jnp.where(below_one, some, 0.0), jnp.log(draws))
