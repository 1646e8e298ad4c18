"""A fitted growth law: what a figure writes beside a curve, and what a table says of it.

plateau  R(T) = level                                constant
         R(T) = level + scale T^p,  p < 0            decays towards its limit
         R(T) = level + scale T^p  until T = stop    grows, then stops (log T where p = 0)
log      R(T) = level + scale log T
power    R(T) = level + scale T^p,  p > 0
"""

import dataclasses
import math
from typing import Any, Literal

import numpy as np

Interval = tuple[float, float]
LawName = Literal["plateau", "log", "power"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowthLaw:
    """The growth of a cumulative regret over the last decades of rounds.

    Attributes:
        law: "plateau", "log" or "power".
        shape: which candidate it is: "constant", "decay", "stop", "log" or "power".
        exponent: p of the chosen law (0 for log, nan for a constant), with its interval.
        free_exponent: p of dR/d log T = b T^p fitted to the whole window without choosing a law, with its interval;
            nan for a constant.
        scale: coefficient of log T or T^p (regret units), with its interval.
        level: the constant term (regret units).
        stop: the round at which a curve of shape "stop" stops; inf for the others.
        limit: the plateau's height (regret units), inf for a law that grows for ever, with its interval.
        r_squared: of the run-mean curve over the window; nan for a constant.
        aic: Akaike's criterion of every candidate.
        support: share of bootstrap resamples of whole runs that choose the same law.
        decided: whether that share is high enough, and the fit close enough, to name the law.
        window: first and last round of the fit.
        runs: number of (instance, run) pairs.
        confidence: level of the intervals (percentile bootstrap of whole runs within each instance).
    """

    law: LawName
    shape: str
    exponent: float
    exponent_interval: Interval
    free_exponent: float
    free_exponent_interval: Interval
    scale: float
    scale_interval: Interval
    level: float
    stop: float
    limit: float
    limit_interval: Interval
    r_squared: float
    aic: dict[str, float]
    support: float
    decided: bool
    window: tuple[int, int]
    runs: int
    confidence: float

    def __call__(self, rounds: Any) -> np.ndarray:
        """Return the fitted regret at `rounds`."""
        x = np.minimum(np.asarray(rounds, dtype=np.float64), self.stop)
        if self.scale == 0.0:
            return np.full_like(x, self.level)
        return self.level + self.scale * (np.log(x) if self.exponent == 0.0 else x**self.exponent)

    def latex(self) -> str:
        r"""Return the law for a plot, e.g. `$8.31\,\log T + 3.2$`, `$0.0825\,T^{1.00}$`, `$\to 138$`."""
        if not self.decided:
            return "no law decided"
        if self.law == "plateau":
            return rf"$\to {latex_number(self.limit)}$"
        basis = r"\log T" if self.law == "log" else rf"T^{{{self.exponent:.2f}}}"
        body = rf"{latex_number(self.scale)}\,{basis}"
        end = float(self(self.window[1]))
        if abs(self.level) > 0.01 * abs(end):  # smaller than a reader could see
            body += rf" {'+' if self.level > 0 else '-'} {latex_number(abs(self.level))}"
        return f"${body}$"

    def sentence(self) -> str:
        """Return the law in words with its interval, for a table."""
        if self.law == "plateau":
            text = f"plateau at {number(self.limit)} {_between(self.limit_interval)}"
        elif self.law == "log":
            text = f"{number(self.scale)} {_between(self.scale_interval)} x log T"
        else:
            low, high = self.exponent_interval
            text = f"T^{self.exponent:.2f} [{low:.2f}, {high:.2f}]"
        return text + ("" if self.decided else ", undecided")


def significant(value: float, low: float, high: float) -> str:
    """Write `value` with the digits that its interval supports: two of the interval's half-width, four at most."""
    width = (high - low) / 2.0
    if not (math.isfinite(value) and math.isfinite(width)) or width <= 0.0 or value == 0.0:
        return number(value, 4)
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(width)) + 2
    return number(value, min(max(digits, 1), 4))


def number(value: float, digits: int = 3) -> str:
    """Write `value` with so many significant digits, in plain decimals between 1e-3 and 1e6."""
    if value == 0.0:
        return "0"
    if math.isfinite(value) and 1e-3 <= abs(value) < 1e6:
        return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"
    return f"{value:.{digits - 1}e}" if math.isfinite(value) else str(value)


def latex_number(value: float, digits: int = 3) -> str:
    r"""Write `value` for mathtext: `12.3`, `4.56\times 10^{-7}`."""
    text = number(value, digits)
    if "e" not in text:
        return text
    mantissa, power = text.split("e")
    return rf"{mantissa}\times 10^{{{int(power)}}}"


def _between(interval: Interval) -> str:
    return f"[{number(interval[0])}, {number(interval[1])}]"
