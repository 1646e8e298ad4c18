"""Iterative methods: a loop over steps, vmapped over runs, that stops at checkpoints to be measured.

Between two checkpoints nothing is measured: the loop is `step` alone, and where the mean policy is asked for one
exponential and one addition more. The number of steps is a traced bound, so one compilation serves every segment. A
block always has the same width, as in the other loops; a method that draws nothing is one run, and its block has width
one.
"""

import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import strong
from simbench.engine.checkpoints import log_checkpoints, require_checkpoints
from simbench.engine.handover import CHARGED, arrays, charged, diagnosed, require_policies, same_state
from simbench.engine.rows import BLOCK, padded, quantities_of, require_block, result_columns
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.precision import float64
from simbench.tape import run_key

LAST_STEP = 2**32  # the tape counts steps in 32 bits


class Carry(NamedTuple):
    """One run between steps: the method's state, and the sum `[S, A]` of the policies stepped from, or None."""

    state: Any
    policy_sum: Any


class View(NamedTuple):
    """What the engine reads of a block at a checkpoint: log-policies `[B, S, A]`, their means, diagnostics `[B]`."""

    log_policy: Any
    policy_sum: Any
    diagnostics: dict[str, Any]


def runs_of(learner: Any, runs: int) -> int:
    """Return how many runs there are of a learner where `runs` are asked for: one, if it draws nothing."""
    return 1 if isinstance(learner, IterativeMethod) and not learner.draws else runs


def run_steps(
    world: Bandit,
    method: IterativeMethod[Any],
    *,
    steps: int,
    runs: Sequence[int],
    seed: int = 0,
    instance: int = 0,
    checkpoints: np.ndarray | None = None,
    quantities: Sequence[str] | None = None,
    block: int = BLOCK,
) -> dict[str, np.ndarray]:
    """Make `steps` steps of `runs` of a method in `world`; return columns of length len(runs) x checkpoints, run-major.

    Columns: run; iteration = round = steps made; labels, paid so far; one per quantity, of the policy after so many
    steps, the exploitability in the method's payoff among them; average_<quantity>, of the mean of the policies stepped
    from, where the method asks for it; one per diagnostic of the method.

    Raises:
        SimbenchError: too many runs or steps, several runs of a method that draws nothing, a quantity that needs a
            reward in a world without one, a world that the method refuses, or policies that are no distributions.
    """
    runs = list(runs)
    name = type(method).__name__
    if runs_of(method, len(runs)) < len(runs):
        raise SimbenchError(
            f"{name} draws nothing, so that all runs are the same: ask for one run, not {len(runs)}."
        )
    width = runs_of(method, block)
    require_block(runs, width)
    if steps > LAST_STEP:
        raise SimbenchError(f"rounds is {steps}; an iterative method makes {LAST_STEP} steps at most.")
    names = quantities_of(method, world, quantities)
    method.check(world)
    marks = log_checkpoints(steps) if checkpoints is None else require_checkpoints(checkpoints, steps)
    keys = padded(np.array([run_key(seed=seed, instance=instance, run=run) for run in runs]), width)
    return result_columns(
        world,
        _snapshots(world, method, keys, marks),
        runs=runs,
        diagnostics=method.named_diagnostics(world),
        quantities=names,
        block=width,
        learner=name,
        currencies=(),
        averages=names,
    )


def _snapshots(
    world: Bandit, method: IterativeMethod[Any], keys: np.ndarray, marks: np.ndarray
) -> Iterator[Snapshot]:
    """Yield one snapshot per checkpoint of the runs with tape `keys [B, 2]`."""
    names, width = method.named_diagnostics(world), len(keys)
    with float64():
        carry = _start(method, world, keys)
    made = 0
    for mark in marks.tolist():
        with float64():
            carry, view = _advance(method, world, keys, carry, made, mark)
            made = mark
            when = f"after step {made}"
            snapshot = Snapshot(
                iteration=made,
                round=made,
                labels=method.labels(made),
                log_policy=require_policies(method, np.array(view.log_policy), CHARGED, when),
                mean_policy=None if view.policy_sum is None else np.asarray(view.policy_sum) / made,
                regret=np.zeros((width, 0)),
                diagnostics=np.array([view.diagnostics[name] for name in names]).reshape(-1, width).T,
            )
        yield snapshot


@functools.partial(jax.jit, static_argnums=0)
def _start(method: IterativeMethod[Any], world: Bandit, keys: Any) -> Carry:
    world = jax.tree.map(jnp.asarray, world)

    def one(key: Any) -> Carry:
        state = strong(arrays(method, method.init(world, (key[0], key[1])), "init"))
        charged(method, state, world)
        return Carry(state, jnp.zeros(world.log_ref.shape) if method.averages else None)

    return jax.vmap(one)(keys)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=3)
def _advance(
    method: IterativeMethod[Any], world: Bandit, keys: Any, carry: Carry, first: Any, last: Any
) -> tuple[Carry, View]:
    """Make steps first, ..., last - 1 of every run in the block, and view it."""
    world = jax.tree.map(jnp.asarray, world)

    def one_step(key: Any, run: Carry, i: Any) -> Carry:
        total = run.policy_sum
        if total is not None:
            total = total + jnp.exp(charged(method, run.state, world))
        state = method.step(run.state, world, (key[0], key[1]), i)
        return Carry(strong(same_state(method, run.state, state, "step")), total)

    def one_view(run: Carry) -> View:
        numbers = diagnosed(method, run.state, method.named_diagnostics(world))
        return View(charged(method, run.state, world), run.policy_sum, numbers)

    if keys.shape[0] == 1:  # one run needs no axis of runs, and XLA makes less of one
        alone = jax.tree.map(lambda leaf: leaf[0], carry)
        alone = jax.lax.fori_loop(first, last, lambda i, run: one_step(keys[0], run, i), alone)
        made = jax.tree.map(lambda leaf: leaf[None], alone)
    else:
        made = jax.lax.fori_loop(
            first, last, lambda i, runs: jax.vmap(one_step, (0, 0, None))(keys, runs, i), carry
        )
    return made, jax.vmap(one_view)(made)
