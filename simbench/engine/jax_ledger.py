"""The accounts of one run in JAX: the twin of ledger.Ledger, as pure functions.

Rows are settled lazily: between two changes of a prompt's row its gaps and its policy are constant, so they enter the
sums once, times the number of rounds they stood. A learner that declares `touches = "row"` then costs one row a round
instead of S.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.engine.ledger import TIE
from simbench.quantities import log_optimal


class Prices(NamedTuple):
    """What the accounts read of a world, computed once per block."""

    log_optimal: Any  # [S, A]
    optimal_reward: Any  # [S] E_{pi*(.|s)} r*
    best_reward: Any  # [S] the largest supported reward


class Accounts(NamedTuple):
    """One run's regrets and running mean policy."""

    regret: Any  # [3] cumulative, up to what is settled
    gaps: Any  # [3, S] of the current rows, times rho
    policy: Any  # [S, A] the current rows, as probabilities
    policy_sum: Any  # [S, A] up to what is settled
    since: Any  # [S] the round from which the current row is not yet settled


def price_world(world: Bandit) -> Prices:
    """Return the constants that rows are priced with."""
    log_best = log_optimal(world)
    supported = jnp.where(world.log_ref > -jnp.inf, world.reward, -jnp.inf)
    return Prices(log_best, jnp.sum(jnp.exp(log_best) * world.reward, axis=1), jnp.max(supported, axis=1))


def price_row(world: Bandit, prices: Prices, log_row: Any, prompt: Any) -> tuple[Any, Any]:
    """Return the three gaps `[3]` of one prompt's row, times rho, and its probabilities `[A]`."""
    row = jnp.exp(log_row)
    reward = world.reward[prompt]
    log_ratio = jnp.where(row > 0, log_row - prices.log_optimal[prompt], 0.0)
    first_best = jnp.argmax(row >= jnp.max(row) - TIE)
    gaps = jnp.stack(
        [
            world.beta * jnp.sum(row * log_ratio),
            prices.optimal_reward[prompt] - jnp.sum(row * reward),
            prices.best_reward[prompt] - reward[first_best],
        ]
    )
    return gaps * world.rho[prompt], row


def price_all(world: Bandit, prices: Prices, log_policy: Any) -> tuple[Any, Any]:
    """Return the gaps `[3, S]` of every row, and the probabilities `[S, A]`."""
    prompts = jnp.arange(log_policy.shape[0])
    gaps, policy = jax.vmap(lambda row, s: price_row(world, prices, row, s))(log_policy, prompts)
    return gaps.T, policy


def open_accounts(world: Bandit, prices: Prices, log_policy: Any) -> Accounts:
    """Return the accounts before round 0."""
    gaps, policy = price_all(world, prices, log_policy)
    return Accounts(
        regret=jnp.zeros(3),
        gaps=gaps,
        policy=policy,
        policy_sum=jnp.zeros(policy.shape),
        since=jnp.zeros(policy.shape[0], dtype=jnp.int64),
    )


def settle_row(accounts: Accounts, prompt: Any, until: Any) -> Accounts:
    """Enter one row's gaps and policy for the rounds since it last changed."""
    stood = until - accounts.since[prompt]
    return accounts._replace(
        regret=accounts.regret + stood * accounts.gaps[:, prompt],
        policy_sum=accounts.policy_sum.at[prompt].add(stood * accounts.policy[prompt]),
        since=accounts.since.at[prompt].set(until),
    )


def settle_all(accounts: Accounts, until: Any) -> Accounts:
    """Enter every row for the rounds since it last changed."""
    stood = until - accounts.since
    return accounts._replace(
        regret=accounts.regret + accounts.gaps @ stood,
        policy_sum=accounts.policy_sum + stood[:, None] * accounts.policy,
        since=jnp.full_like(accounts.since, until),
    )
