"""Round by round: what each implementation drew and what gap it charged, in one common form."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.engine import jax_engine, jax_ledger, numba_engine
from simbench.engine.ledger import loop_world, open_ledger
from simbench.precision import entry_point
from simbench.tape import run_key, tape_buffer


class Rounds(NamedTuple):
    """Per round: prompt, winner, loser `[T]`, the three gaps charged `[T, 3]`; and the final policies `[S, A]`."""

    drawn: np.ndarray  # [T, 3]
    gaps: np.ndarray  # [T, 3]
    log_policy: np.ndarray
    mean_policy: np.ndarray


def naive_rounds(naive_run, world, learner, *, rounds, run):
    trace = naive_run(world, learner, rounds=rounds, seed=0, instance=0, run=run)
    won = np.asarray(trace.first_won, dtype=bool)
    first, second = np.asarray(trace.first), np.asarray(trace.second)
    drawn = np.stack([trace.prompt, np.where(won, first, second), np.where(won, second, first)], axis=1)
    gaps = np.stack([trace.gap_t, trace.reward_gap_t, trace.argmax_gap_t], axis=1)
    return Rounds(drawn, gaps, trace.log_policy, trace.mean_policy)


def numba_rounds(world, learner, *, rounds, run):
    """Advance the kernel one round at a time and read off what changed."""
    kernel = learner.kernel(world)
    loop = numba_engine.specialise(kernel.module, tuple(learner.named_diagnostics(world).values()))
    ledger = open_ledger(world.prompts, world.responses, len(learner.named_diagnostics(world)))
    priced, key = loop_world(world), run_key(seed=0, instance=0, run=run)
    buffer = tape_buffer(1)
    state = kernel.fresh_state()
    drawn, gaps = np.full((rounds, 3), -1), np.empty((rounds, 3))
    wins = getattr(getattr(state, "estimate", state), "wins", None)
    if wins is not None and wins.ndim < 3:  # the linear class lists pairs
        wins = None
    before = None if wins is None else wins.copy()
    charged = ledger.regret.copy()
    for t in range(rounds):
        loop.advance(t, t + 1, key[0], key[1], priced, state, ledger, buffer)
        gaps[t] = ledger.regret - charged
        charged = ledger.regret.copy()
        if before is not None:
            changed = int(np.flatnonzero((wins != before).reshape(-1))[0])
            drawn[t] = np.unravel_index(changed, wins.shape)
            before[tuple(drawn[t])] += 1
    assert_all_solved(dict(zip(learner.named_diagnostics(world), ledger.diagnostics, strict=True)))
    return Rounds(drawn, gaps, state.log_policy, ledger.policy_sum / rounds)


@entry_point
def jax_rounds(world, learner, *, rounds, run):
    key = jnp.asarray(np.array(run_key(seed=0, instance=0, run=run)))

    @jax.jit
    def scan(world, key):
        world = jax.tree.map(jnp.asarray, world)
        prices = jax_ledger.price_world(world)

        def one(carry, t):
            dealt = jax_engine.deal(world, key, t)
            drawn = jax_engine.draw(learner, world, dealt, t, carry.state)
            later = jax_engine.play_round(learner, world, prices, dealt, t, carry)
            winner = jnp.where(drawn.first_won, drawn.first, drawn.second)
            loser = jnp.where(drawn.first_won, drawn.second, drawn.first)
            charged = jnp.sum(carry.accounts.gaps, axis=1)
            return later, (jnp.stack([drawn.prompt, winner, loser]), charged)

        opening = jax.tree.map(lambda leaf: leaf[0], jax_engine.start(learner, world, key[None]))
        carry, (drawn, gaps) = jax.lax.scan(one, opening, jnp.arange(rounds))
        mean_policy = jax_ledger.settle_all(carry.accounts, rounds).policy_sum / rounds
        return drawn, gaps, learner.policy(carry.state, world), mean_policy, carry.diagnostics

    drawn, gaps, log_policy, mean_policy, diagnostics = scan(world, key)
    assert_all_solved(diagnostics)
    return Rounds(*(np.asarray(x) for x in (drawn, gaps, log_policy, mean_policy)))


def assert_all_solved(diagnostics):
    """No fit of the run missed its stopping rule."""
    assert diagnostics.get("unsolved_fits", 0.0) == 0.0


def assert_same(one, other, reward_bound):
    """The same draws in every round, and gaps, policies and their mean to 1e-9 of max(1, R)."""
    tolerance = 1e-9 * max(1.0, float(reward_bound))
    if (one.drawn >= 0).all() and (other.drawn >= 0).all():
        flipped = np.flatnonzero((one.drawn != other.drawn).any(axis=1))
        assert flipped.size == 0, f"draws part ways in round {flipped[0]}"
    np.testing.assert_allclose(one.gaps, other.gaps, rtol=0, atol=tolerance)
    np.testing.assert_allclose(np.exp(one.log_policy), np.exp(other.log_policy), rtol=0, atol=tolerance)
    np.testing.assert_allclose(one.mean_policy, other.mean_policy, rtol=0, atol=tolerance)
