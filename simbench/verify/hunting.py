"""Hunting one claim for as long as one likes: waves of ascents over its shapes until the budget is spent.

    hunt("my_lemma", seconds=60)  ->  Quarry

Wave k on a shape is a pure function of (claim, shape, k, the best points of the waves before), so a longer budget
only appends waves. A suspicion is proved in ball arithmetic before it is called a violation; the hunt then stops, and
the certificate is the trophy. `blind` is what uniform random search reaches with as many evaluations.
"""

import dataclasses
import math
import time
from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.precision import float64
from simbench.verify.certificate import certify
from simbench.verify.counterexample import told as lines_of
from simbench.verify.explore import EFFORTS, Sample, best_points, sample
from simbench.verify.hunter import ascend, random_search
from simbench.verify.proof import Proof, decide
from simbench.verify.protocol import Claim, Deterministic, Identity, find_claim
from simbench.verify.sampling import corner_points, random_points
from simbench.verify.sides import BATCH, Sides
from simbench.verify.suspicion import in_turns, size_classes
from simbench.verify.tightness import more_telling, tightest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quarry:
    """What a hunt brought home.

    Args:
        best: the largest ratio lesser/greater, confirmed in ball arithmetic (identities: in float64 tolerances).
        blind: what random search reaches with the same number of evaluations, in float64.
        shape: the (S, A) at which the best was found.
        trajectory: the best float64 ratio after each step of the wave that found it.
        certificate: the proof of a violation, or None.
        refuted: how many violations float64 suspected and ball arithmetic refuted.
        undecided: how many are open: it could not decide them, or one of their size.
    """

    name: str
    source: str
    kind: str
    best: float
    blind: float
    shape: tuple[int, ...]
    trajectory: tuple[float, ...]
    waves: int
    evaluations: int
    seconds: float
    refuted: int
    undecided: int
    certificate: dict[str, Any] | None

    @property
    def counterexample(self) -> dict[str, Any] | None:
        """The instance of a proved violation and both sides, as plain numbers by name; None without a proof."""
        return None if self.certificate is None else self.certificate["counterexample"]

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return dataclasses.asdict(self) | {"shape": list(self.shape), "trajectory": list(self.trajectory)}

    def __str__(self) -> str:
        found = "no violation"
        if self.undecided:
            found = f"undecided: {self.undecided:,} suspected violations are neither proved nor refuted"
        if self.certificate:
            found = self.certificate["sentence"]
        told = [
            f"{self.name}  [{self.source}]  {self.kind}: {found}",
            f"  best ratio {self.best:.8g} at shape {self.shape}; as many random evaluations: {self.blind:.4g}",
            f"  {self.waves} waves, {self.evaluations:,} evaluations, {self.seconds:.1f} s",
        ]
        if self.refuted or self.undecided:
            told.append(f"  float64 suspected violations: {self.refuted} refuted, {self.undecided} undecided")
        if self.counterexample is not None:
            told += ["  counter-example:", lines_of(self.counterexample)]
        return "\n".join(told)


def hunt(claim: str | type[Claim] | Claim, *, seconds: float = 10.0) -> Quarry:
    """Hunt a deterministic claim over all its shapes for about `seconds` (at least one wave on every shape).

    Raises:
        SimbenchError: not a deterministic claim, a budget that is not positive, or a side that cannot be proved.
    """
    known = find_claim(claim)
    if not isinstance(known, Deterministic):
        raise SimbenchError(
            f"claim '{known.name}' is of kind '{known.kind}'; only claims about instances are hunted; "
            f"`simbench claims {known.name}` judges it on runs."
        )
    if not seconds > 0:
        raise SimbenchError(f"the hunting budget is {seconds} seconds; it must be positive.")
    began = time.perf_counter()
    with float64():
        return _Hunt(known).run(began, seconds)


class _Hunt:
    def __init__(self, claim: Deterministic) -> None:
        self.claim = claim
        self.seen: dict[tuple[int, ...], list[Sample]] = {}
        self.best: tuple[float, Sample | None] = (-math.inf, None)
        self.statuses: list[str] = []
        self.evaluations = 0
        self.open = 0

    def run(self, began: float, seconds: float) -> Quarry:
        """Run wave after wave, shape after shape."""
        shapes, waves, proved = self.claim.domain.shapes, 0, None
        while proved is None and (waves < len(shapes) or time.perf_counter() - began < seconds):
            proved = self._wave(shapes[waves % len(shapes)], waves // len(shapes))
            waves += 1
        ratio, where = self.best
        if where is None:
            raise SimbenchError(
                f"claim '{self.claim.name}': its sides could be compared at no instance tried."
            )
        certificate = None
        if proved is not None:
            candidate, proof = proved
            certificate = certify(candidate.sides, candidate.point, 1.0, proof, found_by="hunter")
            ratio = ratio if isinstance(self.claim, Identity) else proof.middle_ratio
        return Quarry(
            name=self.claim.name,
            source=self.claim.source,
            kind=self.claim.kind,
            best=ratio,
            blind=random_search(where.sides, evaluations=self.evaluations).best,
            shape=where.sides.shape,
            trajectory=tuple(where.ascent.trajectory.tolist()) if where.ascent else (),
            waves=waves,
            evaluations=self.evaluations,
            seconds=time.perf_counter() - began,
            refuted=sum(status in ("holds", "touches") for status in self.statuses),
            undecided=self.open,
            certificate=certificate,
        )

    def _wave(self, shape: tuple[int, ...], wave: int) -> tuple[Any, Proof] | None:
        effort = EFFORTS["quick"].along_a_boundary() if self.claim.has_margin else EFFORTS["quick"]
        if shape not in self.seen:
            sides = Sides(self.claim, self.claim.domain, shape)
            sides.prepare_to_climb()
            points = [
                make(self.claim.name, sides.domain, shape, 8 * BATCH)
                for make in (random_points, corner_points)
            ]
            self.seen[shape] = [sample(sides, "random", np.concatenate(points))]
            self.evaluations += 16 * BATCH
        earlier = self.seen[shape]
        ascent = ascend(
            earlier[0].sides, steps=effort.steps, wave=wave, seeds=best_points(earlier, effort.seeds)
        )
        self.evaluations += ascent.evaluations
        latest = sample(earlier[0].sides, "hunter", ascent.points, ascent=ascent)
        earlier.append(latest)
        self._confirm(latest)
        classes = size_classes([latest] if wave else earlier)
        for one, candidate in in_turns(classes):
            proof = decide(candidate.sides, candidate.point)
            self.statuses.append(proof.status)
            if proof.status == "proved":
                self.best = (candidate.ratio, latest)
                if isinstance(self.claim, Identity):
                    return candidate, proof
                return more_telling((candidate, proof), [latest])
            one.refuted += proof.status != "undecided"
            one.undecided += proof.status == "undecided"
        self.open += sum(one.open for one in classes)
        return None

    def _confirm(self, latest: Sample) -> None:
        if isinstance(self.claim, Identity):
            ratio = float(np.nanmax(latest.ratios, initial=-math.inf))
        else:
            found = tightest([latest])
            ratio = -math.inf if found is None else found[1].middle_ratio
        if ratio > self.best[0]:
            self.best = (ratio, latest)
