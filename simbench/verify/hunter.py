"""The hunter: gradient ascent on log(lesser/greater) over the unit cube, many starts at once.

    u <- project_[0,1]( u + step * Adam(gradient) ),     step: 0.1 -> 0.001, geometrically

Projection reaches the faces exactly, which is where suprema of these claims live (vertex rewards, vanishing
references). Half of the starts are the best points seen so far, half are fresh, so that ascent both finishes
what chance began and looks elsewhere. Everything is a pure function of (claim, shape, wave): a budget in
seconds decides how many waves are run, never what a wave finds. `random_search` spends the same number of
evaluations blindly, for comparison.

Where a claim assumes something of its instances (`assumes_margin`), suprema often lie where it barely holds. An ascent
that leaves the assumption goes back to its boundary by Newton's step along the margin's gradient; one that is about to
leave goes along the boundary instead, what points outwards being taken out of its direction. Starts need not satisfy
the assumption.

Adam: Kingma and Ba, arXiv 1412.6980, with its default moments; written out because it is four lines.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from simbench.verify.comparison import ratio
from simbench.verify.sampling import random_points, uniform_points
from simbench.verify.sides import BATCH, Climb, Sides

FIRST_STEP, LAST_STEP = 0.1, 0.001  # in units of the cube
# Where there is a boundary to follow: the first step of every other start, and the last of all.
SHORT_STEP, SHORTEST_STEP = 0.01, 1e-5
MOMENTS, GUARD = (0.9, 0.999), 1e-8
MOMENTS_ON_A_BOUNDARY = (0.5, 0.9)  # the slope along a boundary is much smaller than the one that led to it


class Wall(NamedTuple):
    """The boundary of a claim's assumption: inward normals `[n, d]`, None without one, and distances to it `[n]`."""

    normal: np.ndarray | None
    distance: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ascent:
    """What one wave found.

    Args:
        points: `[n, d]` the best point of every start.
        ratios: `[n]` lesser/greater there, in float64 (above 1 only suspects a violation).
        trajectory: `[steps]` the best ratio seen up to each step.
        frozen: how many starts met a gradient that is not finite, and paused there.
        flat: how many starts never met a gradient other than zero: there was nothing to climb.
        evaluations: how many instances were evaluated.
    """

    points: np.ndarray
    ratios: np.ndarray
    trajectory: np.ndarray
    frozen: int
    flat: int
    evaluations: int

    @property
    def best(self) -> float:
        """The largest ratio found; NaN if no instance could be compared."""
        known = self.ratios[~np.isnan(self.ratios)]
        return float(known.max()) if len(known) else float("nan")


