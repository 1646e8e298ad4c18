"""Blocks of runs on JAX: a loop over rounds, vmapped over runs; for GPUs, thousands of runs, and users' own learners.

The number of rounds between checkpoints is a traced bound, so one compilation serves every segment. A block always
has the same width: the last one of a study is padded, because another width moves the last bit of vmapped sums.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.engine.ledger import TIE
from simbench.engine.snapshot import Snapshot
from simbench.learners import Comparison, RoundLearner
from simbench.precision import float64
from simbench.quantities import log_optimal
from simbench.tape import (
    LABEL,
    PROMPT,
    RESPONSE_1,
    RESPONSE_2,
    ROUND_SLOTS,
    choose_jax,
    uniforms_jax,
)


class Carry(NamedTuple):
    """One run between rounds."""

    state: Any
    regret: Any  # [3]
    policy_sum: Any  # [S, A]
    diagnostics: dict[str, Any]


class Prices(NamedTuple):
    """What the ledger reads of a world, computed once per block."""

    log_optimal: Any  # [S, A]
    optimal_reward: Any  # [S]
    best_reward: Any  # [S]


def price_world(world: Bandit) -> Prices:
    """Return the ledger's constants for `world`."""
    log_best = log_optimal(world)
    supported = jnp.where(world.log_ref > -jnp.inf, world.reward, -jnp.inf)
    return Prices(log_best, jnp.sum(jnp.exp(log_best) * world.reward, axis=1), jnp.max(supported, axis=1))


def gaps(world: Bandit, prices: Prices, log_policy: Any) -> tuple[Any, Any]:
    """Return the three gaps `[3]` of a policy, in the order of ledger.CURRENCIES, and its probabilities `[S, A]`."""
    policy = jnp.exp(log_policy)
    positive = policy > 0
    log_ratio = jnp.where(positive, log_policy - prices.log_optimal, 0.0)
    most_likely = jnp.max(policy, axis=1, keepdims=True)
    first_best = jnp.argmax(policy >= most_likely - TIE, axis=1)
    played_best = jnp.take_along_axis(jnp.asarray(world.reward), first_best[:, None], axis=1)[:, 0]
    per_prompt = jnp.stack(
        [
            world.beta * jnp.sum(policy * log_ratio, axis=1),
            prices.optimal_reward - jnp.sum(policy * world.reward, axis=1),
            prices.best_reward - played_best,
        ]
    )
    return per_prompt @ world.rho, policy


def draw(learner: RoundLearner[Any], world: Bandit, key: Any, t: Any, state: Any) -> Comparison:
    """Return round t's comparison: prompt, two responses and a label, read off the tape."""
    u = uniforms_jax(key[0], key[1], t.astype(jnp.uint32), jnp.arange(ROUND_SLOTS, dtype=jnp.uint32))
    s = choose_jax(world.rho, u[PROMPT])
    log_first, log_second = learner.act(state, world)
    a = choose_jax(jnp.exp(log_first[s]), u[RESPONSE_1])
    b = choose_jax(jnp.exp(log_second[s]), u[RESPONSE_2])
    if world.prefs is None:
        preference = jax.nn.sigmoid(world.reward[s, a] - world.reward[s, b])
    else:
        preference = world.prefs[s, a, b]
    return Comparison(prompt=s, first=a, second=b, first_won=u[LABEL] < preference, round=t)


def play_round(
    learner: RoundLearner[Any], world: Bandit, prices: Prices, key: Any, t: Any, carry: Carry
) -> Carry:
    """Play round t of one run: charge the policy, draw a comparison, let the learner observe it."""
    charged, policy = gaps(world, prices, learner.policy(carry.state, world))
    state = learner.observe(carry.state, world, draw(learner, world, key, t, carry.state))
    now = learner.diagnose(state)
    return Carry(
        state=state,
        regret=carry.regret + charged,
        policy_sum=carry.policy_sum + policy,
        diagnostics={
            name: _reduce(reducer, carry.diagnostics[name], jnp.asarray(now[name], dtype=jnp.float64))
            for name, reducer in learner.diagnostics.items()
        },
    )


def _reduce(reducer: str, before: Any, now: Any) -> Any:
    if reducer == "last":
        return now
    if reducer == "sum":
        return before + now
    if reducer == "max":
        return jnp.maximum(before, now)
    return jnp.maximum(before, jnp.where(now != 0, 1.0, 0.0))


@functools.partial(jax.jit, static_argnums=0)
def start(learner: RoundLearner[Any], world: Bandit, keys: Any) -> Carry:
    """Return the carries of a block of runs before round 0."""
    fresh = Carry(
        state=learner.init(world),
        regret=jnp.zeros(3),
        policy_sum=jnp.zeros(world.log_ref.shape),
        diagnostics={name: jnp.asarray(0.0) for name in learner.diagnostics},
    )
    width = keys.shape[0]
    return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), (width, *jnp.shape(leaf))), fresh)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=3)
def advance(
    learner: RoundLearner[Any], world: Bandit, keys: Any, carry: Carry, first: Any, last: Any
) -> Carry:
    """Play rounds first, …, last - 1 of every run in the block."""
    world = jax.tree.map(jnp.asarray, world)
    prices = price_world(world)

    def one_round(t: Any, carries: Carry) -> Carry:
        return jax.vmap(lambda key, carry: play_round(learner, world, prices, key, t, carry))(keys, carries)

    return jax.lax.fori_loop(first, last, one_round, carry)


@functools.partial(jax.jit, static_argnums=0)
def deployed(learner: RoundLearner[Any], world: Bandit, carry: Carry) -> Any:
    """Return the log-policies `[B, S, A]` of a block."""
    return jax.vmap(lambda state: learner.policy(state, world))(carry.state)


def play(
    world: Bandit,
    learner: RoundLearner[Any],
    *,
    keys: np.ndarray,
    checkpoints: np.ndarray,
    width: int,
) -> Iterator[Snapshot]:
    """Yield one snapshot of the runs with tape `keys [B, 2]` per checkpoint; B is padded to `width` with the last."""
    n = len(keys)
    padded = np.concatenate([keys, np.repeat(keys[-1:], width - n, axis=0)])
    with float64():
        carry = start(learner, world, padded)
    played = 0
    for checkpoint in checkpoints:
        with float64():
            carry = advance(learner, world, padded, carry, played, int(checkpoint))
            played = int(checkpoint)
            snapshot = Snapshot(
                round=played,
                log_policy=np.asarray(deployed(learner, world, carry))[:n],
                mean_policy=np.asarray(carry.policy_sum)[:n] / played,
                regret=np.asarray(carry.regret)[:n],
                diagnostics=np.stack([np.asarray(v) for v in carry.diagnostics.values()], axis=1)[:n]
                if carry.diagnostics
                else np.zeros((n, 0)),
            )
        yield snapshot
