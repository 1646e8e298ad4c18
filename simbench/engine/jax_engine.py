"""Blocks of runs on JAX: a loop over rounds, vmapped over runs; for GPUs, thousands of runs, and users' own learners.

The number of rounds between checkpoints is a traced bound, so one compilation serves every segment. A block always
has the same width: the last one of a study is padded, because another width moves the last bit of vmapped sums.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import strong
from simbench.engine.jax_ledger import (
    Accounts,
    Prices,
    open_accounts,
    price_all,
    price_row,
    price_world,
    settle_all,
    settle_row,
)
from simbench.engine.snapshot import Snapshot
from simbench.learners import Comparison, RoundLearner
from simbench.precision import float64
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
    accounts: Accounts
    diagnostics: dict[str, Any]


class Deal(NamedTuple):
    """What the tape alone says of a round: its uniforms and its prompt."""

    uniforms: Any
    prompt: Any


def deal(world: Bandit, key: Any, t: Any) -> Deal:
    """Read round t off the tape."""
    slots = jnp.arange(ROUND_SLOTS, dtype=jnp.uint32)
    u = uniforms_jax(key[0], key[1], jnp.asarray(t).astype(jnp.uint32), slots)
    return Deal(u, choose_jax(world.rho if world.train_rho is None else world.train_rho, u[PROMPT]))


def draw(learner: RoundLearner[Any], world: Bandit, dealt: Deal, t: Any, state: Any) -> Comparison:
    """Return round t's comparison: prompt, two responses and a label."""
    u, s = dealt
    log_first, log_second = learner.act(state, world)
    a = choose_jax(jnp.exp(log_first[s]), u[RESPONSE_1])
    b = choose_jax(jnp.exp(log_second[s]), u[RESPONSE_2])
    if world.prefs is None:
        preference = jax.nn.sigmoid(world.reward[s, a] - world.reward[s, b])
    else:
        preference = world.prefs[s, a, b]
    return Comparison(prompt=s, first=a, second=b, first_won=u[LABEL] < preference, round=t)


def play_round(
    learner: RoundLearner[Any], world: Bandit, prices: Prices, dealt: Deal, t: Any, carry: Carry
) -> Carry:
    """Play round t of one run: draw a comparison, let the learner observe it, price what it changed."""
    comparison = draw(learner, world, dealt, t, carry.state)
    state = learner.observe(carry.state, world, comparison)
    accounts = carry.accounts
    if learner.touches == "row":
        s = comparison.prompt
        accounts = settle_row(accounts, s, t + 1)
        gaps, row = price_row(world, prices, learner.policy(state, world)[s], s)
        accounts = accounts._replace(
            gaps=accounts.gaps.at[:, s].set(gaps), policy=accounts.policy.at[s].set(row)
        )
    elif learner.touches == "all":
        accounts = settle_all(accounts, t + 1)
        gaps, policy = price_all(world, prices, learner.policy(state, world))
        accounts = accounts._replace(gaps=gaps, policy=policy)
    now = learner.diagnose(state)
    return Carry(
        state=state,
        accounts=accounts,
        diagnostics={
            name: _reduce(reducer, carry.diagnostics[name], jnp.asarray(now[name], dtype=jnp.float64))
            for name, reducer in learner.named_diagnostics(world).items()
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


def over_rounds(
    world: Bandit, keys: Any, first: Any, last: Any, runs: Any, play: Callable[[Deal, Any, Any], Any]
) -> Any:
    """Return `runs` after `play(deal, t, run)` of rounds first, …, last - 1, in every run of the block.

    The tape is read a round ahead: XLA would work a prompt out again for every entry it picks, but for what goes round
    the loop.
    """

    def deal_all(t: Any) -> Deal:
        return jax.vmap(lambda key: deal(world, key, t))(keys)

    def one_round(t: Any, going: tuple[Deal, Any]) -> tuple[Deal, Any]:
        dealt, runs = going
        return deal_all(t + 1), strong(jax.vmap(play, (0, None, 0))(dealt, t, runs))

    return jax.lax.fori_loop(first, last, one_round, (deal_all(first), runs))[1]


@functools.partial(jax.jit, static_argnums=0)
def start(learner: RoundLearner[Any], world: Bandit, keys: Any) -> Carry:
    """Return the carries of a block of runs before round 0."""
    world = jax.tree.map(jnp.asarray, world)
    state = learner.init(world)
    fresh = Carry(
        state=state,
        accounts=open_accounts(world, price_world(world), learner.policy(state, world)),
        diagnostics={name: jnp.asarray(0.0) for name in learner.named_diagnostics(world)},
    )
    width = keys.shape[0]

    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (width, *leaf.shape)), strong(fresh))


@functools.partial(jax.jit, static_argnums=0, donate_argnums=3)
def advance(
    learner: RoundLearner[Any], world: Bandit, keys: Any, carry: Carry, first: Any, last: Any
) -> Carry:
    """Play rounds first, …, last - 1 of every run in the block."""
    world = jax.tree.map(jnp.asarray, world)
    prices = price_world(world)

    played = over_rounds(
        world,
        keys,
        first,
        last,
        carry,
        lambda dealt, t, run: play_round(learner, world, prices, dealt, t, run),
    )
    settled = jax.vmap(lambda accounts: settle_all(accounts, last))(played.accounts)
    return played._replace(accounts=settled)


@functools.partial(jax.jit, static_argnums=0)
def deployed(learner: RoundLearner[Any], world: Bandit, carry: Carry) -> Any:
    """Return the log-policies `[B, S, A]` of a block."""
    return jax.vmap(lambda state: learner.deployed(state, world))(carry.state)


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
    names = tuple(learner.named_diagnostics(world))
    played = 0
    for checkpoint in checkpoints:
        with float64():
            carry = advance(learner, world, padded, carry, played, int(checkpoint))
            played = int(checkpoint)
            snapshot = Snapshot(
                iteration=played,
                round=played,
                labels=played,
                log_policy=np.asarray(deployed(learner, world, carry))[:n],
                mean_policy=np.asarray(carry.accounts.policy_sum)[:n] / played,
                regret=np.asarray(carry.accounts.regret)[:n],
                diagnostics=np.stack([carry.diagnostics[name] for name in names], axis=1)[:n]
                if names
                else np.zeros((n, 0)),
            )
        yield snapshot
