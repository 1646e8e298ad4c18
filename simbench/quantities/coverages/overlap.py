"""How much of an opponent's mass a policy can share, given how often it beats that opponent.

    BC(pi, pc) = E_rho sum_a sqrt(pi pc)  <=  A(P) = inf_{g > 0} sqrt( (g + 2P) log((1 + g)/g) ),   P = P(pi > pc)

whenever P(a > b) >= 1/2 for r_a >= r_b. Why: with q(a) = P_{b~pc}(r_b <= r_a), 2P >= E_pi q, and the CDF
transform gives E_pc 1/(g + q) <= log((1 + g)/g); Cauchy-Schwarz joins the two. So a policy that seldom wins
hardly overlaps with its opponent. From P = 1/4 on A is 1 (g -> infinity) and says nothing.

Any g > 0 makes the bound valid, hence A is the minimum over a fixed grid: never below the infimum, and
within 0.2 per cent of it for P >= 1e-12.

Source: a step of [huang2025, Lemma 5.1]; stated for the overlap it is ours [simbench].
"""

import jax
import jax.numpy as jnp
import numpy as np

from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts

GRID = np.logspace(-14, 6, 81)  # of g, four a decade


def overlap(rho: jax.Array, log_p: jax.Array, log_q: jax.Array) -> jax.Array:
    """Return the Bhattacharyya coefficient E_rho sum_a sqrt(p q), in [0, 1].

    Args:
        rho: `[S]` prompt weights.
        log_p: `[S, A]` log-policy.
        log_q: `[S, A]` log-policy.
    """
    require_float64(rho, log_p, log_q)
    shared = (log_p > -jnp.inf) & (log_q > -jnp.inf)
    half = 0.5 * (jnp.where(shared, log_p, 0.0) + jnp.where(shared, log_q, 0.0))
    return over_prompts(rho, jnp.sum(jnp.where(shared, jnp.exp(half), 0.0), axis=-1))


def overlap_bound(win_rate: jax.Array) -> jax.Array:
    """Return A(P) = min over the grid of sqrt((g + 2P) log((1 + g)/g)); at least the overlap with the opponent.

    Args:
        win_rate: one number, P = P(pi > pc).

    Source: [huang2025, Lemma 5.1].
    """
    require_float64(win_rate)
    return jnp.sqrt(jnp.min((GRID + 2.0 * win_rate) * jnp.log1p(1.0 / jnp.asarray(GRID))))
