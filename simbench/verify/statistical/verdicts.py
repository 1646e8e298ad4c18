"""From trials to verdicts: one family, one alpha.

The claims judged together are a family. Holm's step-down is applied to their p-values `against`, so the chance that
any true claim is called violated is at most ALPHA; and, apart from that, to their p-values `support`, so the chance
that any false claim is called consistent is at most ALPHA too.

    violated       refuted at ALPHA after Holm
    consistent     not refuted, supported at ALPHA after Holm (probable: no support is asked for), and every control,
                   of which there is at least one, refuted at ALPHA by the same test on as many runs
    inconclusive   anything else; `problem` says which

A control is a variant that is false, so its p-value needs no correction: that it is missed, not that it is caught, is
the error.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from simbench.verify.statistical.holm import holm
from simbench.verify.statistical.protocol import ALPHA, Altered, Statistical
from simbench.verify.statistical.trial import Trial
from simbench.verify.verdict import ControlOutcome, Verdict

VACUOUS = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A claim with its trial, those of its controls, that of its correction if it is a misprint, and the seconds."""

    claim: Statistical
    trial: Trial
    controls: tuple[tuple[Altered, Trial], ...]
    correction: Trial | None
    seconds: float


def verdicts(cases: Sequence[Case]) -> list[Verdict]:
    """Return the verdicts of a family of claims, in order."""
    # A test that could not be made cannot err, and does not count.
    made = [case.trial.problem is None for case in cases]
    against, support = np.ones(len(cases)), np.ones(len(cases))
    against[made] = holm([case.trial.against for case in cases if case.trial.problem is None])
    asked = [ok and case.trial.support is not None for ok, case in zip(made, cases, strict=True)]
    support[asked] = holm([case.trial.support or 0.0 for case, ok in zip(cases, asked, strict=True) if ok])
    return [
        _verdict(case, float(against[i]), float(support[i]) if asked[i] else None, sum(made))
        for i, case in enumerate(cases)
    ]


def _verdict(case: Case, against: float, support: float | None, family: int) -> Verdict:
    claim, trial = case.claim, case.trial
    controls = tuple(_control(control, outcome) for control, outcome in case.controls)
    if claim.corrected_by is not None and case.correction is not None:
        controls = (*controls, _corrected(claim.corrected_by, case.correction))
    outcome, problem = _outcome(trial, against, support)
    if outcome == "consistent" and not (controls and all(control.refuted for control in controls)):
        outcome, problem = "inconclusive", _control_problem(controls)
    detail: dict[str, Any] = trial.detail | {
        "p_against": trial.against,
        "p_support": trial.support,
        "p_against_holm": against,
        "p_support_holm": support,
        "family": family,
    }
    tightness = trial.tightness
    return Verdict(
        name=claim.name,
        source=claim.source,
        kind=claim.kind,
        verdict=outcome,
        expected=claim.expected,
        corrected_by=claim.corrected_by,
        tightness=tightness,
        vacuous=tightness is not None and tightness < VACUOUS,
        bound_over_observed=1.0 / tightness if tightness else None,
        controls=controls,
        instances=trial.counts,
        alpha=ALPHA,
        seconds=case.seconds,
        problem=problem,
        finding=_finding(trial, against, support, family),
        notes=trial.notes,
        detail=detail,
    )


def _outcome(trial: Trial, against: float, support: float | None) -> tuple[str, str | None]:
    if trial.problem is not None:
        return "inconclusive", trial.problem
    if against <= ALPHA:
        return "violated", None
    if support is not None and support > ALPHA:
        return "inconclusive", "these runs tell neither the claim nor its contrary to be false"
    return "consistent", None


def _control(control: Altered, trial: Trial) -> ControlOutcome:
    if trial.problem is not None:
        return ControlOutcome(name=control.name, refuted=False, how=trial.problem)
    return ControlOutcome(
        name=control.name, refuted=trial.against <= ALPHA, how=f"p = {trial.against:.2g}; {trial.finding}"
    )


def _corrected(name: str, trial: Trial) -> ControlOutcome:
    holds = (
        trial.problem is None and trial.against > ALPHA and (trial.support is None or trial.support <= ALPHA)
    )
    return ControlOutcome(name=f"{name} holds on its runs", refuted=holds, how=trial.problem or trial.finding)


def _control_problem(controls: tuple[ControlOutcome, ...]) -> str:
    if not controls:
        return "the claim has no control: a verdict that cannot come out wrong is worth nothing"
    names = ", ".join(f"'{control.name}'" for control in controls if not control.refuted)
    return f"not refuted: {names}; a test that cannot tell the false variant from the claim says nothing"


def _finding(trial: Trial, against: float, support: float | None, family: int) -> str | None:
    if trial.problem is not None:
        return None
    told = f"p = {against:.2g} against it" + (
        "" if support is None else f", {support:.2g} against its contrary"
    )
    return f"{trial.finding} ({told}" + (f"; Holm over {family} claims)" if family > 1 else ")")
