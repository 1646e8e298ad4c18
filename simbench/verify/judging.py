"""The judge of deterministic claims: try everywhere, prove what fails, refute every control, and only then speak.

    judge("my_lemma")                       -> Verdict
    judge_all(["my_lemma", ...], workers=2) -> verdicts, in order

A violation is reported only when ball arithmetic proves it at a particular instance; a suspicion that float64
raised and balls refuted is no violation, and one that stays undecided makes the verdict inconclusive.
"Consistent" needs all of: no violation, no open suspicion, sides defined wherever they were tried, an assumption that
enough instances satisfy, an identity confirmed in ball arithmetic, the stated tightness reached, and at least one
control, every one refuted with proof.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.verify.certificate import certify
from simbench.verify.confirmation import CONFIRMED
from simbench.verify.controls import corrected_holds, refute
from simbench.verify.explore import EFFORTS, Effort, Sample, samples
from simbench.verify.findings import Findings
from simbench.verify.protocol import Claim, Deterministic, Exists, Identity, find_claim
from simbench.verify.verdict import ControlOutcome, Verdict

VACUOUS = 0.01  # a bound that is never used to more than one per cent has not been tested


def judge(claim: str | type[Claim] | Claim, *, preset: str = "quick") -> Verdict:
    """Judge one deterministic claim and return its verdict.

    Args:
        claim: its name, class or instance.
        preset: "quick" (10,240 random instances) or "paper" (ten times as many, every shape hunted).

    Raises:
        UnknownNameError: no such claim or preset.
        SimbenchError: the claim cannot be run at all (a side fails, is not one number, is not float64).
    """
    known = find_claim(claim)
    if not isinstance(known, Deterministic):
        raise SimbenchError(
            f"claim '{known.name}' is of kind '{known.kind}', which is judged on runs, not instances."
        )
    if preset not in EFFORTS:
        raise UnknownNameError(f"no preset is called '{preset}'. {nearest(preset, EFFORTS)}")
    began = time.perf_counter()
    with float64():
        return _verdict(known, EFFORTS[preset], began)


def judge_all(
    claims: Iterable[str | type[Claim] | Claim], *, preset: str = "quick", workers: int = 2
) -> Iterator[Verdict]:
    """Yield the verdicts of many claims in order; threads overlap one claim's compiling with another's search.

    Of several claims, one that cannot be run at all is inconclusive, and the others are judged.
    """
    chosen = list(claims)
    one_by_one = judge if len(chosen) == 1 else judge_or_say_why
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield from pool.map(lambda claim: one_by_one(claim, preset=preset), chosen)


def judge_or_say_why(claim: str | type[Claim] | Claim, *, preset: str = "quick") -> Verdict:
    """Return the verdict of a claim; one that cannot be run at all is inconclusive, and its problem says why."""
    known, began = find_claim(claim), time.perf_counter()
    try:
        return judge(known, preset=preset)
    except SimbenchError as error:
        return Verdict(
            name=known.name,
            source=known.source,
            kind=known.kind,
            verdict="inconclusive",
            expected=known.expected,
            corrected_by=known.corrected_by,
            seconds=time.perf_counter() - began,
            problem=str(error),
        )


def _verdict(claim: Deterministic, effort: Effort, began: float) -> Verdict:
    findings = Findings(claim, effort)
    tried: list[Sample] = []
    for one in samples(claim, effort, to_the_end=not isinstance(claim, Exists)):
        tried.append(one)
        findings.take(one)
        if isinstance(claim, Exists) and findings.proved:
            break
    findings.settle()
    outcome, problem = _outcome(claim, findings)
    controls: tuple[ControlOutcome, ...] = ()
    if findings.problem is None:
        controls = tuple(refute(claim, control, tried, effort) for control in claim.controls)
        if claim.corrected_by is not None and findings.proved:
            controls = (*controls, corrected_holds(claim, findings.proved[0]))
    if outcome == "consistent" and not (controls and all(control.refuted for control in controls)):
        outcome, problem = "inconclusive", _control_problem(controls)
    witness = None
    if findings.proved:
        candidate, proof = findings.proved
        witness = certify(candidate.sides, candidate.point, 1.0, proof, found_by=candidate.found_by)
    return Verdict(
        name=claim.name,
        source=claim.source,
        kind=claim.kind,
        verdict=outcome,
        expected=claim.expected,
        corrected_by=claim.corrected_by,
        tightness=findings.tightness,
        smallest_constant=findings.smallest_constant(),
        found_by=findings.found_by,
        vacuous=_vacuous(findings),
        bound_over_observed=1.0 / findings.tightness if findings.tightness else None,
        controls=controls,
        instances=findings.counts,
        seconds=time.perf_counter() - began,
        witness=witness,
        problem=problem,
        notes=findings.notes(),
    )


def _outcome(claim: Deterministic, findings: Findings) -> tuple[str, str | None]:
    if isinstance(claim, Exists):
        return _existence(findings)
    if findings.proved:
        return "violated", None
    if findings.problem is not None:
        return "inconclusive", findings.problem
    if findings.open > 0:
        return "inconclusive", f"{findings.open:,} suspected violations are neither proved nor refuted"
    if (unsearched := findings.unsearched()) is not None:
        return "inconclusive", unsearched
    if isinstance(claim, Identity) and findings.confirmed < CONFIRMED:
        return "inconclusive", (
            f"ball arithmetic confirmed it at {findings.confirmed} instances of the {CONFIRMED} that are asked for"
        )
    if not isinstance(claim, Identity) and (findings.tightness or 0.0) < claim.tightness:
        return "inconclusive", _not_tight(claim, findings.tightness)
    return "consistent", None


def _not_tight(claim: Deterministic, reached: float | None) -> str:
    if reached is None:
        return f"ball arithmetic confirmed measured/theory at no instance, and {claim.tightness:g} is stated"
    return (
        f"measured/theory reached {reached:.4g} of the stated {claim.tightness:g}: the bound was not tested "
        "hard enough, or is looser than stated"
    )


def _existence(findings: Findings) -> tuple[str, str | None]:
    if findings.proved:
        return "consistent", None
    if findings.problem:
        return "inconclusive", findings.problem
    if findings.only_instance_fails:
        return "violated", "the one instance of its domain is proved not to be a witness"
    return "inconclusive", "no witness was found on the domain"


def _control_problem(controls: tuple[ControlOutcome, ...]) -> str:
    if not controls:
        return "the claim has no control: a verdict that cannot come out wrong is worth nothing"
    names = ", ".join(f"'{control.name}'" for control in controls if not control.refuted)
    return f"not refuted: {names}; a test that cannot tell the false variant from the claim says nothing"


def _vacuous(findings: Findings) -> bool:
    return findings.tightness is not None and findings.tightness < VACUOUS
