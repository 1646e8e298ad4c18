"""Optimism about value, written on the policy: what the bonuses of XPO, VPO and SELM add to the likelihood.

    J*(r) = max_pi { E_pi r - beta KL(pi||ref) } = beta E_rho log Z_r            the optimistic value of a reward
    bonus(pi) = -beta E_{s~rho, a~cal} log(pi/ref)                               = J*(r) if pi = G(r), E_cal r = 0

`cal` is the calibration policy (XPO and SELM: the reference). Comparisons identify a reward only up to a shift
per prompt, so J*(r) means nothing until the shift is fixed: here, on average over prompts, by E_cal r = 0.

    loss(r) = E_{s~rho; a,b~mu} [ -log P_r(the label seen) ],   P_r(a > b) = sigma(r_a - r_b)

is the population loss the bonus is added to, as a function of the reward (of the policy: `dpo_loss.py`).

Source: [xie2024], [cen2024], [zhang2024selm].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import expectation, over_prompts
from simbench.quantities.policies.gibbs import log_partition
from simbench.quantities.preferences.win_rate import preference


def optimistic_value(bandit: Bandit, reward: jax.Array) -> jax.Array:
    """Return J*(r) = beta E_rho log Z_r, the best KL-regularised value if `reward` were true; reward units.

    Args:
        bandit: the world.
        reward: `[S, A]` any reward (reward units).
    """
    return bandit.beta * over_prompts(bandit.rho, log_partition(bandit, reward))


def calibrated(bandit: Bandit, reward: jax.Array, log_calibration: jax.Array | None = None) -> jax.Array:
    """Return r - E_cal r, shape `[S, A]`: the reward with average zero under the calibration policy.

    Args:
        bandit: the world.
        reward: `[S, A]` any reward (reward units).
        log_calibration: `[S, A]` log-policy cal; None means the reference.
    """
    log_calibration = bandit.log_ref if log_calibration is None else log_calibration
    return reward - expectation(bandit.rho, log_calibration, reward)


def implicit_bonus(
    bandit: Bandit, log_policy: jax.Array, log_calibration: jax.Array | None = None
) -> jax.Array:
    """Return -beta E_cal log(pi/ref), in reward units; +inf where pi drops a response that cal emits.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
        log_calibration: `[S, A]` log-policy cal, on the reference's support; None means the reference.
    """
    log_calibration = bandit.log_ref if log_calibration is None else log_calibration
    require_float64(bandit.rho, log_policy, log_calibration)
    emitted = (log_calibration > -jnp.inf) & (bandit.log_ref > -jnp.inf)
    kept = emitted & (log_policy > -jnp.inf)
    log_ratio = jnp.where(kept, log_policy, 0.0) - jnp.where(kept, bandit.log_ref, 0.0)
    mass = jnp.where(kept, jnp.exp(jnp.where(kept, log_calibration, 0.0)), 0.0)
    dropped = jnp.any(emitted & ~kept, axis=-1)
    per_prompt = jnp.where(dropped, jnp.inf, -jnp.sum(mass * log_ratio, axis=-1))
    return bandit.beta * over_prompts(bandit.rho, per_prompt)


def preference_loss(bandit: Bandit, reward: jax.Array, log_data: jax.Array | None = None) -> jax.Array:
    """Return the population negative log-likelihood of one comparison under Bradley-Terry `reward`, in nats.

    Args:
        bandit: the world, whose preferences draw the label.
        reward: `[S, A]` any reward (reward units).
        log_data: `[S, A]` log of mu, from which both responses of a pair are drawn; None means the reference.
    """
    log_data = bandit.log_ref if log_data is None else log_data
    require_float64(bandit.rho, reward, log_data)
    margin = reward[:, :, None] - reward[:, None, :]
    surprise = jnp.maximum(-margin, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(margin)))  # -log sigma(margin)
    data = jnp.exp(log_data)
    per_prompt = 2.0 * jnp.einsum("sa,sb,sab->s", data, data, preference(bandit) * surprise)
    return over_prompts(bandit.rho, per_prompt)
