"""The coverage profile: how much of the optimal policy is under-covered by more than a factor N.

    Prof_N(pi) = P_{s~rho, a~pi*} [ pi*[s, a] / pi[s, a] >= N ]

It falls from 1 in N, and N Prof_N <= Cov(pi* | pi) (Markov). Two models of equal cross-entropy can have
crossing profiles, and it is the profile that decides what best-of-n can recover.

Source: the coverage principle, arXiv 2510.15020.
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.policies.gibbs import log_optimal


def coverage_profile(bandit: Bandit, log_policy: jax.Array, threshold: jax.Array | float) -> jax.Array:
    """Return Prof_N(pi) = P_{pi*}[pi*/pi >= N], in [0, 1].

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
        threshold: N > 0, a density ratio.
    """
    require_float64(bandit.rho, log_policy, threshold)
    best = log_optimal(bandit)
    in_best, in_policy = best > -jnp.inf, log_policy > -jnp.inf
    both = in_best & in_policy
    log_ratio = jnp.where(both, best, 0.0) - jnp.where(both, log_policy, 0.0)
    under_covered = jnp.where(both, log_ratio >= jnp.log(threshold), in_best)
    return over_prompts(bandit.rho, jnp.sum(jnp.where(under_covered, jnp.exp(best), 0.0), axis=-1))
