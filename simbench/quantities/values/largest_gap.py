"""The largest value gap that a Gibbs policy of a boxed reward can have: which gaps exist in a world at all.

    g_max = max { J(pi*) - J(G(r)) :  0 <= r <= R }  =  E_rho max over vertices v in {0, R}^A of beta KL(G(v) || pi*)

Prompts separate. Within one, with D = r - r*, the slope in a single entry is
(rho_s/beta) pi(a) (1 - pi(a)) (D(a) - Dbar), Dbar the mean of D over the other responses, which r(a) does not
move: one change of sign, from - to +, so the maximum is at a vertex, and 2^A of them are enumerated. A priori
g_max <= min(2R, R^2/(2 beta)): a large beta makes every gap tiny.

Source: [simbench].
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.precision import require_float64
from simbench.quantities.expectation import over_prompts
from simbench.quantities.policies.divergence import kl
from simbench.quantities.policies.gibbs import gibbs, log_optimal

MOST_RESPONSES = 14  # 2^14 vertices


def largest_gap(bandit: Bandit) -> jax.Array:
    """Return g_max, the largest J(pi*) - J(G(r)) over rewards r in [0, R], in reward units.

    Args:
        bandit: the world, with at most 14 responses.

    Raises:
        SimbenchError: too many responses to enumerate the vertices.
    """
    responses = bandit.log_ref.shape[1]
    if responses > MOST_RESPONSES:
        raise SimbenchError(
            f"largest_gap enumerates 2^A reward vertices and this world has A = {responses} responses; "
            f"it must have at most {MOST_RESPONSES}."
        )
    vertices = np.array(list(itertools.product((0.0, 1.0), repeat=responses)))
    return largest_gap_among(bandit, bandit.reward_bound * jnp.asarray(vertices)[:, None, :])


def largest_gap_among(bandit: Bandit, rewards: jax.Array) -> jax.Array:
    """Return the largest value gap of G(r) over rewards that take, on every prompt, one of the given rows.

    Args:
        bandit: the world.
        rewards: `[N, S, A]` or `[N, 1, A]` candidate rewards (reward units), combined freely across prompts.
    """
    require_float64(bandit.rho, bandit.log_ref, rewards)
    best = log_optimal(bandit)
    each = jnp.eye(len(bandit.rho), dtype=jnp.float64)

    def divergences(reward: jax.Array) -> jax.Array:
        policy = gibbs(bandit, jnp.broadcast_to(reward, bandit.log_ref.shape))
        return jax.vmap(lambda prompt: kl(prompt, policy, best))(each)

    return bandit.beta * over_prompts(bandit.rho, jnp.max(jax.vmap(divergences)(rewards), axis=0))
