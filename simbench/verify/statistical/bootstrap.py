"""How sure an exponent is: units resampled whole within their stratum, and the most cautious of three tests.

Units are whole runs within their world, or whole worlds (`population.py`).

The evidence that a statistic s is above a limit is the largest of three p-values:

    percentile    share of resamples at or below the limit
    studentised   share of resamples whose t* = (s* - s)/se* is at least t = (s - limit)/se
    Student       of the mean of s + z_i - mean z, z_i how far unit i moves the statistic

Each alone is too eager somewhere: resampled extremes of few skewed runs, or heavy tails that a normal law does not
have. The sizes of the whole are measured in `tests/long/test_statistical_sizes.py`. A standard error is never taken to
be below what corresponds to the reader's resolution. A resample whose statistic does not exist counts against both
sides.
"""

import dataclasses
import functools
import math

import numpy as np

from simbench.verify.statistical import means
from simbench.verify.statistical.exponents import Reader
from simbench.verify.statistical.runs import RunMatrix, resample_counts

RESAMPLES = 19_999
AT_A_TIME = 1000
HALVINGS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """A statistic that stands for an exponent, its standard error, and those of its resamples `[B]`.

    `pseudo [N]` are the statistic plus how far each unit moves it, in `strata [N]`; `floor` is the least error allowed.
    """

    reader: Reader
    x: np.ndarray
    statistic: float
    error: float
    statistics: np.ndarray
    errors: np.ndarray
    pseudo: np.ndarray
    strata: np.ndarray
    floor: float

    @property
    def exponent(self) -> float:
        """The exponent that is read."""
        return self.reader.exponent(self.x, self.statistic)

    def above(self, limit: float) -> float:
        """Return the p-value of the evidence that the exponent is above `limit`."""
        return 1.0 if math.isinf(limit) else self._beyond(self.reader.at(self.x, limit), 1.0)

    def below(self, limit: float) -> float:
        """Return the p-value of the evidence that the exponent is below `limit`."""
        return 1.0 if math.isinf(limit) else self._beyond(self.reader.at(self.x, limit), -1.0)

    def _beyond(self, limit: float, sign: float) -> float:
        draws = self.statistics.size
        t = sign * (self.statistic - limit) / self.error if self.error > 0.0 else 0.0
        percentile = (1 + np.count_nonzero(~(sign * self.statistics > sign * limit))) / (1 + draws)
        with np.errstate(divide="ignore", invalid="ignore"):  # a resample without spread counts against
            pivots = sign * (self.statistics - self.statistic) / self.errors
        studentised = (1 + np.count_nonzero(~(pivots < t))) / (1 + draws)
        student = means.student(sign * self.pseudo, self.strata, sign * limit, floor=self.floor)
        return float(max(percentile, studentised, student))

    def interval(self, tail: float) -> tuple[float, float]:
        """Return the exponents beyond which the evidence, on either side, is as strong as `tail`."""
        return self._end(tail, -1.0), self._end(tail, 1.0)

    def _end(self, tail: float, sign: float) -> float:
        """Go outwards from the statistic until the evidence against going further is `tail`, by bisection."""
        span = float(np.nanmax(np.abs(self.statistics - self.statistic), initial=0.0)) + 10.0 * self.error
        if not span > 0.0:  # nothing was read, or nothing moves it
            return sign * math.inf
        low, high = 0.0, span
        while self._beyond(self.statistic + sign * high, -sign) > tail:
            low, high = high, 2.0 * high
            if high > 1e6 * span:
                return sign * math.inf
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            enough = self._beyond(self.statistic + sign * middle, -sign) <= tail
            low, high = (low, middle) if enough else (middle, high)
        return self.reader.exponent(self.x, self.statistic + sign * high)


def spread_of(reader: Reader, matrix: RunMatrix) -> Spread:
    """Read the mean over the units, and RESAMPLES resamples of whole units within `matrix.instance`."""
    x, strata = matrix.rounds, matrix.instance
    whole = np.full((1, matrix.runs), 1.0 / matrix.runs)
    statistic, error = _read(reader, matrix, strata, whole)
    moved = reader.read(x, whole @ matrix.values).influence[0] @ matrix.values.T
    counts = _counts(tuple(strata.tolist()))
    parts = [
        _read(reader, matrix, strata, counts[first : first + AT_A_TIME] / matrix.runs)
        for first in range(0, RESAMPLES, AT_A_TIME)
    ]
    statistics, errors = (np.concatenate(part) for part in zip(*parts, strict=True))
    exponent = np.clip(reader.exponent(x, float(statistic[0])), -1.0, 1.0)
    floor = reader.at(x, exponent + reader.resolution) - reader.at(x, exponent)
    return Spread(
        reader=reader,
        x=x,
        statistic=float(statistic[0]),
        error=max(float(error[0]), floor),
        statistics=statistics,
        errors=np.maximum(errors, floor),
        pseudo=statistic[0] + moved - moved.mean(),
        strata=strata,
        floor=floor,
    )


@functools.lru_cache(maxsize=2)
def _counts(strata: tuple[int, ...]) -> np.ndarray:
    """Return how often each run is in each resample, `[RESAMPLES, N]`: the same resamples for every claim."""
    counts = np.empty((RESAMPLES, len(strata)), dtype=np.uint8)
    for first in range(0, RESAMPLES, AT_A_TIME):
        few = min(AT_A_TIME, RESAMPLES - first)
        counts[first : first + few] = resample_counts(
            np.array(strata), resamples=few, purpose="claims", first=first
        )
    return counts


def _read(
    reader: Reader, matrix: RunMatrix, strata: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistics and standard errors of the curves that `weights [B, N]` make of the runs."""
    reading = reader.read(matrix.rounds, weights @ matrix.values)
    _, starts, sizes = np.unique(strata, return_index=True, return_counts=True)
    total = sizes / matrix.runs
    with np.errstate(invalid="ignore"):  # an exponent that does not exist has no influence, and stays nan
        moved = reading.influence @ matrix.values.T
        weighed = weights * moved
        first = np.add.reduceat(weighed, starts, axis=1)
        second = np.add.reduceat(weighed * moved, starts, axis=1)
        variance = np.sum(total * (second - first**2 / total) / (sizes - 1), axis=1)
        return reading.statistic, np.sqrt(np.maximum(variance, 0.0))
