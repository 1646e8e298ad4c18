"""The Gibbs map: the policy that is optimal for a reward.

    G(r)[s, a] = ref[s, a] exp(r[s, a] / beta) / Z_r(s),        Z_r(s) = sum_a ref[s, a] exp(r[s, a] / beta)

G(r) is the unique maximiser of E_pi r - beta KL(pi || ref), and pi* = G(r*). The reward is shifted by its
largest supported value before it is divided by beta, so R / beta = 1000 costs no digits and nothing
overflows: only log Z is ever formed. Responses without support stay without support.

Source: [huang2025], eq. 1-2; [xiong2024], [song2024].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.log_arithmetic import log_sum_exp


def log_partition(bandit: Bandit, reward: jax.Array | None = None) -> jax.Array:
    """Return log Z_r(s) = log sum_a ref[s, a] exp(r[s, a] / beta), shape `[S]`, in nats.

    Args:
        bandit: the world.
        reward: `[S, A]` any reward (reward units); None means the true one.
    """
    _, log_normaliser, shift = _tilt(bandit, reward)
    return log_normaliser + shift / bandit.beta


def gibbs(bandit: Bandit, reward: jax.Array | None = None) -> jax.Array:
    """Return log G(r), shape `[S, A]`: the log-policy optimal for reward `r`.

    Args:
        bandit: the world.
        reward: `[S, A]` any reward (reward units); None means the true one.
    """
    logits, log_normaliser, _ = _tilt(bandit, reward)
    return logits - log_normaliser[:, None]


def log_optimal(bandit: Bandit) -> jax.Array:
    """Return log pi* = log G(r*), shape `[S, A]`.

    Args:
        bandit: the world.
    """
    return gibbs(bandit)


def _tilt(bandit: Bandit, reward: jax.Array | None) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return the shifted logits `[S, A]`, their log-sum `[S]` and the shift `[S]` in reward units."""
    reward = bandit.rewarded("the optimal policy") if reward is None else reward
    require_float64(bandit.log_ref, reward, bandit.beta)
    supported = bandit.log_ref > -jnp.inf
    shift = jax.lax.stop_gradient(jnp.max(jnp.where(supported, reward, -jnp.inf), axis=-1))
    tilt = jnp.where(supported, (reward - shift[:, None]) / bandit.beta, 0.0)
    logits = jnp.where(supported, jnp.where(supported, bandit.log_ref, 0.0) + tilt, -jnp.inf)
    return logits, log_sum_exp(logits), shift
