"""Batches of labels: a few iterations, each with as many labels as all before it, or nearly.

The cumulative number of labels follows the checkpoints: iteration i draws the labels that lead from one checkpoint to
the next, all under one pair of policies and as counts (bandit/batch.py), and ends with one fit. Learners are JAX,
vmapped over runs; the counts come from the numba kernel on a CPU, from JAX elsewhere, and are the same integers as
long as the policies are. A block always has the same width, as in the loop over rounds. A learner that collects says
itself where its iterations end, and reads the tape instead of being handed counts.

    regret = sum over iterations of m_i (J(pi*) - J(first_i)),       m_i labels under slot-1 policy first_i,

and likewise in the other currencies of the learner (`currencies.py`): what the labels cost. The deployed policy is
measured at every iteration.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit, draw_wins_jax, prompt_weights
from simbench.compiling import quickly, strong
from simbench.engine.checkpoints import log_checkpoints, require_checkpoints
from simbench.engine.currencies import CURRENCIES, currencies_of
from simbench.engine.handover import (
    CHARGED,
    SLOT_1,
    SLOT_2,
    acted,
    arrays,
    charged,
    diagnosed,
    require_policies,
    same_state,
)
from simbench.engine.numba_engine import batch_kernel
from simbench.engine.rows import BLOCK, padded, quantities_of, require_block, result_columns
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError
from simbench.learners.protocols.batch import BatchLearner
from simbench.learners.protocols.collecting import CollectingLearner
from simbench.precision import float64
from simbench.quantities import measure_batch, preference
from simbench.tape import run_key

MOST_LABELS = 10**12
LAST_LABEL = 2**32  # the tape counts the labels of a learner that collects in 32 bits
CELLS = 2**21  # cells of win counts that JAX draws at once; more runs are drawn in turn


def run_batches(
    world: Bandit,
    learner: BatchLearner[Any],
    *,
    labels: int,
    runs: Sequence[int],
    seed: int = 0,
    instance: int = 0,
    checkpoints: np.ndarray | None = None,
    quantities: Sequence[str] | None = None,
    block: int = BLOCK,
) -> dict[str, np.ndarray]:
    """Play `runs` of a batch learner in `world` and return columns of length len(runs) x iterations, run-major.

    Columns: run; iteration = round, from 1; labels, cumulative; the cumulative regret, reward_regret, argmax_regret
    (reward units), or exploitability where there is no reward, of the labels' slot-1 policies; one per quantity, of the
    policy deployed after the iteration's fit;
    average_<quantity>, of the mean slot-1 policy of all labels; one per diagnostic of the learner.

    Args:
        labels: in all, at most 1e12. checkpoints: increasing label counts, ending anywhere up to `labels`; None means
            log-spaced ones. A learner that collects is measured where its iterations end instead. The other
            arguments are those of `run_block`.

    Raises:
        SimbenchError: unknown quantities, too many runs or labels, a world that the learner cannot learn in, or a
            learner whose policies are no distributions.
    """
    runs = list(runs)
    require_block(runs, block)
    names = quantities_of(learner, world, quantities)
    if labels > MOST_LABELS:
        raise SimbenchError(f"labels is {labels}; it must be at most {MOST_LABELS}.")
    learner.check(world)
    marks = _marks(learner, labels, checkpoints)
    keys = np.array([run_key(seed=seed, instance=instance, run=run) for run in runs])
    return result_columns(
        world,
        _iterations(world, learner, keys, marks, block),
        runs=runs,
        diagnostics=learner.named_diagnostics(world),
        quantities=names,
        block=block,
        learner=type(learner).__name__,
        currencies=currencies_of(learner, world),
    )


def _iterations(
    world: Bandit, learner: BatchLearner[Any], keys: np.ndarray, marks: np.ndarray, block: int
) -> Iterator[Snapshot]:
    """Yield one snapshot, of `block` runs, per iteration; the last of them beyond `keys [B, 2]` are padding."""
    names, runs = learner.named_diagnostics(world), len(keys)
    with float64():
        likes = None if isinstance(learner, CollectingLearner) else np.asarray(_preference(world))
        state, view = _start(learner, world, block)
    charges = tuple(CURRENCIES[name].gap for name in currencies_of(learner, world))
    regret, policy_sum = np.zeros((block, len(charges))), np.zeros((block, world.prompts, world.responses))
    paid = 0
    for iteration, mark in enumerate(marks.tolist()):
        batch = mark - paid
        with float64():
            when = f"in iteration {iteration + 1}"
            first = np.exp(require_policies(learner, np.asarray(view.log_first), SLOT_1, when))
            second = np.exp(require_policies(learner, np.asarray(view.log_second), SLOT_2, when))
            gaps = measure_batch(world, view.log_first, charges)
            regret += batch * np.stack([np.asarray(gaps[name]) for name in charges], axis=1)
            policy_sum += batch * first
            if likes is None:
                state, view = _collect_and_step(learner, world, state, padded(keys, block), paid, batch)
            else:
                wins = draw_block(world, keys, iteration, batch, first[:runs], second[:runs], likes)
                state, view = _step(learner, world, state, padded(wins.astype(np.float64), block))
            paid = mark
            snapshot = Snapshot(
                iteration=iteration + 1,
                round=iteration + 1,
                labels=paid,
                log_policy=require_policies(
                    learner, np.asarray(view.log_policy), CHARGED, f"after iteration {iteration + 1}"
                ),
                mean_policy=policy_sum / paid,
                regret=regret.copy(),
                diagnostics=np.array([view.diagnostics[name] for name in names]).reshape(-1, block).T,
            )
        yield snapshot


def _marks(learner: BatchLearner[Any], labels: int, checkpoints: np.ndarray | None) -> np.ndarray:
    """Return the label counts after which an iteration ends."""
    if isinstance(learner, CollectingLearner):
        if labels > LAST_LABEL:
            raise SimbenchError(f"labels is {labels}; a learner that collects may have {LAST_LABEL} at most.")
        return require_checkpoints(learner.iteration_ends(labels), labels)
    return log_checkpoints(labels) if checkpoints is None else require_checkpoints(checkpoints, labels)


def draw_block(
    world: Bandit,
    keys: np.ndarray,
    batch: int,
    labels: int,
    first: np.ndarray,
    second: np.ndarray,
    likes: np.ndarray,
) -> np.ndarray:
    """Return the win counts `[B, S, A, A]` of batch `batch` of the runs with tape `keys [B, 2]`.

    `first` and `second` are the probabilities `[B, S, A]` of the slots, `likes [S, A, A]` is P(a > b | s).
    """
    weights = np.asarray(prompt_weights(world))
    if jax.default_backend() != "cpu":
        return _draw_on_device(keys, batch, labels, weights, first, second, likes)
    wins = np.empty((len(keys), *likes.shape), dtype=np.int64)
    batch_kernel().draw_runs(keys, batch, labels, weights, first, second, likes, wins)
    return wins


def _draw_on_device(
    keys: np.ndarray,
    batch: int,
    labels: int,
    weights: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    likes: np.ndarray,
) -> np.ndarray:
    side_by_side = max(1, CELLS // likes.size)
    drawn = []
    for start in range(0, len(keys), side_by_side):
        part = slice(start, start + side_by_side)
        sizes = (
            padded(keys[part], side_by_side),
            padded(first[part], side_by_side),
            padded(second[part], side_by_side),
        )
        drawn.append(np.asarray(_drawn(*sizes, batch, labels, weights, likes))[: len(keys[part])])
    return np.concatenate(drawn)


@jax.jit
def _drawn(keys: Any, first: Any, second: Any, batch: Any, labels: Any, weights: Any, likes: Any) -> Any:
    return draw_wins_jax(
        keys[:, 0],
        keys[:, 1],
        batch,
        labels,
        weights=weights,
        first=first,
        second=second,
        preference=likes,
    )


class View(NamedTuple):
    """What the engine reads of the states of a block: log-policies `[B, S, A]` and diagnostics `[B]`."""

    log_first: Any
    log_second: Any
    log_policy: Any
    diagnostics: dict[str, Any]


def _view(learner: BatchLearner[Any], world: Bandit, state: Any) -> View:
    named = diagnosed(learner, state, learner.named_diagnostics(world))
    return View(*acted(learner, state, world), charged(learner, state, world), named)


@functools.partial(quickly, static=(0, 2))
def _start(learner: BatchLearner[Any], world: Bandit, width: int) -> tuple[Any, View]:
    world = jax.tree.map(jnp.asarray, world)
    state = arrays(learner, learner.init(world), "init")

    fresh = strong((state, _view(learner, world, state)))
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (width, *leaf.shape)), fresh)


@functools.partial(quickly, static=(0,))
def _step(learner: BatchLearner[Any], world: Bandit, states: Any, wins: Any) -> tuple[Any, View]:
    world = jax.tree.map(jnp.asarray, world)

    def one(state: Any, counts: Any) -> tuple[Any, View]:
        state = same_state(learner, state, learner.observe(state, world, counts))
        return state, _view(learner, world, state)

    return strong(jax.vmap(one)(states, wins))


@functools.partial(jax.jit, static_argnums=0)
def _collect_and_step(
    learner: CollectingLearner[Any, Any], world: Bandit, states: Any, keys: Any, start: Any, labels: Any
) -> tuple[Any, View]:
    world = jax.tree.map(jnp.asarray, world)

    def one(state: Any, key: Any) -> tuple[Any, View]:
        data = learner.collect(state, world, (key[0], key[1]), start, labels)
        state = same_state(learner, state, learner.observe(state, world, data))
        return state, _view(learner, world, state)

    return strong(jax.vmap(one)(states, keys))


_preference = quickly(preference)
