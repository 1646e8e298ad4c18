"""What a policy is worth, and what it falls short by.

    J(pi)       = E_pi r* - beta KL(pi || ref)                   the KL-regularised value
    J(pi*)      = beta E_rho log Z                               its maximum, attained at pi* = G(r*)
    value gap   = J(pi*) - J(pi) = beta KL(pi || pi*)            exact for every pi, hence computed as the KL
    reward gap  = E_{pi*} r* - E_pi r*                           may be negative: pi* trades reward for KL
    argmax gap  = E_rho [max_a r* - r*[first argmax_a pi]]       temperature zero

The three gaps are the three currencies of regret. A policy with mass where the reference has none has J =
-inf and an infinite value gap; its reward gap stays finite.

Source: [huang2025], [xiong2024]; temperature-zero regret [kang2026]; the identity is ours [simbench].
"""

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.precision import require_float64
from simbench.quantities.expectation import expectation, over_prompts
from simbench.quantities.log_arithmetic import row_difference
from simbench.quantities.policies.divergence import kl, kl_ref
from simbench.quantities.policies.gibbs import log_optimal, log_partition

TIE = 1e-9  # an argmax takes the first response whose log-probability is within this of the best


def expected_reward(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return E_pi r* = sum_s rho_s sum_a pi[s, a] r*[s, a], in reward units.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return expectation(bandit.rho, log_policy, bandit.rewarded("expected_reward"))


def value(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return J(pi) = E_pi r* - beta KL(pi || ref), in reward units; -inf outside the support of ref.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return expected_reward(bandit, log_policy) - _price(bandit, kl_ref(bandit, log_policy))


def optimal_value(bandit: Bandit) -> jax.Array:
    """Return J(pi*) = beta E_rho log Z, in reward units.

    Args:
        bandit: the world.
    """
    require_float64(bandit.rho)
    return bandit.beta * over_prompts(bandit.rho, log_partition(bandit))


def value_gap(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return J(pi*) - J(pi), computed as beta KL(pi || pi*): non-negative, exact for tiny gaps; reward units.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    return _price(bandit, kl(bandit.rho, log_policy, log_optimal(bandit)))


def _price(bandit: Bandit, divergence: jax.Array) -> jax.Array:
    """Return beta times a divergence; an infinite one is not multiplied, so its slope in beta is no NaN."""
    infinite = divergence == jnp.inf
    return jnp.where(infinite, jnp.inf, bandit.beta * jnp.where(infinite, 0.0, divergence))


def reward_gap(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return E_{pi*} r* - E_pi r*, in reward units; negative for policies greedier than pi*.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.
    """
    require_float64(bandit.rho, log_policy, bandit.rewarded("reward_gap"))
    best = log_optimal(bandit)
    moved = row_difference(best, log_policy)
    # The mass that moves sums to zero, so the reward may be centred where most of it stays.
    centre = jnp.sum(jnp.exp(best) * bandit.reward, axis=-1, keepdims=True)
    return over_prompts(bandit.rho, jnp.sum(moved * (bandit.reward - centre), axis=-1))


def argmax_gap(bandit: Bandit, log_policy: jax.Array) -> jax.Array:
    """Return E_rho [max over supported a of r*[s, a] - r*[s, first argmax_a pi]], in reward units.

    Args:
        bandit: the world.
        log_policy: `[S, A]` log-policy.

    Source: [kang2026].
    """
    require_float64(bandit.rho, log_policy, bandit.rewarded("argmax_gap"))
    best = jnp.max(jnp.where(bandit.log_ref > -jnp.inf, bandit.reward, -jnp.inf), axis=-1)
    chosen = jnp.sum(jnp.where(greedy_response(log_policy), bandit.reward, 0.0), axis=-1)
    return over_prompts(bandit.rho, best - chosen)


def greedy_response(log_policy: jax.Array) -> jax.Array:
    """Return a mask `[S, A]`: per prompt, the first response within 1e-9 of the largest probability.

    Args:
        log_policy: `[S, A]` log-policy.
    """
    policy = jnp.exp(log_policy)
    best = policy >= jnp.max(policy, axis=-1, keepdims=True) - TIE
    return best & (jnp.cumsum(best, axis=-1) == 1)
