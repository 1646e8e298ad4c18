"""Rates: the exponent with which the mean over runs falls or grows.

    Rate    at_least <= exponent <= at_most        (either may be absent)

of `column` against `x`: rounds, labels, or a key of the study's grid. The exponent is the log-log slope, or with
`growth = True` that of the growth per unit of log x, which is 0 for log T, 1/2 for sqrt T and negative for a plateau
(`exponents.py`). It is read over the last decades of rounds or labels, and over all points of a grid.

The claim is violated when the exponent is significantly outside the limits, consistent when it is significantly inside
(both ends, each at the family's level), and inconclusive in between. Where a theorem names an exponent, the limits say
how far from it a finite run may be: it is approached, not attained.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical.bootstrap import Spread, spread_of
from simbench.verify.statistical.exponents import LEAST_POINTS, Growth, Slope
from simbench.verify.statistical.mean_test import MeanTest
from simbench.verify.statistical.population import about, too_few, units
from simbench.verify.statistical.protocol import ALPHA, Statistical, only
from simbench.verify.statistical.runs import RunMatrix, run_matrix
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("round", "labels")
LEAST_GROWING = 10  # runs; fewer could all have grown early, or late, by chance


class Rate(Statistical):
    """The exponent of a mean over runs lies within limits.

    Attributes:
        learner: the label it speaks of; None where the study has one learner.
        column: whose mean it is; or override `measured(rows)`, one number per row.
        x: "round", "labels", or a key of the grid, such as "environment.beta".
        growth: whether the exponent is that of the growth per unit of log x.
        at_least, at_most: the limits; at least one of them.
        decades: how many decades of rounds or labels, from the last one back.
        window: instead, the first and the last x.
    """

    kind = "rate"
    least: ClassVar[int] = 100
    learner: str | None = None
    column: str = "regret"
    x: str = "round"
    growth: bool = False
    at_least: float | None = None
    at_most: float | None = None
    decades: float = 1.5
    window: tuple[float, float] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The learner."""
        return () if self.learner is None else (self.learner,)

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless there are limits, in order, and a window."""
        super().require_complete(where)
        low, high = _limits(cls)
        if not low <= high or (low, high) == (-math.inf, math.inf):
            raise SimbenchError(
                f"{where} has at_least = {cls.at_least} and at_most = {cls.at_most}; give one, or both in order."
            )
        if cls.window is None and not cls.decades > 0:
            raise SimbenchError(f"{where} has decades = {cls.decades}; it must be positive.")
        if cls.window is not None and not 0 < cls.window[0] < cls.window[1]:
            raise SimbenchError(
                f"{where} has window = {cls.window}; it must be two positive numbers in order."
            )

    def measured(self, rows: "pd.DataFrame") -> Any:
        """Return what the exponent is of, one number per row."""
        return rows[self.column]

    def axes(self, table: "pd.DataFrame") -> list[str]:
        """Return the columns that tell settings apart; along x there is one setting only."""
        grid = [key for key in super().axes(table) if key not in (self.x, "setting")]
        return grid or ([] if "." in self.x else ["setting"])

    def described(self) -> list[tuple[str, str]]:
        """Return the study, what the exponent is of, and its limits."""
        return [*super().described(), ("claims", f"{self._subject()} {self._claimed()}")]

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Read the exponent and its spread over runs, and hold it against the limits."""
        _, table = only(rows)
        table = table.assign(value=self.numbers("measured", table).astype(np.float64))
        if self.x not in TIMES:
            table = table[
                table["round"] == table.groupby(["instance", "run", self.x])["round"].transform("max")
            ]
        matrix = run_matrix(table, "value", across=self.x)
        counts = {"runs": matrix.runs, "worlds": matrix.instances}
        few = too_few(matrix.instance, self.population, self.least, "runs")
        if few is not None:
            return Trial.void(few, counts)
        if not np.isfinite(matrix.values).all():
            return Trial.void(f"{self.column} is not finite in some rows", counts)
        matrix = self._in_window(matrix)
        problem = self._too_little(matrix)
        if problem is not None:
            return Trial.void(problem, counts)
        spread = spread_of(Growth() if self.growth else Slope(), units(matrix, self.population))
        return self._outcome(spread, matrix, counts)

    def _too_little(self, matrix: RunMatrix) -> str | None:
        """Return why no exponent can be read in the window, or None."""
        x, where = matrix.rounds, f"from {self.x} {matrix.rounds[0]:g} to {matrix.rounds[-1]:g}"
        if x[0] <= 0:
            return f"{self.x} has the value {x[0]:g}; a power law needs positive ones"
        if x.size < LEAST_POINTS + self.growth:
            return f"{x.size} points of {self.x} lie in the window; {LEAST_POINTS + self.growth} are needed"
        if self.growth:
            growing = int((np.diff(matrix.values, axis=1) > 0.0).any(axis=1).sum())
            if growing < LEAST_GROWING:
                return (
                    f"{growing} of {matrix.runs} runs grow {where}, and {LEAST_GROWING} are needed to say how; "
                    "a wider window has more to tell"
                )
        positive = np.count_nonzero(matrix.values.mean(axis=0) > 0.0)
        if positive < LEAST_POINTS:
            return f"the mean is positive at {positive} points {where}; {LEAST_POINTS} are needed"
        return None

    def _in_window(self, matrix: RunMatrix) -> RunMatrix:
        x = matrix.rounds
        if self.window is not None:
            low, high = self.window
        elif self.x in TIMES:
            low, high = x[-1] / 10**self.decades, x[-1]
        else:
            low, high = x[0], x[-1]
        kept = (x >= low * (1 - 1e-9)) & (x <= high * (1 + 1e-9))
        return RunMatrix(rounds=x[kept], values=matrix.values[:, kept], instance=matrix.instance)

    def _outcome(self, spread: "Spread | MeanTest", matrix: RunMatrix, counts: dict[str, int]) -> Trial:
        low, high = _limits(self)
        above, below = spread.above(high), spread.below(low)
        inside = [spread.below(high)] if math.isfinite(high) else []
        inside += [spread.above(low)] if math.isfinite(low) else []
        ends = spread.interval(ALPHA)
        zeros = int(np.count_nonzero(matrix.values == 0.0))
        points = int(np.count_nonzero(matrix.values.mean(axis=0) <= 0.0))
        notes = [f"{zeros} of {matrix.values.size} values are exactly zero"] if zeros else []
        if points and not self.growth:
            notes.append(
                f"{points} of {matrix.rounds.size} points have mean zero and are left out of the fit"
            )
        return Trial(
            against=min(1.0, len(inside) * min(above, below)),
            support=max(inside),
            finding=(
                f"exponent {spread.exponent:.3f} in [{ends[0]:.3f}, {ends[1]:.3f}] ({1 - 2 * ALPHA:.0%}), "
                f"claimed {self._claimed()}; {self.x} {matrix.rounds[0]:g} to {matrix.rounds[-1]:g}; "
                f"{about(matrix.instances, self.population)}"
            ),
            counts=counts,
            detail={
                "population": self.population,
                "exponent": spread.exponent,
                "interval": list(ends),
                "level": 1 - 2 * ALPHA,
                "window": [float(matrix.rounds[0]), float(matrix.rounds[-1])],
                "zeros": zeros,
            },
            notes=tuple(notes),
        )

    def _subject(self) -> str:
        of = f"{self.column}" + (f" of '{self.learner}'" if self.learner else "")
        return f"exponent in {self.x} of " + (f"the growth d/dlog {self.x} of {of}" if self.growth else of)

    def _claimed(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f"between {self.at_least:g} and {self.at_most:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"


def _limits(claim: "Rate | type[Rate]") -> tuple[float, float]:
    low = -math.inf if claim.at_least is None else claim.at_least
    high = math.inf if claim.at_most is None else claim.at_most
    return low, high
