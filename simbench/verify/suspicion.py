"""Which suspicions of float64 are looked at in ball arithmetic, and when the others are rounding.

Where both sides of a claim vanish, float64 compares rounding errors and suspects thousands of violations; the few that
are real may lie elsewhere, with a smaller ratio. So suspicions are sorted into classes, one per domain, shape and
decade of the larger side, and every class has looks of its own: its worst ratios, and others at equal distances down
its ranking. The large sides come first, where the difference is large beside its rounding.

A class is closed when all that was looked at in it was refuted: rounding reaches further there than what is left. A
suspicion that balls cannot decide leaves its class open, and a claim with an open class is not called consistent.

Instances where the sides meet to within the rounding of float64 are no suspicions, and are looked at all the same, in
classes of their own: a bound that is violated by a factor 1 + 1e-13 everywhere is violated.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from simbench.verify.explore import SUSPICIOUS, Candidate, Sample, threshold
from simbench.verify.protocol import Identity
from simbench.verify.sides import Sides

WORST, SPREAD = 4, 4  # looks in a class: at the largest ratios, and at equal distances among the others
MEETING = 1.0 - SUSPICIOUS  # the ratio from which on float64 cannot tell that a bound holds
PATIENCE = 4  # undecided instances after which a class is given up as open


@dataclasses.dataclass(kw_only=True)
class SizeClass:
    """The suspicions on one domain and shape whose larger side is of one decade.

    Attributes:
        looks: the instances to be decided, in order; each once.
        suspected: how many there are in all; 0 in a class of instances where the sides merely meet.
        refuted, undecided: how many of the looks came out so.
    """

    looks: list[Candidate]
    suspected: int
    refuted: int = 0
    undecided: int = 0

    @property
    def open(self) -> int:
        """How many suspicions remain: none once all looks were refuted."""
        if self.undecided == 0 and self.refuted == len(self.looks):
            return 0
        return max(self.suspected - self.refuted, 0)

    @property
    def given_up(self) -> bool:
        """Whether more looks would be wasted."""
        return self.undecided >= PATIENCE


def size_classes(tried: list[Sample], depth: int = 1) -> list[SizeClass]:
    """Return the classes of all suspicions of these samples, those with the largest sides first.

    Args:
        tried: samples of one claim.
        depth: multiplies the number of looks.
    """
    pools: dict[tuple[Sides, bool, int], list[tuple[Sample, int]]] = {}
    for one in tried:
        suspicious = one.ratios > threshold(one.sides.claim)
        meeting = ~suspicious & (one.ratios >= MEETING) & (not isinstance(one.sides.claim, Identity))
        decades = _decade(one)
        for index in np.flatnonzero(suspicious | meeting):
            place = (one.sides, bool(suspicious[index]), int(decades[index]))
            pools.setdefault(place, []).append((one, int(index)))
    order = sorted(pools, key=lambda place: (-place[2], not place[1]))
    return [_class(pools[place], depth, suspicious=place[1]) for place in order]


def in_turns(classes: list[SizeClass]) -> Iterator[tuple[SizeClass, Candidate]]:
    """Yield the looks of the classes in turns, the first of each, then the second of each, until they are given up."""
    for i in range(max((len(one.looks) for one in classes), default=0)):
        for one in classes:
            if i < len(one.looks) and not one.given_up:
                yield one, one.looks[i]


def _class(pool: list[tuple[Sample, int]], depth: int, *, suspicious: bool) -> SizeClass:
    distinct = {one.points[index].tobytes(): (one, index) for one, index in reversed(pool)}
    ranked = sorted(distinct.values(), key=lambda place: -place[0].ratios[place[1]])
    worst, rest = ranked[: WORST * depth], ranked[WORST * depth :]
    step = max(1, -(-len(rest) // (SPREAD * depth)))
    chosen = [*worst, *rest[step - 1 :: step]]
    looks = [_candidate(one, index) for one, index in (chosen if suspicious else chosen[: WORST * depth])]
    return SizeClass(looks=looks, suspected=len(ranked) if suspicious else 0)


def _candidate(one: Sample, index: int) -> Candidate:
    return Candidate(
        found_by=one.found_by, sides=one.sides, point=one.points[index], ratio=float(one.ratios[index])
    )


def _decade(one: Sample) -> np.ndarray:
    """Return floor(log10 of the larger side) at every instance, within -330 and 309 (zero and infinity)."""
    with np.errstate(all="ignore"):
        size = np.fmax(np.abs(one.values.measured), np.abs(one.values.theory))
        return np.nan_to_num(np.floor(np.log10(size)), nan=-330, neginf=-330, posinf=309)
