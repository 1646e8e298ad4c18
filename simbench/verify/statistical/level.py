"""Levels: the mean over runs itself, or the share of it that was gained late, lies within limits.

    Level    at_least <= statistic <= at_most        (either may be absent)

    over = "last"     m_K                    the mean over runs at the last x
    over = "gained"   (m_K - m_1) / m_K      which share of the last mean came between the first and the last x of the
                                             window: 0 on a plateau, log 10 / log T over a decade of log T, 0.9 of T

The test is that of `rate.py` with another statistic in place of the exponent: whole runs are resampled, and the limits
are tested from both sides.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical.bootstrap import spread_of
from simbench.verify.statistical.exponents import Reading
from simbench.verify.statistical.protocol import only
from simbench.verify.statistical.rate import TIMES, Rate
from simbench.verify.statistical.runs import run_matrix
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


class Height:
    """The mean at the last x."""

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read the last value of `curves [B, K]`."""
        influence = np.zeros_like(curves)
        influence[:, -1] = 1.0
        return Reading(statistic=curves[:, -1], influence=influence)

    def at(self, x: np.ndarray, exponent: float) -> float:
        """Return the level: the statistic is what is claimed."""
        return exponent

    def exponent(self, x: np.ndarray, statistic: float) -> float:
        """Return the statistic."""
        return statistic


class Gained(Height):
    """The share of the last value that was gained since the first x."""

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read (last - first) / last of `curves [B, K]`; nan where the last value is not positive."""
        first, last = curves[:, 0], curves[:, -1]
        last = np.where(last > 0.0, last, np.nan)
        influence = np.zeros_like(curves)
        influence[:, 0] = -1.0 / last
        influence[:, -1] = first / last**2
        return Reading(statistic=1.0 - first / last, influence=influence)


READERS = {"last": Height, "gained": Gained}


class Level(Rate):
    """The mean over runs, or the share of it gained in the window, lies within limits.

    Attributes:
        over: "last" or "gained", see above.
        column, measured, learner, x, decades, window, at_least, at_most: as for `Rate`; over a key of the grid that is
            not x, every setting is held against the limits.
    """

    kind = "level"
    least: ClassVar[int] = 50
    over: str = "last"

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless the statistic is one of the two."""
        super().require_complete(where)
        if cls.over not in READERS:
            raise SimbenchError(f"{where} has over = '{cls.over}'; it must be one of {', '.join(READERS)}.")
        if cls.x not in TIMES:
            raise SimbenchError(f"{where} has x = '{cls.x}'; it must be one of {', '.join(TIMES)}.")

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Read the level and its spread over runs, and hold it against the limits."""
        _, table = only(rows)
        table = table.assign(value=self.numbers("measured", table).astype(np.float64))
        matrix = self._in_window(run_matrix(table, "value", across=self.x))
        counts = {"runs": matrix.runs}
        if matrix.runs < self.least:
            return Trial.void(f"{matrix.runs} runs; at least {self.least} are needed", counts)
        if not np.isfinite(matrix.values).all():
            return Trial.void(f"{self.column} is not finite in some rows", counts)
        if self.over == "gained" and not (matrix.rounds.size > 1 and matrix.values[:, -1].mean() > 0.0):
            return Trial.void("one point, or a mean of zero, in the window", counts)
        trial = self._outcome(spread_of(READERS[self.over](), matrix), matrix, counts)
        told = "mean" if self.over == "last" else "share gained"
        return dataclasses.replace(trial, finding=trial.finding.replace("exponent", told, 1))

    def _subject(self) -> str:
        of = f"{self.column}" + (f" of '{self.learner}'" if self.learner else "")
        return f"the mean of {of}" if self.over == "last" else f"the share of {of} gained in the window"
