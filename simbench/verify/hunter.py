"""The hunter: gradient ascent on log(lesser/greater) over the unit cube, many starts at once.

    u <- project_[0,1]( u + step * Adam(gradient) ),     step: 0.1 -> 0.001, geometrically

Projection reaches the faces exactly, which is where suprema of these claims live (vertex rewards, vanishing
references). Half of the starts are the best points seen so far, half are fresh, so that ascent both finishes
what chance began and looks elsewhere. Everything is a pure function of (claim, shape, wave): a budget in
seconds decides how many waves are run, never what a wave finds. `random_search` spends the same number of
evaluations blindly, for comparison.

Adam: Kingma and Ba, arXiv 1412.6980, with its default moments; written out because it is four lines.
"""

import dataclasses

import numpy as np

from simbench.verify.comparison import ratio
from simbench.verify.sampling import random_points, uniform_points
from simbench.verify.sides import BATCH, Sides

FIRST_STEP, LAST_STEP = 0.1, 0.001  # in units of the cube
MOMENTS, GUARD = (0.9, 0.999), 1e-8


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
        gradient = np.where(usable[:, None], climb.gradient, 0.0)
        sloped |= (gradient != 0).any(axis=1)
        mean = MOMENTS[0] * mean + (1 - MOMENTS[0]) * gradient
        spread = MOMENTS[1] * spread + (1 - MOMENTS[1]) * gradient**2
        direction = mean / (1 - MOMENTS[0] ** step)
        scale = np.sqrt(spread / (1 - MOMENTS[1] ** step)) + GUARD
        size = FIRST_STEP * (LAST_STEP / FIRST_STEP) ** (step / steps)
        u = np.clip(u + size * direction / scale, 0.0, 1.0)
    return Ascent(
        points=points,
        ratios=ratios,
        trajectory=trajectory,
        frozen=int(frozen.sum()),
        flat=int((~sloped).sum()),
        evaluations=steps * len(u),
    )


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
