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
from simbench.engine.handover import (
    CHARGED,
    DEPLOYED,
    SLOT_1,
    SLOT_2,
    Fault,
    acted,
    arrays,
    charged,
    diagnosed,
    first_fault,
    handed_out,
    no_fault,
    refuse_fault,
    require_policies,
    same_state,
    worst_row,
)
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
    fault: Fault


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
    return draw_checked(learner, world, dealt, t, state, no_fault())[0]


def draw_checked(
    learner: RoundLearner[Any], world: Bandit, dealt: Deal, t: Any, state: Any, fault: Fault
) -> tuple[Comparison, Fault]:
    """Return round t's comparison, and the fault of the run if a row that was drawn from is the first to have one."""
    u, s = dealt
    log_first, log_second = acted(learner, state, world)
    first, second = jnp.exp(log_first[s]), jnp.exp(log_second[s])
    a, b = choose_jax(first, u[RESPONSE_1]), choose_jax(second, u[RESPONSE_2])
    fault = first_fault(fault, t, SLOT_1, s, jnp.sum(first))
    fault = first_fault(fault, t, SLOT_2, s, jnp.sum(second))
    if world.prefs is None:
        preference = jax.nn.sigmoid(world.reward[s, a] - world.reward[s, b])
    else:
        preference = world.prefs[s, a, b]
    return Comparison(prompt=s, first=a, second=b, first_won=u[LABEL] < preference, round=t), fault


def play_round(
    learner: RoundLearner[Any], world: Bandit, prices: Prices, dealt: Deal, t: Any, carry: Carry
) -> Carry:
    """Play round t of one run: draw a comparison, let the learner observe it, price what it changed."""
    comparison, fault = draw_checked(learner, world, dealt, t, carry.state, carry.fault)
    state = same_state(learner, carry.state, learner.observe(carry.state, world, comparison))
    accounts = carry.accounts
    if learner.touches == "row":
        s = comparison.prompt
        accounts = settle_row(accounts, s, t + 1)
        gaps, row = price_row(world, prices, charged(learner, state, world)[s], s)
        fault = first_fault(fault, t, CHARGED, s, jnp.sum(row))
        accounts = accounts._replace(
            gaps=accounts.gaps.at[:, s].set(gaps), policy=accounts.policy.at[s].set(row)
        )
    elif learner.touches == "all":
        accounts = settle_all(accounts, t + 1)
        gaps, policy = price_all(world, prices, charged(learner, state, world))
        fault = first_fault(fault, t, CHARGED, *worst_row(jnp.sum(policy, axis=1)))
        accounts = accounts._replace(gaps=gaps, policy=policy)
    reducers = learner.named_diagnostics(world)
    now = diagnosed(learner, state, reducers)
    return Carry(
        state=state,
        accounts=accounts,
        diagnostics={
            name: _reduce(reducer, carry.diagnostics[name], now[name]) for name, reducer in reducers.items()
        },
        fault=fault,
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
    state = arrays(learner, learner.init(world), "init")
    fresh = Carry(
        state=state,
        accounts=open_accounts(world, price_world(world), charged(learner, state, world)),
        diagnostics={name: jnp.asarray(0.0) for name in learner.named_diagnostics(world)},
        fault=no_fault(),
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
    return jax.vmap(lambda state: handed_out(learner, state, world))(carry.state)


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
    require_policies(learner, np.asarray(carry.accounts.policy), CHARGED, "before round 1", log=False)
    names = tuple(learner.named_diagnostics(world))
    played = 0
    for checkpoint in checkpoints:
        with float64():
            carry = advance(learner, world, padded, carry, played, int(checkpoint))
            played = int(checkpoint)
            refuse_fault(learner, carry.fault)
            log_policy = np.asarray(deployed(learner, world, carry))[:n]
            require_policies(learner, log_policy, DEPLOYED, f"after round {played}")
            snapshot = Snapshot(
                iteration=played,
                round=played,
                labels=played,
                log_policy=log_policy,
                mean_policy=np.asarray(carry.accounts.policy_sum)[:n] / played,
                regret=np.asarray(carry.accounts.regret)[:n],
                diagnostics=np.stack([carry.diagnostics[name] for name in names], axis=1)[:n]
                if names
                else np.zeros((n, 0)),
            )
        yield snapshot
