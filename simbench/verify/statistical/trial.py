"""What one test on runs brought to light: p-values both ways, and the finding in words.

    against   p-value of the claim itself: how surprising these runs are if it is true
    support   p-value of its contrary: how surprising they are if it is false; None where a claim needs no such
              support, because not being refuted is all that can be asked of it

A claim that speaks of several settings is refuted when it is refuted in one of them, at a p-value multiplied by their
number (Bonferroni), and supported when it is supported in all (intersection-union).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome of a test.

    Args:
        against, support: see above.
        finding: what was measured, in a sentence.
        counts: what was tried: runs or pairs.
        detail: numbers of the finding, JSON-able.
        tightness: largest measured/theory, where the claim is a bound.
        problem: why nothing can be concluded, or None.
        notes: what a reader should know though it changes nothing.
    """

    against: float
    support: float | None
    finding: str
    counts: dict[str, int]
    detail: dict[str, Any] = dataclasses.field(default_factory=dict)
    tightness: float | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def void(cls, problem: str, counts: dict[str, int]) -> "Trial":
        """Return the outcome of a test that could not be made."""
        return cls(against=1.0, support=1.0, finding="", counts=counts, problem=problem)

    @classmethod
    def worst(cls, trials: "Mapping[str, Trial]") -> "Trial":
        """Return one trial for all settings: that of the worst, its p-values those of all together."""
        if len(trials) == 1:
            return next(iter(trials.values()))
        setting = min(trials, key=lambda name: _severity(trials[name]))
        worst = trials[setting]
        supports = [trial.support for trial in trials.values() if trial.support is not None]
        reached = [trial.tightness for trial in trials.values() if trial.tightness is not None]
        return dataclasses.replace(
            worst,
            against=min(1.0, len(trials) * min(trial.against for trial in trials.values())),
            support=max(supports) if supports else None,
            finding=f"worst of {len(trials)} settings, {setting}: {worst.finding}",
            problem=None if worst.problem is None else f"{setting}: {worst.problem}",
            tightness=max(reached) if reached else None,
            detail=worst.detail | {"setting": setting, "settings": len(trials)},
        )


def _severity(trial: Trial) -> tuple[bool, float, float]:
    """Order trials: one that could not be made first, then those refuted most, then those supported least."""
    return (trial.problem is None, trial.against, 0.0 if trial.support is None else -trial.support)
