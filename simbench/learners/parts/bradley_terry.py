"""The Bradley-Terry fit of one prompt in JAX, many runs side by side; fitting/bradley_terry.py has the mathematics."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg

from simbench.learners.fitting.bradley_terry import (
    CONTRACTION,
    EPSILON,
    FULL_STEP,
    MAX_STEPS,
    NOISE,
    TOLERANCE,
    WIDEST,
)
from simbench.learners.parts.elimination import UNROLLED, added, largest, solve_laplacian
from simbench.learners.parts.exact_flows import fit_by_exact_flows


@jax.custom_batching.custom_vmap
def _fit_runs(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Fit B runs side by side, runs last: `wins [A, A, B]`, `start [A, B]`, `ridge [B]`; one that is done stands still.

    A run whose exponentials cannot share a scale leaves the quick loop, and goes on by pairs once the others are done;
    so does every run with more responses than are quick to compile. One that rounding disturbs ends with exact flows.
    """
    carry = Descent(start, jnp.zeros(start.shape[1:], dtype=bool), jnp.zeros(start.shape[1:]), 0)
    if len(start) > UNROLLED:
        return _fit_the_rest(wins, ridge, carry)

    def going(carry: Descent) -> Any:
        return jnp.any(~carry.done & (_width(carry.reward) <= WIDEST)) & (carry.steps < MAX_STEPS)

    labels = without_ties(wins)
    carry = jax.lax.while_loop(going, lambda carry: _step(labels, ridge, carry), carry)
    return jax.lax.cond(
        jnp.all(carry.done & ~_drowned(*carry[:3:2], ridge)),
        lambda carry: (carry.reward, carry.done),
        lambda carry: _fit_the_rest(wins, ridge, carry),
        carry,
    )


def _fit_the_rest(wins: Any, ridge: Any, carry: "Descent") -> tuple[Any, Any]:
    """Fit the runs that are not done by pairs, and those that rounding disturbs by exact flows."""
    by_pairs = jax.vmap(_fit_by_pairs, in_axes=(-1, -1, Descent(-1, -1, -1, None)), out_axes=-1)
    by_flows = jax.vmap(fit_by_exact_flows, in_axes=-1, out_axes=-1)
    reward, done, stiffest = by_pairs(wins, ridge, carry)
    return by_flows(wins, ridge, reward, done & ~_drowned(reward, stiffest, ridge))


def _drowned(reward: Any, stiffest: Any, ridge: Any) -> Any:
    """Return whether rounding of the flows may have moved the minimiser visibly; K is 1 / ridge here."""
    bound = NOISE * (1.0 + jnp.maximum(largest(reward), largest(-reward)))
    return ~(EPSILON * len(reward) * stiffest <= bound * ridge)


class Descent(NamedTuple):
    """Where a fit is: rewards `[A, ...]`, whether it met the rule, max_a H_aa, and the number of steps of all."""

    reward: Any
    done: Any
    stiffest: Any
    steps: Any


class Labels(NamedTuple):
    """Wins, losses (the transpose) and their sum, `[A, A, ...]`, without self-pairs."""

    won: Any
    lost: Any
    counts: Any


def without_ties(wins: Any) -> Labels:
    """Return the labels that say something."""
    own = jnp.eye(len(wins)).reshape(len(wins), len(wins), *(1,) * (wins.ndim - 2))
    won = wins * (1.0 - own)
    lost = jnp.swapaxes(won, 0, 1)
    return Labels(won, lost, won + lost)


