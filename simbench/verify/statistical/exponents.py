"""The exponent of a power law in the mean over runs, and how far single runs carry it.

Two readings of a curve m_k = mean over runs of y at x_k:

    Slope     y ~ x^p             least squares of log m_k on log x_k; points where m_k <= 0 are left out
    Growth    dy/dlog x ~ x^p     by moments: the increments d_k = m_k - m_{k-1} have expectations proportional to
                                  f_k(p) = (x_k^p - x_{k-1}^p)/p, so p is where the mean log x of the growth,
                                  L = sum d_k l_k / sum d_k  (l_k the middle of an interval of log x), is L(p)

The growth exponent of a cumulative regret is 0 for log T, 1/2 for sqrt T, 1 for linear regret, negative for one that
approaches a plateau; the slope of the same curve would still read .1 for log T at T = 1e5. L is sufficient for p where
growth comes as rare events (a Poisson process of intensity x^p in log x), it is a ratio of means, and it needs no
logarithm of an increment, which may be zero. Tests are made on L, which is bounded where p is not.

What is read is a smooth function of the means, so a run moves it by z_i = sum_k c_k y_ik with coefficients c (the
influence function); its standard error is that of the mean of z, within instances.
"""

import dataclasses
from typing import Protocol

import numpy as np

LIMIT = 20.0  # growth exponents are sought in [-LIMIT, LIMIT]: beyond, all growth lies in one interval
LEAST_POINTS = 3
RESOLUTION = 1e-3  # to which exponents are read


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """Of many curves: what is read `[B]`, nan where it does not exist; its change per unit of y at each x `[B, K]`."""

    statistic: np.ndarray
    influence: np.ndarray


class Reader(Protocol):
    """A statistic of curves, and the exponent that it stands for (increasing in it), read to `resolution`."""

    resolution: float

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read `curves [B, K]` at `x [K]`."""
        ...

    def at(self, x: np.ndarray, exponent: float) -> float:
        """Return the statistic of a pure power law of this exponent."""
        ...

    def exponent(self, x: np.ndarray, statistic: float) -> float:
        """Return the exponent whose pure power law has this statistic; -inf or inf where none is so steep."""
        ...


class Slope:
    """The log-log slope."""

    resolution = RESOLUTION

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read the slopes of `curves [B, K]`; nan where fewer than three points are positive."""
        seen = curves > 0.0
        log_x = np.log(x)
        centre = np.sum(seen * log_x, axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        arm = np.where(seen, log_x - centre, 0.0)
        square = np.sum(arm**2, axis=1, keepdims=True)
        arm /= np.where(seen.sum(axis=1, keepdims=True) < LEAST_POINTS, np.nan, square)
        heights = np.where(seen, curves, 1.0)
        return Reading(statistic=np.sum(arm * np.log(heights), axis=1), influence=arm / heights)

    def at(self, x: np.ndarray, exponent: float) -> float:
        """Return the exponent: a slope is one."""
        return exponent

    def exponent(self, x: np.ndarray, statistic: float) -> float:
        """Return the slope."""
        return statistic


class Growth:
    """The mean log x at which a cumulative curve grows, in place of the exponent of its growth."""

    resolution = RESOLUTION

    def read(self, x: np.ndarray, curves: np.ndarray) -> Reading:
        """Read the mean log x of the growth of `curves [B, K]`; nan for a curve that does not grow."""
        steps, middle = np.diff(curves, axis=1), _middles(x)
        total = steps.sum(axis=1)
        total = np.where(total > 0.0, total, np.nan)
        mean = steps @ middle / total
        # A step is a difference: what y_k adds to one increment it takes from the next.
        of_step = np.pad((middle - mean[:, None]) / total[:, None], ((0, 0), (1, 1)))
        return Reading(statistic=mean, influence=of_step[:, :-1] - of_step[:, 1:])

    def at(self, x: np.ndarray, exponent: float) -> float:
        """Return L(p)."""
        p = 1e-9 if abs(exponent) < 1e-9 else exponent
        # Measured from the end where x^p is largest, so that nothing overflows.
        f = np.diff(np.expm1(p * np.log(x / x[-1 if p > 0 else 0])) / p)
        return float(f @ _middles(x) / f.sum())

    def exponent(self, x: np.ndarray, statistic: float) -> float:
        """Return p with L(p) = `statistic`, by bisection."""
        low, high = -LIMIT, LIMIT
        if statistic <= self.at(x, low):
            return -np.inf
        if statistic >= self.at(x, high):
            return np.inf
        while high - low > 1e-9:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.at(x, middle) < statistic else (low, middle)
        return 0.5 * (low + high)


def _middles(x: np.ndarray) -> np.ndarray:
    log_x = np.log(x / x[0])
    return np.asarray(0.5 * (log_x[1:] + log_x[:-1]))
