"""Paths of a log-linear world: every source is linear in the features, with parameters in the ball.

    r* + t u  =  phi (theta* + t v) + a shift per prompt,       u = phi v, the projection of the direction

v is the least-squares fit of the direction by the features, both centred per prompt, since shifts do not matter.
There is one theta, so all prompts stop together: where the first one's span reaches R, or theta* + t v leaves the
ball.
"""

import math

import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.worlds.exact_gap.path import Path, moves, span_ends

MISFIT = 1e-9  # of R: a true reward farther from the span of the features than this is not linear in them


def linear_path(world: Bandit, direction: np.ndarray, radius: float | None = None) -> Path:
    """Return the path that starts in the projection of `direction` onto the features.

    Args:
        world: a world with features, whose true reward is linear in them.
        direction: `[S, A]`, in reward units.
        radius: of the ball that theta must stay in; None for no ball.

    Raises:
        SimbenchError: a true reward that is not linear in the features, or whose parameters lie outside the ball.
    """
    start = true_parameters(world)
    velocity = _fit(world, direction)
    change = world.features @ velocity
    ends = span_ends(world, change)[moves(world, change)]
    end = min(ends.min(), _ball_end(start, velocity, radius)) if ends.size else 0.0
    return Path(world=world, change=change, ends=np.full(world.prompts, end))


def true_parameters(world: Bandit) -> np.ndarray:
    """Return theta* `[d]`, phi theta* = r* up to a shift per prompt; the shortest one if there are several."""
    theta = _fit(world, world.reward)
    misfit = float(_span(world, world.features @ theta - world.reward).max())
    if misfit > MISFIT * float(world.reward_bound):
        raise SimbenchError(
            f"the features miss the true reward by {misfit:.3g}; in a world with features it must be linear in "
            "them for sources to be found in the same class."
        )
    return theta


def _fit(world: Bandit, reward: np.ndarray) -> np.ndarray:
    supported = np.isfinite(world.log_ref)
    features = _centred(world.features, supported[:, :, None])
    target = _centred(reward, supported)
    return np.asarray(np.linalg.lstsq(features[supported], target[supported], rcond=None)[0])


def _centred(table: np.ndarray, supported: np.ndarray) -> np.ndarray:
    return np.asarray(table - table.mean(1, keepdims=True, where=supported))


def _span(world: Bandit, table: np.ndarray) -> np.ndarray:
    supported = np.isfinite(world.log_ref)
    high = table.max(-1, where=supported, initial=-math.inf)
    return np.asarray(high - table.min(-1, where=supported, initial=math.inf))


def _ball_end(start: np.ndarray, velocity: np.ndarray, radius: float | None) -> float:
    """Return the largest t with ||start + t velocity|| <= radius."""
    if radius is None:
        return math.inf
    norm = float(np.linalg.norm(start))
    if norm > radius * (1 + MISFIT):
        raise SimbenchError(f"radius is {radius:g}; the parameters of the true reward have norm {norm:.6g}.")
    a, b, c = velocity @ velocity, start @ velocity, min(start @ start - radius**2, 0.0)
    return float((-b + math.sqrt(b * b - a * c)) / a)
