"""Power: would the test notice if a tight claim's constant were off by a tenth?

    power("my_lemma")                 is   measured <= 0.9 theory   refuted, with proof, and how fast?

For a claim whose bound is attained (declared tightness at least 0.99) the answer must be yes; a test that says no
would also pass a wrong constant of the literature. The altered claim (`Upper`: constant times `factor`; `Lower`:
constant over `factor`; the other way round where the constant stands in the theory side so that this weakens it) is
tried as a control is: on the claim's tight family, then on its whole domain at random, on corners and by ascent, until
ball arithmetic proves one violation. Beside it stands blind search: uniform points of the claim's own domain, at least
as many as the machinery evaluated and never fewer than the preset's random sample.
"""

import copy
import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.verify.controls import first_proof
from simbench.verify.explore import EFFORTS, Effort, Sample, sample, samples, threshold
from simbench.verify.protocol import Claim, Deterministic, Lower, Upper, find_claim
from simbench.verify.sampling import grid_points, uniform_points
from simbench.verify.sides import BATCH, Sides

TIGHT = 0.99


@dataclasses.dataclass(frozen=True, kw_only=True)
class Power:
    """Whether a claim with an altered constant was refuted, and what blind search makes of it.

    Args:
        constant: what the theory side's constant was multiplied by.
        refuted: whether ball arithmetic proved a violation, met in the sample `found_by` (or None).
        ratio: lesser/greater of the altered claim there, or None.
        seconds, evaluations: until the proof or the end of the search.
        random_refuted: whether blind search found a violation that ball arithmetic proves.
        random_best: the largest ratio of the altered claim that blind search met, in float64.
        random_first: evaluations until blind search's first suspicion, or None.
    """

    name: str
    source: str
    kind: str
    constant: float
    refuted: bool
    found_by: str | None
    ratio: float | None
    seconds: float
    evaluations: int
    random_refuted: bool
    random_best: float
    random_first: int | None
    random_evaluations: int

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values; an infinite ratio, which JSON cannot say, is None."""
        record = dataclasses.asdict(self)
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }

    def __str__(self) -> str:
        found = f"refuted by {self.found_by}, ratio {self.ratio:.6g}" if self.refuted else "not refuted"
        blind = f"refutes it after {self.random_first:,}" if self.random_refuted else "does not refute it"
        return (
            f"{self.name}  [{self.source}]  {self.kind}, constant times {self.constant:.4g}: {found}, "
            f"{self.seconds:.1f} s, {self.evaluations:,} evaluations\n"
            f"  uniform random search {blind}: best ratio {self.random_best:.4g} in {self.random_evaluations:,}"
        )


def power(claim: str | type[Claim] | Claim, factor: float = 0.9, preset: str = "quick") -> Power:
    """Return whether `claim` with its constant sharpened by `factor` is refuted with proof, and how fast.

    Args:
        claim: a true upper or lower bound of declared tightness at least 0.99: its name, class or instance.
        factor: in (0, tightness); preset: "quick" or "paper", as for `judge`.

    Raises:
        SimbenchError: no such claim or preset; no bound, false as printed or not tight; a factor out of range.
    """
    known = find_claim(claim)
    if not isinstance(known, Upper | Lower) or known.expected != "consistent" or known.tightness < TIGHT:
        needed = f"power needs a true upper or lower bound of declared tightness at least {TIGHT}"
        raise SimbenchError(f"claim '{known.name}' has no constant to sharpen; {needed}.")
    if not 0 < factor < known.tightness:
        raise SimbenchError(
            f"factor is {factor}; it must lie between 0 and {known.tightness}, the tightness."
        )
    if preset not in EFFORTS:
        raise UnknownNameError(f"no preset is called '{preset}'. {nearest(preset, EFFORTS)}")
    with float64():
        return _measure(known, factor, EFFORTS[preset])


def _measure(claim: Deterministic, factor: float, effort: Effort) -> Power:
    began, spent = time.perf_counter(), 0
    constant = _sharper(claim, factor)
    for one in _tightest_first(claim, effort, constant):
        spent += len(one.points) + (one.ascent.evaluations if one.ascent else 0)
        if (proved := first_proof([one], constant)) is not None:
            break
    seconds = time.perf_counter() - began
    each = -(-max(spent, effort.random) // len(claim.domain.shapes))
    blind = [_uniform(Sides(claim, claim.domain, shape), each, constant) for shape in claim.domain.shapes]
    over = np.ravel([one.ratios for one in blind], order="F") > threshold(claim)  # the shapes take turns
    return Power(
        name=claim.name,
        source=claim.source,
        kind=claim.kind,
        constant=constant,
        refuted=proved is not None,
        found_by=proved[0].found_by if proved else None,
        ratio=proved[1].middle_ratio if proved else None,
        seconds=seconds,
        evaluations=spent,
        random_refuted=first_proof(blind, constant) is not None,
        random_best=float(np.fmax.reduce(np.concatenate([one.ratios for one in blind]))),
        random_first=int(over.argmax()) + 1 if over.any() else None,
        random_evaluations=over.size,
    )


def _sharper(claim: Deterministic, factor: float) -> float:
    """Return `factor` or its inverse, whichever makes the claim say more at more of a few random instances."""
    domain, more = claim.tight_on or claim.domain, 1.0 if isinstance(claim, Lower) else -1.0
    sides = Sides(claim, domain, domain.shapes[0])
    usual, other = (1 / factor, factor) if isinstance(claim, Lower) else (factor, 1 / factor)
    with np.errstate(invalid="ignore"):  # infinite before and after: not moved
        moved = _uniform(sides, BATCH, usual).values.theory - _uniform(sides, BATCH, 1.0).values.theory
    return usual if np.nansum(np.sign(more * moved)) >= 0 else other


def _uniform(sides: Sides, count: int, constant: float) -> Sample:
    points = uniform_points(sides.claim.name, "blind", sides.shape, count, sides.dimension)
    return sample(sides, "random", points, constant)


def _tightest_first(claim: Deterministic, effort: Effort, constant: float) -> Iterator[Sample]:
    """Yield the tight family, and only then the whole domain: random points, corners, ascents."""
    rest = copy.copy(claim)
    rest.tight_on = None
    if claim.tight_on is not None:
        for shape in claim.tight_on.shapes:
            points = grid_points(claim.tight_on, shape, effort.tight)
            yield sample(Sides(claim, claim.tight_on, shape), "tight family", points, constant)
    yield from samples(rest, effort, constant)
