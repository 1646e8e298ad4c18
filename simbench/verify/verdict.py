"""What judging a claim returns: one frozen record for all kinds, for the terminal, a notebook and JSON.

consistent     held everywhere it was tried, every control was refuted with proof, and it was tested hard
violated       proved false at an instance (`witness` is the certificate), or refuted by runs at the rate alpha
inconclusive   anything else; `problem` says which, in one sentence
"""

import dataclasses
import html
from typing import Any

OUTCOMES = ("consistent", "violated", "inconclusive")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ControlOutcome:
    """Whether a false variant was refuted; `how` names the instance source and the ball-arithmetic margin."""

    name: str
    refuted: bool
    how: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of judging one claim.

    Args:
        tightness: the largest measured/theory (Lower: theory/measured), confirmed in ball arithmetic; None
            where ratios mean nothing (identities, a theory side of zero) or nothing could be compared.
        smallest_constant: the strongest constant of the theory side that still holds on every instance found,
            as a multiple of the stated one.
        found_by: what found the tightest instance: random, corners, tight family, hunter.
        vacuous: the bound never came within a factor 100 of what was observed; `bound_over_observed` says
            how far it stayed.
        instances: how many were tried, by source.
        alpha: the false-alarm rate of a statistical kind, for all claims judged together; None for a proof.
        witness: the certificate of a violation (or of an existence), as a JSON-able mapping.
        problem: why the verdict is inconclusive, in one sentence.
        finding: what a statistical kind measured, with its p-values, in one sentence.
        notes: what a reader should know though it changes nothing.
        detail: what a kind reports beside (a slope, an interval, counts); JSON-able.
    """

    name: str
    source: str
    kind: str
    verdict: str
    expected: str = "consistent"
    corrected_by: str | None = None
    tightness: float | None = None
    smallest_constant: float | None = None
    found_by: str | None = None
    vacuous: bool = False
    bound_over_observed: float | None = None
    controls: tuple[ControlOutcome, ...] = ()
    instances: dict[str, int] = dataclasses.field(default_factory=dict)
    alpha: float | None = None
    seconds: float = 0.0
    witness: dict[str, Any] | None = None
    problem: str | None = None
    finding: str | None = None
    notes: tuple[str, ...] = ()
    detail: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def as_expected(self) -> bool:
        """The verdict is the expected one and every control was refuted."""
        return self.verdict == self.expected and all(control.refuted for control in self.controls)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain dicts, lists, strings and numbers."""
        record = dataclasses.asdict(self)
        record["controls"] = [dataclasses.asdict(control) for control in self.controls]
        record["notes"] = list(self.notes)
        return record

    def rows(self) -> list[tuple[str, str]]:
        """Return what there is to tell, as (label, text) pairs in reading order."""
        told: list[tuple[str, str]] = [
            (
                "verdict",
                self.verdict + ("" if self.verdict == self.expected else f" (expected {self.expected})"),
            )
        ]
        if self.problem:
            told.append(("because", self.problem))
        if self.finding:
            told.append(("found", self.finding))
        if self.tightness is not None:
            reached = f"{self.tightness:.6g}" + (f" (found by: {self.found_by})" if self.found_by else "")
            told.append(("tightness", reached))
        if self.smallest_constant is not None:
            told.append(
                (
                    "constant",
                    f"{self.smallest_constant:.6g} x the stated one still holds on all instances found",
                )
            )
        if self.vacuous and self.bound_over_observed is not None:
            told.append(("vacuous", f"bound/observed is never below {self.bound_over_observed:.3g}"))
        for control in self.controls:
            told.append(
                (
                    "control",
                    f"{control.name}: {'refuted' if control.refuted else 'NOT REFUTED'}"
                    + (f" ({control.how})" if control.how else ""),
                )
            )
        if self.instances:
            told.append(
                ("instances", ", ".join(f"{count:,} {name}" for name, count in self.instances.items()))
            )
        if self.witness:
            told.append(("witness", self.witness.get("sentence", "certificate attached")))
        told += [("note", note) for note in self.notes]
        told.append(("seconds", f"{self.seconds:.2f}"))
        return told

    def __str__(self) -> str:
        lines = [f"{self.name}  [{self.source}]  {self.kind}"]
        return "\n".join(lines + [f"  {label:<10} {text}" for label, text in self.rows()])

    def _repr_html_(self) -> str:
        colour = {"consistent": "#2e7d32", "violated": "#c62828"}.get(self.verdict, "#8d6e00")
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(label)}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for label, text in self.rows()
        )
        head = f"<b>{html.escape(self.name)}</b> <i>{html.escape(self.source)}</i> ({self.kind})"
        return (
            f"<div style='border-left:4px solid {colour};padding-left:8px'>{head}<table>{rows}</table></div>"
        )
