"""The population loss of direct preference optimisation, on pairs drawn from any data policy.

    L(pi) = E_{s~rho; a,b~mu} [ - sum_y P(y) log sigma(y (h_a - h_b)) ],      h = beta log(pi/ref)

with P(a > b) the world's preference (Bradley-Terry from r* unless it carries its own), so that one pair
contributes -P(a>b) log sigma(h_a - h_b) - P(b>a) log sigma(h_b - h_a). Self-pairs contribute log 2. The loss
sees the policy only through ratios between responses that mu emits: whatever else the policy does is free.

Source: the loss of [song2024, eq. 3]; arXiv 2305.18290.
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.preferences.win_rate import preference


def dpo_loss(bandit: Bandit, log_policy: jax.Array, log_data: jax.Array | None = None) -> jax.Array:
    """Return the population DPO loss, in nats per comparison; +inf where the policy drops a sampled response.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
        log_data: `[S, A]` log of mu, on the reference's support; both members of a pair are drawn from it.
            None means the reference.
    """
    log_data = bandit.log_ref if log_data is None else log_data
    require_float64(bandit.rho, log_policy, log_data)
    sampled = log_data > -jnp.inf
    dropped = jnp.any(sampled & (log_policy == -jnp.inf), axis=-1)
    defined = sampled & (log_policy > -jnp.inf) & (bandit.log_ref > -jnp.inf)
    implicit = bandit.beta * (jnp.where(defined, log_policy, 0.0) - jnp.where(defined, bandit.log_ref, 0.0))
    margin = implicit[:, :, None] - implicit[:, None, :]
    surprise = jnp.maximum(-margin, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(margin)))  # -log sigma(margin)
    mass = jnp.where(sampled, jnp.exp(jnp.where(sampled, log_data, 0.0)), 0.0)
    losses = 2.0 * jnp.einsum("sa,sb,sab->s", mass, mass, preference(bandit) * surprise)
    return over_prompts(bandit.rho, jnp.where(dropped, jnp.inf, losses))
