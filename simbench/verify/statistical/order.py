"""One learner does better than another: paired runs, a margin stated beforehand, a test of the mean difference.

    Order    E[factor * y(larger) - y(smaller)] >= margin,   y = `column` at the end of a run

Learners of a study share the tape, so run i of one and run i of the other are a pair: same world, same prompts, same
noise. The claim is violated when the mean of d_i = factor y_i(larger) - y_i(smaller) is significantly below the margin,
consistent when it is significantly above; two learners that cannot be told apart leave it inconclusive.

Where the claim states the range of what it measures (`bounds`), the size of the test is guaranteed (`bounded.py`).
Elsewhere it is a studentised test, corrected for skewness (`means.py`), on at least 100 pairs, or for the population
"family" on the worlds' means. Flipping signs would test symmetry, not the mean: at 25 pairs of a skewed law it calls a
true claim violated in up to 27 of 100 cases at alpha = .01.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical.mean_test import MeanTest, stated_range
from simbench.verify.statistical.population import about, too_few
from simbench.verify.statistical.protocol import ALPHA, Statistical
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

OVER = ("last", "max", "min", "mean")


class Order(Statistical):
    """The mean of a column is smaller for one learner than for another, by a margin.

    Attributes:
        smaller, larger: labels of the two learners.
        column: what is compared; or override `measured(rows)`, one number per row.
        factor: multiplies the larger side: 0.5 claims less than half.
        margin: by how much, in units of the column.
        over: which of a run's checkpoints count: "last", "max", "min" or "mean".
        bounds: what the measured numbers cannot leave, (low, high), or a method (rows) -> that; None if unknown.
    """

    kind = "order"
    least: ClassVar[int] = 100
    smaller: str = ""
    larger: str = ""
    column: str = "regret"
    factor: float = 1.0
    margin: float = 0.0
    over: str = "last"
    bounds: Any = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Both learners."""
        return (self.smaller, self.larger)

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless two learners are named."""
        super().require_complete(where)
        if not (cls.smaller and cls.larger) or cls.smaller == cls.larger:
            raise SimbenchError(
                f"{where} compares '{cls.smaller}' with '{cls.larger}'; name two learners by label."
            )
        if cls.over not in OVER:
            raise SimbenchError(f"{where} has over = '{cls.over}'; it must be one of {', '.join(OVER)}.")

    def measured(self, rows: "pd.DataFrame") -> Any:
        """Return what is compared, one number per row."""
        return rows[self.column]

    def described(self) -> list[tuple[str, str]]:
        """Return the study and the inequality."""
        factor = "" if self.factor == 1.0 else f"{self.factor:g} x "
        margin = "" if self.margin == 0.0 else f" - {self.margin:g}"
        return [
            *super().described(),
            (
                "claims",
                f"{self.column} of '{self.smaller}' <= {factor}that of '{self.larger}'{margin} ({self.over})",
            ),
        ]

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Pair the runs of both learners and test the mean of their differences."""
        smaller, larger = (self._per_run(rows[label]) for label in self.labels)
        pairs = smaller.index.intersection(larger.index)
        instance = pairs.get_level_values("instance").to_numpy()
        worlds = int(np.unique(instance).size)
        counts = {"pairs": len(pairs), "worlds": worlds}
        if len(pairs) < max(len(smaller), len(larger)):
            alone = max(len(smaller), len(larger)) - len(pairs)
            return Trial.void(f"{alone} runs of one learner have no partner of the other", counts)
        bounds = self._bounds(rows)
        few = too_few(instance, self.population, 1 if bounds else self.least, "pairs")
        if few is not None:
            return Trial.void(few, counts)
        y_smaller, y_larger = smaller.loc[pairs].to_numpy(), larger.loc[pairs].to_numpy()
        difference = self.factor * y_larger - y_smaller
        if not np.isfinite(difference).all():
            return Trial.void(f"{int((~np.isfinite(difference)).sum())} differences are not finite", counts)
        if bounds is not None and not (bounds[0] <= difference.min() and difference.max() <= bounds[1]):
            return Trial.void(
                f"differences reach from {difference.min():.4g} to {difference.max():.4g}, beyond what the claim's "
                f"bounds allow, {bounds[0]:.4g} to {bounds[1]:.4g}",
                counts,
            )
        test = MeanTest.of(difference, instance, self.population, bounds)
        low, high = test.interval(ALPHA)
        mean, factor = float(test.values.mean()), "" if self.factor == 1.0 else f"{self.factor:g} x "
        return Trial(
            against=test.below(self.margin),
            support=test.above(self.margin),
            finding=(
                f"{factor}{y_larger.mean():.4g} ({self.larger}) - {y_smaller.mean():.4g} ({self.smaller}) = {mean:.4g} "
                f"in [{low:.4g}, {high:.4g}] ({1 - 2 * ALPHA:.0%}), claimed at least {self.margin:g}; "
                f"{about(worlds, self.population)}{test.told}"
            ),
            counts=counts,
            detail={
                "population": self.population,
                "effect": mean,
                "interval": [low, high],
                "level": 1 - 2 * ALPHA,
                "margin": self.margin,
                "bounds": None if bounds is None else list(bounds),
                "share_in_order": float(np.mean(difference > self.margin)),
            },
        )

    def _bounds(self, rows: Mapping[str, "pd.DataFrame"]) -> tuple[float, float] | None:
        """Return the range of a difference, or None."""
        ranges = [stated_range(self, rows[label]) for label in self.labels]
        if ranges[0] is None or ranges[1] is None:
            return None
        low, high = min(one[0] for one in ranges if one), max(one[1] for one in ranges if one)
        ends = self.factor * low, self.factor * high
        return min(ends) - high, max(ends) - low

    def _per_run(self, table: "pd.DataFrame") -> "pd.Series":
        """Return what is compared, one number per run; nan if any checkpoint that counts has none."""
        rows = table.assign(value=self.numbers("measured", table).astype(np.float64))
        if self.over == "last":
            rows = rows[rows["round"] == rows.groupby(["instance", "run"])["round"].transform("max")]
        runs = rows.assign(missing=rows["value"].isna()).groupby(["instance", "run"])
        return runs["value"].agg(self.over).mask(runs["missing"].any())
