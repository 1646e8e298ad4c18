"""Refuting controls: false variants of a claim that the same test, at the same sample size, must catch.

An altered constant is tried on the instances already found (tightest sources first) and proved there; a
broken assumption or a mutated side is tried from the beginning: random, corners, tight family, hunter,
stopping at the first proof. Most are false nearly everywhere: a few of those same instances are looked at in ball
arithmetic first, which takes milliseconds, where compiling the variant's sides takes half a second.
A misprint's control is its correction, which must hold at the very instance that refutes the misprint.
"""

import math
from collections.abc import Iterable
from itertools import islice

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.ball import UnknownPrimitiveError
from simbench.verify.explore import Candidate, Effort, Sample, ranked, sample, samples
from simbench.verify.hunter import ascend
from simbench.verify.proof import PRECISIONS, Proof, decide
from simbench.verify.protocol import Control, Deterministic, Exists, find_claim
from simbench.verify.sampling import random_points
from simbench.verify.sides import Sides
from simbench.verify.suspicion import in_turns, size_classes
from simbench.verify.verdict import ControlOutcome

LOOKS = 16  # suspicions examined per sample: a control that is false is false at most of them
GLANCES = 4  # instances per sample looked at before anything is compiled
SOURCES = ("tight family", "hunter", "corners", "random", "witness")


def refute(claim: Deterministic, control: Control, tried: list[Sample], effort: Effort) -> ControlOutcome:
    """Return whether this false variant of `claim` was caught."""
    try:
        if isinstance(claim, Exists):
            return _no_witness(claim, control, effort)
        variant = claim.altered(control)
        if variant is claim:
            fresh = _again(tried, control.constant, effort)
        else:
            fresh = samples(variant, effort, control.constant)
        found = None if variant is claim else _at_a_glance(variant, tried, control)
        found = found or first_proof(fresh, control.constant)
    except SimbenchError as error:
        return ControlOutcome(name=control.name, refuted=False, how=str(error))
    if found is None:
        return ControlOutcome(name=control.name, refuted=False, how="no violation found")
    candidate, proof = found
    by = f"off by {proof.margin[0]}" if math.isnan(proof.middle_ratio) else f"ratio {proof.middle_ratio:.6g}"
    how = f"{candidate.found_by}, {by}, proved at {proof.precision} bits"
    return ControlOutcome(name=control.name, refuted=True, how=how)


def corrected_holds(claim: Deterministic, witness: Candidate) -> ControlOutcome:
    """Return whether the true claim holds at the instance that refutes the misprinted one, decided in balls."""
    true = find_claim(str(claim.corrected_by))
    name = f"{true.name} holds at the witness"
    if not isinstance(true, Deterministic):
        return ControlOutcome(name=name, refuted=False, how=f"'{true.name}' is of kind '{true.kind}'")
    try:
        proof = decide(Sides(true, witness.sides.domain, witness.sides.shape), witness.point)
    except SimbenchError as error:
        return ControlOutcome(name=name, refuted=False, how=str(error))
    how = f"{proof.status}, decided at {proof.precision} bits"
    return ControlOutcome(name=name, refuted=proof.status in ("holds", "touches"), how=how)


def _again(tried: list[Sample], constant: float, effort: Effort) -> Iterable[Sample]:
    """Yield the samples already taken with the constant altered, then a hunt for the altered claim itself."""
    for one in sorted(tried, key=lambda one: SOURCES.index(one.found_by)):
        yield sample(one.sides, one.found_by, one.points, constant)
    for one in tried:
        if one.found_by == "hunter":
            result = ascend(one.sides, steps=effort.steps, seeds=one.points, constant=constant)
            yield sample(one.sides, "hunter", result.points, constant, result)


def _at_a_glance(
    variant: Deterministic, tried: list[Sample], control: Control
) -> tuple[Candidate, Proof] | None:
    """Return the first violation proved among a few instances, where float64 has compared nothing."""
    if control.domain is None:
        places = _best_and_first(variant, tried)
    else:
        shape = variant.domain.shapes[0]
        sides = Sides(variant, variant.domain, shape)
        points = random_points(variant.name, variant.domain, shape, GLANCES)
        places = [("random", sides, point) for point in points]
    for found_by, sides, point in places:
        try:
            proof = decide(sides, point, control.constant, precisions=PRECISIONS[:2])
        except UnknownPrimitiveError:
            return None
        if proof.status == "proved":
            return Candidate(found_by=found_by, sides=sides, point=point, ratio=proof.middle_ratio), proof
    return None


def _best_and_first(variant: Deterministic, tried: list[Sample]) -> list[tuple[str, Sides, np.ndarray]]:
    """Return some instances of each source: those at which the true claim is tightest, then the first ones."""
    sides: dict[Sides, Sides] = {}
    places = []
    for one in sorted(tried, key=lambda one: SOURCES.index(one.found_by)):
        if one.sides not in sides:
            sides[one.sides] = Sides(variant, one.sides.domain, one.sides.shape)
        points = [*(best.point for best in ranked(one, GLANCES)), *one.points[:GLANCES]]
        places += [(one.found_by, sides[one.sides], point) for point in points]
    return places


def first_proof(fresh: Iterable[Sample], constant: float) -> tuple[Candidate, Proof] | None:
    """Return the first violation that ball arithmetic proves, looking at the worst suspicions of every size."""
    for one in fresh:
        for _, candidate in islice(in_turns(size_classes([one])), LOOKS):
            proof = decide(candidate.sides, candidate.point, constant)
            if proof.status == "proved":
                return candidate, proof
    return None


def _no_witness(claim: Exists, control: Control, effort: Effort) -> ControlOutcome:
    """An existence claim's control must leave no witness: none proved, on the whole search."""
    found = first_proof(samples(claim.altered(control), effort, control.constant), control.constant)
    if found is None:
        return ControlOutcome(name=control.name, refuted=True, how="no witness is left")
    return ControlOutcome(
        name=control.name, refuted=False, how=f"still a witness: ratio {found[1].middle_ratio:.6g}"
    )
