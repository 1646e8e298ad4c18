"""The path of rewards r* + t u, as far as it exists, and the reward on it that has a prescribed gap.

Gibbs policies ignore a shift per prompt, so a path may go on for as long as span(r* + t u) <= R on the prompt; its
rewards are then shifted, by as little as possible, into [0, R]. Every prompt stops at its own end and the others go
on; along the whole of it the gap is non-decreasing in t. Log-linear worlds have paths of their own: `linear`.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from scipy.optimize import brentq

from simbench import quantities
from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.errors import SimbenchError
from simbench.precision import float64

TOLERANCE = 1e-12  # reward units: how exactly a prescribed gap is met
ROOT = 4 * np.finfo(float).eps  # relative accuracy of t, so that tiny gaps keep their digits
STILL = (
    1e-12  # a direction whose span on a prompt is below this fraction of R is rounding, and does not move it
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """Rewards r* + min(t, end_s) u(s, .), shifted into [0, R].

    Args:
        world: the world.
        change: `[S, A]` u, in reward units.
        ends: `[S]` the largest t on each prompt; finite.
    """

    world: Bandit
    change: np.ndarray
    ends: np.ndarray

    @property
    def end(self) -> float:
        """The t from which nothing moves any more."""
        return float(self.ends.max())

    @cached_property
    def reach(self) -> float:
        """The gap at the end: the largest on the path, in reward units."""
        return self.gap(self.end)

    def reward(self, t: float) -> np.ndarray:
        """Return the reward at `t`, `[S, A]`; r* itself, to the bit, at t = 0."""
        moved = self.world.reward + np.minimum(t, self.ends)[:, None] * self.change
        return into_box(moved, float(self.world.reward_bound))

    def gap(self, t: float) -> float:
        """Return J(pi*) - J(G(r)) of the reward r at `t`, in reward units."""
        return value_gap(self.world, self.reward(t))


def tabular_path(world: Bandit, direction: np.ndarray) -> Path:
    """Return the path that starts in `direction`, `[S, A]`, and leaves responses without support alone."""
    change = np.where(np.isfinite(world.log_ref), direction, 0.0)
    return Path(world=world, change=change, ends=span_ends(world, change))


def reward_of_gap(path: Path, gap: float) -> np.ndarray:
    """Return the reward `[S, A]` on the path whose Gibbs policy has the value gap `gap`, to 1e-12.

    Args:
        path: where to look.
        gap: J(pi*) - J(G(r)), reward units, from 0 (r* itself) to the path's reach.

    Raises:
        SimbenchError: a gap beyond the reach, or one that float64 cannot meet to 1e-12.
    """
    if not (math.isfinite(gap) and gap >= 0):
        raise SimbenchError(f"gap is {gap}; it must be a finite number >= 0.")
    if gap == 0:
        return path.reward(0.0)
    if path.reach <= gap <= path.reach + TOLERANCE:
        return path.reward(path.end)
    if path.reach < gap:
        raise SimbenchError(f"gap is {gap:.6g}; this direction reaches at most {path.reach:.6g}.")
    time = brentq(lambda t: path.gap(t) - gap, 0.0, path.end, xtol=1e-300, rtol=ROOT, maxiter=2000)
    missed = abs(path.gap(time) - gap)
    if missed > TOLERANCE:
        raise SimbenchError(
            f"gap is {gap:.6g}; with reward_bound / beta = {float(path.world.reward_bound / path.world.beta):.3g} "
            f"float64 meets it to {missed:.1g} only, and {TOLERANCE:g} is promised."
        )
    return path.reward(time)


def value_gap(world: Bandit, reward: np.ndarray) -> float:
    """Return J(pi*) - J(G(reward)), in reward units; on the CPU, so that worlds do not depend on the device."""
    with float64(), jax.default_device(jax.devices("cpu")[0]):
        return float(_value_gap(world.rho, world.log_ref, world.reward, world.beta, reward))


@quickly
def _value_gap(
    rho: jax.Array, log_ref: jax.Array, true_reward: jax.Array, beta: jax.Array, reward: jax.Array
) -> jax.Array:
    world = Bandit(rho=rho, log_ref=log_ref, reward=true_reward, beta=beta)
    return quantities.value_gap(world, quantities.gibbs(world, reward))


def into_box(reward: np.ndarray, bound: float) -> np.ndarray:
    """Return a reward of span <= R, every prompt shifted by as little as possible so that it lies in [0, R]."""
    low, high = reward.min(-1, keepdims=True), reward.max(-1, keepdims=True)
    shift = np.maximum(-low, 0.0) - np.maximum(high - bound, 0.0)
    return np.asarray(np.clip(reward + shift, 0.0, bound))


def span_ends(world: Bandit, change: np.ndarray) -> np.ndarray:
    """Return `[S]`: the largest t with span(r* + t u) <= R on each prompt; 0 where u does not move it."""
    bound = float(world.reward_bound)
    ends = np.zeros(world.prompts)
    for s in np.flatnonzero(moves(world, change)):
        r, u = world.reward[s], change[s]
        growth = u[:, None] - u[None, :]
        growing = growth > STILL * bound
        room = bound - (r[:, None] - r[None, :])
        ends[s] = max(0.0, (room[growing] / growth[growing]).min())
    return ends


def moves(world: Bandit, change: np.ndarray) -> np.ndarray:
    """Return `[S]`: whether u differs between the responses of the prompt, by more than rounding."""
    return np.asarray(np.ptp(change, axis=-1) > STILL * float(world.reward_bound))
