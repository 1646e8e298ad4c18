"""Win rate: how often one policy's response is preferred to another's.

    P(pi > pi') = sum_s rho_s sum_{a,b} pi[s, a] pi'[s, b] P(a > b | s)

Ties count one half, because P(a > a) = 1/2. P is Bradley-Terry, sigmoid(r*[s, a] - r*[s, b]), unless the
world carries its own `prefs`. The S A^2 table is never held whole once it has more than `TABLE_LIMIT`
cells: rows (one prompt, one response) are then taken in blocks.
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts

TABLE_LIMIT = 2**22  # cells of an S x A x A table held at once (32 MiB); beyond it rows come in blocks
BLOCK = 2**20  # cells held at once in the blocked sum (8 MiB)


def preference(bandit: Bandit) -> jax.Array:
    """Return P(a > b | s), shape `[S, A, A]`; the diagonal is 1/2.

    Args:
        bandit: the world.
    """
    if bandit.prefs is not None:
        require_float64(bandit.prefs)
        return jnp.asarray(bandit.prefs)
    require_float64(bandit.reward)
    return jax.nn.sigmoid(bandit.reward[:, :, None] - bandit.reward[:, None, :])


def win_rate(bandit: Bandit, log_policy: jax.Array, log_opponent: jax.Array | None = None) -> jax.Array:
    """Return P(pi > pi') = E_rho sum_{a,b} pi(a) pi'(b) P(a > b | s), in [0, 1]; ties count one half.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
        log_opponent: `[S, A]` log-policy of the opponent; None means the reference.
    """
    log_opponent = bandit.log_ref if log_opponent is None else log_opponent
    require_float64(bandit.rho, log_policy, log_opponent)
    wins = response_win_rate(bandit, log_opponent)
    return over_prompts(bandit.rho, jnp.sum(jnp.exp(log_policy) * wins, axis=-1))


def response_win_rate(bandit: Bandit, log_opponent: jax.Array) -> jax.Array:
    """Return sum_b pi'(b) P(a > b | s), shape `[S, A]`: how often each response beats the opponent.

    Args:
        bandit: the world.
        log_opponent: `[S, A]` log-policy of the opponent.
    """
    require_float64(bandit.rho, log_opponent)
    opponent = jnp.exp(log_opponent)
    prompts, responses = log_opponent.shape
    if bandit.prefs is not None or prompts * responses * responses <= TABLE_LIMIT:
        return jnp.einsum("sab,sb->sa", preference(bandit), opponent)
    return _blocked(jnp.asarray(bandit.reward), opponent)


def _blocked(reward: jax.Array, opponent: jax.Array) -> jax.Array:
    prompts, responses = opponent.shape

    @jax.checkpoint  # the gradient recomputes a block's rows rather than keep S A^2 of them
    def row(cell: jax.Array) -> jax.Array:
        prompt, response = cell // responses, cell % responses
        return jnp.dot(jax.nn.sigmoid(reward[prompt, response] - reward[prompt]), opponent[prompt])

    rows = jax.lax.map(row, jnp.arange(prompts * responses), batch_size=max(1, BLOCK // responses))
    return rows.reshape(prompts, responses)
