"""The Bradley-Terry fit of one prompt in JAX, many runs side by side; learners/bradley_terry.py has the mathematics."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.learners.bradley_terry import CONTRACTION, FULL_STEP, MAX_STEPS, TOLERANCE, WIDEST
from simbench.learners.parts.elimination import added, largest, solve_laplacian


def _fit_runs(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Fit B runs side by side, runs last: `wins [A, A, B]`, `start [A, B]`; a run that is done stands still.

    A run whose exponentials cannot share a scale leaves the quick loop, and goes on by pairs once the others are done.
    """
    fit = _Fit.of(wins, ridge)
    start = (start, jnp.zeros(start.shape[1:], dtype=bool), 0)

    def going(carry: Any) -> Any:
        reward, done, steps = carry
        return jnp.any(~done & (_width(reward) <= WIDEST)) & (steps < MAX_STEPS)

    def to_the_end(carry: Any) -> Any:
        return jax.lax.while_loop(lambda c: jnp.any(~c[1]) & (c[2] < MAX_STEPS), fit.step_by_pairs, carry)

    carry = jax.lax.while_loop(going, fit.step, start)
    reward, done, _ = jax.lax.cond(jnp.all(carry[1]), lambda carry: carry, to_the_end, carry)
    return reward, done


class _Fit(NamedTuple):
    """Wins, losses (its transpose) and their sum, `[A, A, B]` without self-pairs; the ridge."""

    won: Any
    lost: Any
    counts: Any
    ridge: Any

    @classmethod
    def of(cls, wins: Any, ridge: Any) -> "_Fit":
        won = wins * (1.0 - jnp.eye(len(wins)))[..., None]
        lost = jnp.swapaxes(won, 0, 1)
        return cls(won, lost, won + lost, ridge)

    def step(self, carry: Any) -> Any:
        """Take a Newton step; a run that is done, or too wide for it, stands still."""
        reward, done, steps = carry
        wide = _width(reward) > WIDEST
        # sigmoid(r_a - r_b) = e_a / (e_a + e_b): A exponentials instead of A^2.
        weights = jnp.exp(reward - largest(reward))
        scale = 1.0 / (weights[:, None] + weights[None])
        flow = added((self.lost * weights[:, None] - self.won * weights[None]) * scale)
        curvature = self.counts * (weights[:, None] * scale) * (weights[None] * scale)
        downhill = flow - self.ridge * reward
        direction = solve_laplacian(added(curvature) + self.ridge, curvature, downhill)
        # The cond keeps XLA from eliminating once more for every entry of what follows.
        long = jnp.any(_width(direction) > FULL_STEP)
        state = reward, direction, downhill, done | wide
        reward, met = jax.lax.cond(
            long, lambda *s: self._move(*s, True), lambda *s: self._move(*s, False), *state
        )
        return reward, done | (met & ~wide), steps + 1

    def step_by_pairs(self, carry: Any) -> Any:
        """Take a Newton step with two exponentials per pair, by a solver that is quick to compile."""
        reward, done, steps = carry
        p = jax.nn.sigmoid(reward[:, None] - reward[None])
        q = jnp.swapaxes(p, 0, 1)  # of the other order, not 1 - p: that cancels when p -> 1
        curvature = self.counts * p * q
        downhill = added(self.lost * p - self.won * q) - self.ridge * reward
        direction = solve_laplacian(added(curvature) + self.ridge, curvature, downhill, unrolled=0)
        reward, met = self._move(reward, direction, downhill, done, True)
        return reward, done | met, steps + 1

    def _move(self, reward: Any, direction: Any, downhill: Any, still: Any, damped: bool) -> tuple[Any, Any]:
        """Return the rewards after the centred step but of the runs that stand still, and who met the stopping rule."""
        decrement = jnp.sqrt(jnp.maximum(added(downhill * direction), 0.0))
        spread = _width(direction)
        full = spread <= FULL_STEP
        step = direction - added(direction) / len(direction)
        if damped:
            step = step * jnp.where(full, 1.0, jnp.log1p(spread) / jnp.where(full, 1.0, spread))
        tolerance = TOLERANCE * (1.0 + jnp.maximum(largest(reward), largest(-reward)))
        certified = full & (CONTRACTION * spread * decrement <= tolerance * jnp.sqrt(self.ridge))
        return jnp.where(still, reward, reward + step), certified | (spread <= tolerance)


def _width(vector: Any) -> Any:
    return largest(vector) + largest(-vector)


@jax.custom_batching.custom_vmap
def fit_tabular_jax(wins: Any, start: Any, ridge: Any) -> tuple[Any, Any]:
    """Return the minimiser r `[A]` for one prompt's `wins [A, A]`, from `start`, and whether the rule was met.

    Under vmap the runs become the last axis, along which XLA vectorises; left first, A x A loops stay scalar.
    """
    reward, done = _fit_runs(wins[..., None], start[:, None], ridge)
    return reward[:, 0], done[0]


@fit_tabular_jax.def_vmap
def _fit_tabular_vmapped(axis_size: int, in_batched: Any, wins: Any, start: Any, ridge: Any) -> Any:
    wins, start, ridge = (
        jnp.moveaxis(x, 0, -1) if batched else jnp.broadcast_to(x[..., None], (*jnp.shape(x), axis_size))
        for x, batched in zip((wins, start, jnp.asarray(ridge)), in_batched, strict=True)
    )
    reward, done = _fit_runs(wins, start, ridge)
    return (jnp.moveaxis(reward, -1, 0), done), (True, True)
