"""Trying a claim everywhere: random points, corners, its tight family, the hunter; and what the ratios say.

    samples(claim, effort)  ->  Sample, Sample, ...      lazily: a control stops at its first proof

A sample is a set of points of one domain and shape with the ratios lesser/greater there (float64). Ratios above 1 are
suspicions; `suspicion.size_classes` says which are decided. A closer look is dear, and the same point is often tried
again (a small cube has few corners, and the hunter returns a start that it cannot better), so no list of candidates
names an instance twice.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from simbench.verify.comparison import ratio
from simbench.verify.hunter import Ascent, ascend
from simbench.verify.protocol import Deterministic, Identity
from simbench.verify.sampling import corner_points, grid_points, random_points
from simbench.verify.sides import BATCH, Sides, Values

SUSPICIOUS = 1e-9  # relative; below it float64 itself is in doubt


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard a claim is tried.

    Args:
        random: random instances, over all shapes together.
        corners: extreme instances, over all shapes together.
        tight: instances of the tight family, per shape.
        steps: steps of the hunter.
        waves: waves of 128 starts, per hunted shape.
        hunt_all: hunt on every shape, not only on the first.
        hunt_identities: hunt identities, too. Where one fails it fails on an open set, mostly nearly everywhere, and is
            refuted by chance; ascent has little but rounding to climb.
        seeds: starts of the hunter at the best points so far, of 128 in all; the others are fresh.
        depth: multiplies the looks in ball arithmetic, at suspicions of a size and at instances of an identity.
    """

    random: int = 10_240
    corners: int = 1_024
    tight: int = 512
    steps: int = 150
    waves: int = 1
    hunt_all: bool = False
    hunt_identities: bool = False
    depth: int = 1
    seeds: int = BATCH // 2

    def along_a_boundary(self) -> "Effort":
        """Return the effort for a claim with a margin: two starts in a hundred find what lies along a boundary."""
        return dataclasses.replace(
            self, steps=2 * self.steps, waves=3 * self.waves, hunt_all=True, seeds=BATCH // 8
        )


EFFORTS = {
    "quick": Effort(),
    "paper": Effort(
        random=102_400,
        corners=8_192,
        tight=4_096,
        steps=400,
        waves=4,
        hunt_all=True,
        hunt_identities=True,
        depth=4,
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """Points tried, where they came from, and the ratios there."""

    found_by: str
    sides: Sides
    points: np.ndarray
    values: Values
    ratios: np.ndarray
    ascent: Ascent | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
    """One instance worth a closer look."""

    found_by: str
    sides: Sides
    point: np.ndarray
    ratio: float


def sample(
    sides: Sides, found_by: str, points: np.ndarray, constant: float = 1.0, ascent: Ascent | None = None
) -> Sample:
    """Evaluate the sides at `points` and return the sample."""
    values = sides.values(points, constant)
    ratios = np.where(values.assumed, ratio(sides.claim, values.measured, values.theory), np.nan)
    return Sample(found_by=found_by, sides=sides, points=points, values=values, ratios=ratios, ascent=ascent)


def samples(
    claim: Deterministic, effort: Effort, constant: float = 1.0, *, to_the_end: bool = False
) -> Iterator[Sample]:
    """Yield random and extreme instances shape by shape, the tight family, and what the hunter finds if it hunts.

    With `to_the_end` the caller will want them all, and what the hunter needs is compiled at the outset.
    """
    domain, name = claim.domain, claim.name
    effort = effort.along_a_boundary() if claim.has_margin else effort
    hunted = domain.shapes if effort.hunt_all else domain.shapes[:1]
    if isinstance(claim, Identity) and not effort.hunt_identities:
        hunted = ()
    found: dict[tuple[int, ...], list[Sample]] = {}
    for shape in domain.shapes:
        sides = Sides(claim, domain, shape)
        if sides.dimension == 0:
            yield sample(sides, "witness", np.zeros((1, 0)), constant)
            continue
        if to_the_end and shape in hunted:
            sides.prepare_to_climb()
        each = len(domain.shapes)
        first = sample(sides, "random", random_points(name, domain, shape, effort.random // each), constant)
        yield first
        corners = sample(
            sides, "corners", corner_points(name, domain, shape, effort.corners // each), constant
        )
        yield corners
        found[shape] = [first, corners]
    if claim.tight_on is not None:
        for shape in claim.tight_on.shapes:
            sides = Sides(claim, claim.tight_on, shape)
            yield sample(sides, "tight family", grid_points(claim.tight_on, shape, effort.tight), constant)
    for shape in hunted:
        if shape in found:
            yield from _hunted(found[shape], effort, constant)


def _hunted(seen: list[Sample], effort: Effort, constant: float) -> Iterator[Sample]:
    sides = seen[0].sides
    for wave in range(effort.waves):
        result = ascend(
            sides, steps=effort.steps, wave=wave, seeds=best_points(seen, effort.seeds), constant=constant
        )
        latest = sample(sides, "hunter", result.points, constant, result)
        yield latest
        seen = [*seen, latest]


def best_points(seen: list[Sample], count: int) -> np.ndarray:
    """Return the `count` points of these samples (of one domain and shape) with the largest ratios."""
    points = np.concatenate([one.points for one in seen])
    ratios = np.concatenate([one.ratios for one in seen])
    order = np.argsort(-np.nan_to_num(ratios, nan=-np.inf), kind="stable")
    return points[order[: min(count, int((~np.isnan(ratios)).sum()))]]


def threshold(claim: Deterministic) -> float:
    """Return the ratio from which on float64 suspects a violation."""
    return 1.0 if isinstance(claim, Identity) else 1.0 + SUSPICIOUS


def ranked(one: Sample, count: int | None = None, *, above: float = -np.inf) -> list[Candidate]:
    """Return the instances of a sample that have a ratio (above that number), each once, the largest first."""
    known = np.flatnonzero(one.ratios > above)
    order = known[np.argsort(-one.ratios[known], kind="stable")]
    candidates = (
        Candidate(found_by=one.found_by, sides=one.sides, point=one.points[i], ratio=float(one.ratios[i]))
        for i in order
    )
    return list(islice(distinct(candidates), count))


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield every instance once, where it comes first."""
    seen: set[tuple[Sides, bytes]] = set()
    for candidate in candidates:
        instance = (candidate.sides, candidate.point.tobytes())
        if instance not in seen:
            seen.add(instance)
            yield candidate