def _step(labels: Labels, ridge: Any, carry: Descent) -> Descent:
    """Take a Newton step in every run; one that is done, or too wide for it, stands still."""
    reward, done, stiffest, steps = carry
    wide = _width(reward) > WIDEST
    # sigmoid(r_a - r_b) = e_a / (e_a + e_b): A exponentials instead of A^2.
    weights = jnp.exp(reward - largest(reward))
    scale = 1.0 / (weights[:, None] + weights[None])
    flow = added((labels.lost * weights[:, None] - labels.won * weights[None]) * scale)
    curvature = labels.counts * (weights[:, None] * scale) * (weights[None] * scale)
    downhill = flow - ridge * reward
    stiffness = added(curvature) + ridge
    direction = solve_laplacian(stiffness, curvature, downhill)
    # The cond keeps XLA from eliminating once more for every entry of what follows.
    long = jnp.any(_width(direction) > FULL_STEP)
    state = reward, direction, downhill, ridge, done | wide
    reward, met = jax.lax.cond(long, partial(_move, damped=True), partial(_move, damped=False), *state)
    stiffest = jnp.where(done | wide, stiffest, largest(stiffness))
    return Descent(reward, done | (met & ~wide), stiffest, steps + 1)


def _fit_by_pairs(wins: Any, ridge: Any, carry: Descent) -> tuple[Any, Any, Any]:
    """Fit one run, `wins [A, A]`, with two exponentials per pair and a solver that is quick to compile."""
    labels = without_ties(wins)

    def step(carry: Descent) -> Descent:
        reward, done, stiffest, steps = carry
        p = jax.nn.sigmoid(reward[:, None] - reward[None])
        q = p.T  # of the other order, not 1 - p: that cancels when p -> 1
        curvature = labels.counts * p * q
        downhill = jnp.sum(labels.won * q - labels.lost * p, axis=1) - ridge * reward
        stiffness = jnp.sum(curvature, axis=1) + ridge
        factor = jnp.linalg.cholesky(jnp.diag(stiffness) - curvature)
        direction = jax.scipy.linalg.cho_solve((factor, True), downhill)
        reward, met = _move(reward, direction, downhill, ridge, done, damped=True)
        return Descent(reward, done | met, jnp.where(done, stiffest, jnp.max(stiffness)), steps + 1)

    return jax.lax.while_loop(lambda c: ~c.done & (c.steps < MAX_STEPS), step, carry)[:3]


def _move(
    reward: Any, direction: Any, downhill: Any, ridge: Any, still: Any, damped: bool
) -> tuple[Any, Any]:
    """Return the rewards `[A, ...]` after the centred step but of runs that stand still, and who met the rule."""
    decrement = jnp.sqrt(jnp.maximum(added(downhill * direction), 0.0))
    spread = _width(direction)
    full = spread <= FULL_STEP
    step = direction - added(direction) / len(direction)
    if damped:
        step = step * jnp.where(full, 1.0, jnp.log1p(spread) / jnp.where(full, 1.0, spread))
    tolerance = TOLERANCE * (1.0 + jnp.maximum(largest(reward), largest(-reward)))
    certified = full & (CONTRACTION * spread * decrement <= tolerance * jnp.sqrt(ridge))
    return jnp.where(still, reward, reward + step), certified | (spread <= tolerance)


def _width(vector: Any) -> Any:
    return largest(vector) + largest(-vector)


def fit_tabular_jax(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Return the minimiser r `[A]` for one prompt's `wins [A, A]`, from `start`, and whether the rule was met.

    Under vmap, however deep, the runs become the last axis, along which XLA vectorises; left first, A x A loops stay
    scalar, and a cond per run would be both its branches.
    """
    reward, done = _fit_runs(wins[..., None], start[:, None], jnp.asarray(ridge)[None])
    return reward[:, 0], done[0]


@_fit_runs.def_vmap
def _fit_more_runs(axis_size: int, in_batched: Any, *runs: Any) -> Any:
    def side_by_side(x: Any, batched: bool) -> Any:
        x = jnp.moveaxis(x, 0, -1) if batched else jnp.broadcast_to(x[..., None], (*x.shape, axis_size))
        return x.reshape(*x.shape[:-2], -1)

    reward, done = _fit_runs(*(side_by_side(x, batched) for x, batched in zip(runs, in_batched, strict=True)))
    reward, done = (jnp.moveaxis(x.reshape(*x.shape[:-1], -1, axis_size), -1, 0) for x in (reward, done))
    return (reward, done), (True, True)
