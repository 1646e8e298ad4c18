"""The test of a mean over runs, for either population, with a guaranteed size where the range of values is known."""

import dataclasses
import math
from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical import bounded, means
from simbench.verify.statistical.population import world_means


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeanTest:
    """Independent units `values [N]` in `strata [N]`, and their range `(low, high)` where it is known."""

    values: np.ndarray
    strata: np.ndarray
    bounds: tuple[float, float] | None = None

    @classmethod
    def of(
        cls,
        values: np.ndarray,
        instance: np.ndarray,
        population: str,
        bounds: tuple[float, float] | None = None,
    ) -> "MeanTest":
        """Return the test of the mean of `values [N]`, one for each run of the worlds `instance [N]`."""
        if population == "family":
            values = world_means(values, instance)
            instance = np.zeros(values.size, dtype=int)
        return cls(values=values, strata=instance, bounds=bounds)

    def above(self, limit: float) -> float:
        """Return the p-value of the evidence that the mean is above `limit`."""
        if math.isinf(limit):
            return 1.0
        if self.bounds is None:
            return float(means.above(self.values, self.strata, limit))
        return float(bounded.above(self.values, limit, *self.bounds))

    def below(self, limit: float) -> float:
        """Return the p-value of the evidence that the mean is below `limit`."""
        if math.isinf(limit):
            return 1.0
        if self.bounds is None:
            return float(means.below(self.values, self.strata, limit))
        return float(bounded.below(self.values, limit, *self.bounds))

    def interval(self, tail: float) -> tuple[float, float]:
        """Return the limits that are not refuted at `tail`, from either side."""
        mean = float(self.values.mean())
        if self.bounds is not None:
            reach = self.bounds[1] - self.bounds[0]
            ends = means.interval(self.below, self.above, mean=mean, reach=reach, tail=tail)
            return max(ends[0], self.bounds[0]), min(ends[1], self.bounds[1])
        reach = 10.0 * float(np.ptp(self.values))
        return means.interval(self.below, self.above, mean=mean, reach=reach, tail=tail)

    @property
    def exponent(self) -> float:
        """The mean, which is what is claimed."""
        return float(self.values.mean())

    @property
    def told(self) -> str:
        """Return which test it is, in words."""
        if self.bounds is None:
            return ""
        return f"; size guaranteed, values lie in [{self.bounds[0]:.4g}, {self.bounds[1]:.4g}]"


def stated_range(claim: Any, rows: Any) -> tuple[float, float] | None:
    """Return the range that `claim` states for what it measures on `rows`: a pair, or a method of them; None if none.

    Raises `SimbenchError` for anything else than two finite numbers in order.
    """
    stated = claim.bounds(rows) if callable(claim.bounds) else claim.bounds
    if stated is None:
        return None
    try:
        low, high = (np.asarray(end, dtype=np.float64) for end in stated)
        ends = float(low.min()), float(high.max())
    except (TypeError, ValueError) as error:
        raise SimbenchError(f"claim '{claim.name}': bounds are {stated!r}; two numbers are meant.") from error
    if not (np.isfinite(ends).all() and ends[0] < ends[1]):
        raise SimbenchError(f"claim '{claim.name}': bounds are {ends}; they must be finite and in order.")
    return ends
