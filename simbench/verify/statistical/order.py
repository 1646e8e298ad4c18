"""One learner does better than another: paired runs, sign flips, a margin stated beforehand.

    Order    E[factor * y(larger) - y(smaller)] >= margin,   y = `column` at the end of a run

Learners of a study share the tape, so run i of one and run i of the other are a pair: same world, same prompts, same
noise. The differences d_i = factor y_i(larger) - y_i(smaller) less the margin are tested by flipping signs. The claim
is violated when their mean is significantly below zero, consistent when it is significantly above; two learners that
cannot be told apart leave it inconclusive.

Source: Fisher (1935).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.statistical.protocol import ALPHA, Statistical
from simbench.verify.statistical.runs import interval, resample_weights
from simbench.verify.statistical.sign_flips import sign_flips
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

OVER = ("last", "max", "min", "mean")
RESAMPLES = 4000


class Order(Statistical):
    """The mean of a column is smaller for one learner than for another, by a margin.

    Attributes:
        smaller, larger: labels of the two learners.
        column: what is compared; or override `measured(rows)`, one number per row.
        factor: multiplies the larger side: 0.5 claims less than half.
        margin: by how much, in units of the column.
        over: which of a run's checkpoints count: "last", "max", "min" or "mean".
    """

    kind = "order"
    least: ClassVar[int] = 25
    smaller: str = ""
    larger: str = ""
    column: str = "regret"
    factor: float = 1.0
    margin: float = 0.0
    over: str = "last"

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
        """Pair the runs of both learners and flip the signs of their differences."""
        smaller, larger = (self._per_run(rows[label]) for label in self.labels)
        pairs = smaller.index.intersection(larger.index)
        counts = {"pairs": len(pairs)}
        if len(pairs) < max(len(smaller), len(larger)):
            alone = max(len(smaller), len(larger)) - len(pairs)
            return Trial.void(f"{alone} runs of one learner have no partner of the other", counts)
        if len(pairs) < self.least:
            return Trial.void(f"{len(pairs)} pairs; at least {self.least} are needed", counts)
        y_smaller, y_larger = smaller.loc[pairs].to_numpy(), larger.loc[pairs].to_numpy()
        difference = self.factor * y_larger - y_smaller
        if not np.isfinite(difference).all():
            return Trial.void(f"{int((~np.isfinite(difference)).sum())} differences are not finite", counts)
        against, support = sign_flips(difference - self.margin, purpose=purpose)
        low, high = _mean_interval(difference, pairs.get_level_values("instance").to_numpy(), purpose)
        mean, factor = float(difference.mean()), "" if self.factor == 1.0 else f"{self.factor:g} x "
        return Trial(
            against=against,
            support=support,
            finding=(
                f"{factor}{y_larger.mean():.4g} ({self.larger}) - {y_smaller.mean():.4g} ({self.smaller}) = {mean:.4g} "
                f"in [{low:.4g}, {high:.4g}] ({1 - 2 * ALPHA:.0%}), claimed at least {self.margin:g}"
            ),
            counts=counts,
            detail={
                "effect": mean,
                "interval": [low, high],
                "level": 1 - 2 * ALPHA,
                "margin": self.margin,
                "share_in_order": float(np.mean(difference > self.margin)),
            },
        )

    def _per_run(self, table: "pd.DataFrame") -> "pd.Series":
        """Return what is compared, one number per run; nan if any checkpoint that counts has none."""
        rows = table.assign(value=self.numbers("measured", table).astype(np.float64))
        if self.over == "last":
            rows = rows[rows["round"] == rows.groupby(["instance", "run"])["round"].transform("max")]
        runs = rows.assign(missing=rows["value"].isna()).groupby(["instance", "run"])
        return runs["value"].agg(self.over).mask(runs["missing"].any())


def _mean_interval(difference: np.ndarray, instance: np.ndarray, purpose: str) -> tuple[float, float]:
    weights = resample_weights(instance, resamples=RESAMPLES, purpose=purpose)
    low, high = interval(weights @ difference, 1 - 2 * ALPHA)
    return float(low), float(high)
