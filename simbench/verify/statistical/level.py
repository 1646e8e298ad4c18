"""Levels: the mean over runs itself, or the share of it that was gained late, lies within limits.

    Level    at_least <= statistic <= at_most        (either may be absent)

    over = "last"     m_K                    the mean over runs at the last x
    over = "gained"   (m_K - m_1) / m_K      which share of the last mean came between the first and the last x of the
                                             window: 0 on a plateau, log 10 / log T over a decade of log T, 0.9 of T

A mean is tested as that of an `Order` is, with a guaranteed size where the claim states `bounds`; a share gained as the
exponent of a `Rate`, with another statistic in its place. Limits are tested from both sides.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical.bootstrap import spread_of
from simbench.verify.statistical.exponents import RESOLUTION, Reading
from simbench.verify.statistical.mean_test import MeanTest, stated_range
from simbench.verify.statistical.population import too_few, units
from simbench.verify.statistical.protocol import only
from simbench.verify.statistical.rate import TIMES, Rate
from simbench.verify.statistical.runs import run_matrix
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


class Gained:
    """The share of the last value that was gained since the first x."""

    resolution = RESOLUTION

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read (last - first) / last of `curves [B, K]`; nan where the last value is not positive."""
        first, last = curves[:, 0], curves[:, -1]
        last = np.where(last > 0.0, last, np.nan)
        influence = np.zeros_like(curves)
        influence[:, 0] = -1.0 / last
        influence[:, -1] = first / last**2
        return Reading(statistic=1.0 - first / last, influence=influence)

    def at(self, x: np.ndarray, exponent: float) -> float:
        """Return the share: the statistic is what is claimed."""
        return exponent

    def exponent(self, x: np.ndarray, statistic: float) -> float:
        """Return the statistic."""
        return statistic


OVER = ("last", "gained")


class Level(Rate):
    """The mean over runs, or the share of it gained in the window, lies within limits.

    Attributes:
        over: "last" or "gained", see above.
        bounds: what the measured numbers cannot leave, (low, high), or a method (rows) -> that; None if unknown. For
            "last" alone.
        column, measured, learner, x, decades, window, at_least, at_most: as for `Rate`; over a key of the grid that is
            not x, every setting is held against the limits.
    """

    kind = "level"
    over: str = "last"
    bounds: Any = None

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless the statistic is one of the two."""
        super().require_complete(where)
        if cls.over not in OVER:
            raise SimbenchError(f"{where} has over = '{cls.over}'; it must be one of {', '.join(OVER)}.")
        if cls.over == "gained" and cls.bounds is not None:
            raise SimbenchError(
                f"{where} states bounds, which a share gained has no use for; leave them out."
            )
        if cls.x not in TIMES:
            raise SimbenchError(f"{where} has x = '{cls.x}'; it must be one of {', '.join(TIMES)}.")

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Read the level and its spread over runs, and hold it against the limits."""
        _, table = only(rows)
        table = table.assign(value=self.numbers("measured", table).astype(np.float64))
        matrix = self._in_window(run_matrix(table, "value", across=self.x))
        counts = {"runs": matrix.runs, "worlds": matrix.instances}
        bounds = stated_range(self, table)
        few = too_few(matrix.instance, self.population, 1 if bounds else self.least, "runs")
        if few is not None:
            return Trial.void(few, counts)
        if not np.isfinite(matrix.values).all():
            return Trial.void(f"{self.column} is not finite in some rows", counts)
        if self.over == "gained":
            if not (matrix.rounds.size > 1 and matrix.values[:, -1].mean() > 0.0):
                return Trial.void("one point, or a mean of zero, in the window", counts)
            trial = self._outcome(spread_of(Gained(), units(matrix, self.population)), matrix, counts)
            return dataclasses.replace(trial, finding=trial.finding.replace("exponent", "share gained", 1))
        last = matrix.values[:, -1]
        if bounds is not None and not (bounds[0] <= last.min() and last.max() <= bounds[1]):
            reached = f"values reach from {last.min():.4g} to {last.max():.4g}"
            return Trial.void(f"{reached}, beyond the claim's bounds, {bounds[0]:g} to {bounds[1]:g}", counts)
        test = MeanTest.of(last, matrix.instance, self.population, bounds)
        trial = self._outcome(test, matrix, counts)
        return dataclasses.replace(trial, finding=trial.finding.replace("exponent", "mean", 1) + test.told)

    def _subject(self) -> str:
        of = f"{self.column}" + (f" of '{self.learner}'" if self.learner else "")
        return f"the mean of {of}" if self.over == "last" else f"the share of {of} gained in the window"
