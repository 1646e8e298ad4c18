"""What trying a claim has brought to light: proofs, refuted suspicions, ill-posed spots, the tightest instance."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.comparison import oriented, ratio
from simbench.verify.confirmation import CONFIRMED, instances
from simbench.verify.explore import Candidate, Effort, Sample, ranked, threshold
from simbench.verify.proof import Proof, decide
from simbench.verify.protocol import Deterministic, Exists, Identity, Lower
from simbench.verify.sides import BATCH, Sides
from simbench.verify.suspicion import in_turns, size_classes
from simbench.verify.tightness import more_telling, tightest

LEAST_CLIMBED = 1e-3  # share of instances that satisfy an assumption along whose boundary the hunter climbs
LEAST_CHANCED = (
    0.25  # the same of one that only says yes or no (tests/verify/test_thin_assumptions.py plants violations)
)
HIGHEST = 40.0  # log2 of the largest constant that is tried
RESOLUTION = 1e-7  # of its log2


class Findings:
    """Gathers samples with `take`, then `settle`s what they mean."""

    def __init__(self, claim: Deterministic, effort: Effort) -> None:
        self.claim, self.effort = claim, effort
        self.tried: list[Sample] = []
        self.counts: dict[str, int] = {}
        self.proved: tuple[Candidate, Proof] | None = None
        self.statuses: Counter[str] = Counter()
        self.suspected, self.open, self.confirmed = 0, 0, 0
        self.tightness: float | None = None
        self.found_by: str | None = None
        self.problem: str | None = None
        self.apart: float | None = None
        self.only_instance_fails = False

    def take(self, one: Sample) -> None:
        """Count a sample; an existence claim looks for its proof at once."""
        self.tried.append(one)
        count = one.ascent.evaluations if one.ascent else len(one.points)
        self.counts[one.found_by] = self.counts.get(one.found_by, 0) + count
        if isinstance(self.claim, Exists):
            with self._provable():
                self._examine([one])

    def settle(self) -> None:
        """Decide the suspicions, look for ill-posed spots, confirm the tightest instance."""
        with self._provable():
            if not isinstance(self.claim, Exists):
                self._examine(self.tried)
            if isinstance(self.claim, Identity) and self.proved is None:
                self._confirm()
            if self.proved is None and self.problem is None:
                self.problem = self._ill_posed()
            if not isinstance(self.claim, Identity):
                self._tightest()
            if isinstance(self.claim, Exists) and self.proved is None:
                self._only_instance()

    @contextmanager
    def _provable(self) -> Iterator[None]:
        """Turn a side that ball arithmetic cannot read into a problem of the claim, named in a sentence."""
        try:
            yield
        except SimbenchError as error:
            self.problem = f"claim '{self.claim.name}' cannot be proved: {error}"

    def _examine(self, tried: list[Sample]) -> None:
        classes = size_classes(tried, self.effort.depth)
        for one, candidate in in_turns(classes):
            status = self._decide(candidate)
            if status == "proved":
                return
            one.refuted += status != "undecided"
            one.undecided += status == "undecided"
        self.open += sum(one.open for one in classes)
        self.suspected += sum(one.suspected for one in classes)

    def _confirm(self) -> None:
        for candidate in instances(self.tried, self.effort.depth):
            status = self._decide(candidate)
            if status == "proved":
                return
            self.confirmed += status in ("holds", "touches")
            if self.confirmed >= CONFIRMED * self.effort.depth:
                return

    def _decide(self, candidate: Candidate) -> str:
        proof = decide(candidate.sides, candidate.point)
        self.statuses[proof.status] += 1
        if proof.status == "proved":
            self.proved = (candidate, proof)
        return proof.status

    def _tightest(self) -> None:
        if self.proved is not None:
            self.proved = more_telling(self.proved, self.tried)
            ratio = self.proved[1].middle_ratio
            self.tightness, self.found_by = ratio if math.isfinite(ratio) else None, self.proved[0].found_by
            return
        found = tightest(self.tried)
        if found is not None:
            self.tightness, self.found_by = found[1].middle_ratio, found[0].found_by
        if self.tightness is not None and self.tightness < 0:
            # The sides have different signs: no ratio means anything.
            self.tightness, self.found_by = None, None
            self.apart = self._least_distance()

    def _least_distance(self) -> float:
        """Return the smallest greater - lesser of all instances."""
        distances = []
        for one in self.tried:
            lesser, greater = oriented(self.claim, one.values.measured, one.values.theory)
            known = one.values.assumed & np.isfinite(lesser) & np.isfinite(greater)
            distances.append(np.min((greater - lesser)[known], initial=math.inf))
        return float(min(distances))

    def _only_instance(self) -> None:
        if len(self.tried) == 1 and self.tried[0].found_by == "witness":
            self.only_instance_fails = decide(self.tried[0].sides, self.tried[0].points[0]).status == "holds"

    def _ill_posed(self) -> str | None:
        total = sum(len(one.points) for one in self.tried)
        spoken = sum(int(one.values.assumed.sum()) for one in self.tried)
        if spoken == 0:
            return f"its assumptions hold at none of the {total:,} instances tried"
        for side in ("measured", "theory"):
            undefined = [np.isnan(getattr(one.values, side)) & one.values.assumed for one in self.tried]
            bad = sum(int(mask.sum()) for mask in undefined)
            if bad:
                first = next(one for one, mask in zip(self.tried, undefined, strict=True) if mask.any())
                return (
                    f"its {side} side is NaN at {bad:,} of {spoken:,} instances (first among the {first.found_by} ones "
                    f"of shape {first.sides.shape}); a claim must be defined on its domain, or say with assumes(x) "
                    "which instances it means"
                )
        if all(np.isnan(one.ratios).all() for one in self.tried):
            return self._nothing_to_compare()
        return None

    def _nothing_to_compare(self) -> str:
        infinite = any((np.isinf(one.values.theory) & one.values.assumed).any() for one in self.tried)
        if infinite:
            return "its theory side is infinite wherever it was tried: its domain runs to where the bound says nothing"
        return "both sides are zero wherever it was tried: there is nothing to compare"

    @property
    def assumed_share(self) -> float | None:
        """The share of random and extreme instances that satisfy the assumption; None for a claim without one."""
        drawn = [one for one in self.tried if one.found_by in ("random", "corners")]
        total = sum(len(one.points) for one in drawn)
        if not self.claim.has_assumption or not total:
            return None
        return float(sum(one.values.assumed.sum() for one in drawn) / total)

    def unsearched(self) -> str | None:
        """Return why too few instances satisfied the assumption for a search to mean something, or None."""
        share, least = self.assumed_share, LEAST_CLIMBED if self.claim.has_margin else LEAST_CHANCED
        if share is None or share >= least:
            return None
        remedy = (
            ""
            if self.claim.has_margin
            else ", or say it by assumes_margin, so that the hunter can climb along it"
        )
        return (
            f"its assumption holds at {share:.3g} of the random and extreme instances, too few to have been searched "
            f"(at least {least:g}): build it into the domain{remedy}"
        )

    def smallest_constant(self) -> float | None:
        """Return the strongest constant that still holds on the tightest instances found: the least for an upper
        bound, the greatest for a lower one (the other way round where the claim places it in a denominator).

        By bisection of its logarithm; instances at which float64 wrongly suspects a violation are left out.
        """
        if isinstance(self.claim, Identity | Exists) or self.problem is not None or self.open:
            return None
        pools = self._pools()
        if not pools:
            return None
        usual = -1.0 if isinstance(self.claim, Lower) else 1.0
        for direction in (usual, -usual):  # a constant inside a denominator weakens the claim the other way

            def holds(log_constant: float, direction: float = direction) -> bool:
                constant = 2.0 ** (direction * log_constant)
                return all(self._holds(sides, points, constant) for sides, points in pools)

            low, high = self._bracket(holds)
            if -HIGHEST < low < high < HIGHEST:
                while high - low > RESOLUTION:
                    middle = 0.5 * (low + high)
                    low, high = (low, middle) if holds(middle) else (middle, high)
                return 2.0 ** (direction * high)
        return None

    def _bracket(self, holds: Callable[[float], bool]) -> tuple[float, float]:
        """Return log2 constants (fails, holds); where the constant is a factor, the tightness is the answer."""
        guess = math.log2(self.tightness) if self.tightness is not None and self.tightness > 0 else 0.0
        low, high, step = guess - RESOLUTION / 2, guess + RESOLUTION / 2, RESOLUTION
        while low > -HIGHEST and holds(low):
            low, step = low - step, 4 * step
        step = RESOLUTION
        while high < HIGHEST and not holds(high):
            high, step = high + step, 4 * step
        return low, high

    def _pools(self, count: int = BATCH) -> list[tuple[Sides, np.ndarray]]:
        """Return, for each domain and shape, the points with the largest ratios that float64 can be trusted with."""
        pools: dict[Sides, list[Candidate]] = {}
        for one in self.tried:
            trusted = [c for c in ranked(one, 4 * count) if self.proved or c.ratio <= threshold(self.claim)]
            pools.setdefault(one.sides, []).extend(trusted[:count])
        best = {sides: sorted(pool, key=lambda c: -c.ratio)[:count] for sides, pool in pools.items()}
        return [(sides, np.stack([c.point for c in pool])) for sides, pool in best.items() if pool]

    def _holds(self, sides: Sides, points: np.ndarray, constant: float) -> bool:
        values = sides.values(points, constant)
        ratios = ratio(self.claim, values.measured, values.theory)
        return bool((np.nan_to_num(ratios, nan=0.0) <= threshold(self.claim)).all())

    def notes(self) -> tuple[str, ...]:
        """Return what a reader should know though it changes no verdict."""
        told = []
        if self.suspected and not self.proved:
            violations = "1 violation" if self.suspected == 1 else f"{self.suspected:,} violations"
            decided = (
                "it"
                if self.suspected == 1
                else "all that were looked at, the worst of every size among them,"
            )
            if not self.open:
                told.append(f"float64 suspected {violations}; ball arithmetic refuted {decided}".rstrip(","))
        if isinstance(self.claim, Identity) and self.confirmed:
            told.append(
                f"confirmed in ball arithmetic to {self.claim.exact_tolerance:g} at {self.confirmed} instances"
            )
        if self.apart is not None:
            told.append(f"the sides have different signs, and stay apart by {self.apart:.6g} or more")
        if self.assumed_share is not None:
            told.append(
                f"its assumption holds at {self.assumed_share:.3g} of the random and extreme instances"
            )
        frozen = sum(one.ascent.frozen for one in self.tried if one.ascent)
        if frozen:
            told.append(
                f"{frozen} of the hunter's starts met an undefined gradient: a side is not smooth there"
            )
        hunts = [one.ascent for one in self.tried if one.ascent]
        if hunts and all(ascent.flat == len(ascent.points) for ascent in hunts):
            told.append("the hunter met no slope at all: the sides are flat, and only chance searched")
        trivial = sum(int((np.isinf(one.values.theory) & one.values.assumed).sum()) for one in self.tried)
        if trivial:
            told.append(f"the theory side is infinite at {trivial:,} instances, where it says nothing")
        return tuple(told)