def starting_points(sides: Sides, wave: int, seeds: np.ndarray) -> np.ndarray:
    """Return `[BATCH, d]` starts: up to half of them `seeds` (the best first), the others fresh."""
    fresh = random_points(f"{sides.claim.name}/wave {wave}", sides.domain, sides.shape, BATCH)
    kept = seeds[: BATCH // 2]
    return np.concatenate([kept, fresh[: BATCH - len(kept)]])


def ascend(
    sides: Sides, *, steps: int, wave: int = 0, seeds: np.ndarray | None = None, constant: float = 1.0
) -> Ascent:
    """Climb log(lesser/greater) for `steps` steps from BATCH starts; deterministic in (claim, shape, wave, seeds)."""
    nothing = np.zeros((0, sides.dimension))
    u = starting_points(sides, wave, nothing if seeds is None else seeds)
    mean, spread = np.zeros_like(u), np.zeros_like(u)
    points, ratios = u.copy(), np.full(len(u), np.nan)
    trajectory = np.full(steps, np.nan)
    frozen, sloped = np.zeros(len(u), dtype=bool), np.zeros(len(u), dtype=bool)
    first_steps = np.full((len(u), 1), FIRST_STEP)
    if sides.claim.has_margin:
        first_steps[::2] = SHORT_STEP
    last_step = SHORTEST_STEP if sides.claim.has_margin else LAST_STEP
    moments = MOMENTS_ON_A_BOUNDARY if sides.claim.has_margin else MOMENTS
    for step in range(1, steps + 1):
        climb = sides.climb(u, constant)
        here = np.where(
            climb.values.assumed, ratio(sides.claim, climb.values.measured, climb.values.theory), np.nan
        )
        better = np.isnan(ratios) & ~np.isnan(here) | (here > ratios)
        points[better], ratios[better] = u[better], here[better]
        if not np.isnan(ratios).all():
            trajectory[step - 1] = np.nanmax(ratios)
        usable = np.isfinite(climb.gradient).all(axis=1)
        frozen |= ~usable & climb.values.assumed
        wall = wall_of(climb, u)
        size = first_steps * (last_step / first_steps) ** (step / steps)
        gradient = kept_inside(np.where(usable[:, None], climb.gradient, 0.0), wall, size)
        sloped |= (gradient != 0).any(axis=1)
        mean = moments[0] * mean + (1 - moments[0]) * gradient
        spread = moments[1] * spread + (1 - moments[1]) * gradient**2
        direction = mean / (1 - moments[0] ** step)
        scale = np.sqrt(spread / (1 - moments[1] ** step)) + GUARD
        u = np.clip(u + along_the_boundary(size * direction / scale, wall, size), 0.0, 1.0)
    return Ascent(
        points=points,
        ratios=ratios,
        trajectory=trajectory,
        frozen=int(frozen.sum()),
        flat=int((~sloped).sum()),
        evaluations=steps * len(u),
    )


def kept_inside(move: np.ndarray, wall: Wall, size: np.ndarray) -> np.ndarray:
    """Return moves (or gradients) `[n, d]` without what points out of an assumption, within `size` of its end."""
    if wall.normal is None:
        return move
    outwards = np.where(wall.distance < size[:, 0], np.minimum((move * wall.normal).sum(axis=1), 0.0), 0.0)
    return move - outwards[:, None] * wall.normal


def along_the_boundary(move: np.ndarray, wall: Wall, size: np.ndarray) -> np.ndarray:
    """Return the moves `[n, d]` that keep or restore a claim's assumption; as they are where it has none.

    Where it is violated the move is Newton's step back to the boundary, and a thousandth of `size` further.
    """
    if wall.normal is None:
        return move
    back = np.clip(-wall.distance + 1e-3 * size[:, 0], 0.0, FIRST_STEP)[:, None] * wall.normal
    return np.where((wall.distance < 0)[:, None], back, kept_inside(move, wall, size))


def wall_of(climb: Climb, u: np.ndarray) -> Wall:
    """Return where the assumption's boundary lies, seen from the points `u [n, d]` and along the cube's faces."""
    if climb.margin is None or climb.inward is None:
        return Wall(None, np.zeros(0))
    blocked = (u <= 0.0) & (climb.inward < 0) | (u >= 1.0) & (climb.inward > 0)
    inward = np.where(np.isfinite(climb.inward) & ~blocked, climb.inward, 0.0)
    length = np.sqrt((inward**2).sum(axis=1)) + GUARD**2
    with np.errstate(over="ignore"):
        distance = np.nan_to_num(climb.margin / length, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    return Wall(inward / length[:, None], distance)


def random_search(sides: Sides, *, evaluations: int, constant: float = 1.0) -> Ascent:
    """Evaluate that many uniform points: what the hunter must beat."""
    points = uniform_points(sides.claim.name, "blind", sides.shape, evaluations, sides.dimension)
    values = sides.values(points, constant)
    ratios = np.where(values.assumed, ratio(sides.claim, values.measured, values.theory), np.nan)
    return Ascent(
        points=points,
        ratios=ratios,
        trajectory=np.fmax.accumulate(ratios),
        frozen=0,
        flat=evaluations,
        evaluations=evaluations,
    )
