"""Bounds that hold with probability at least 1 - delta: counted in runs, tested exactly.

    Probable    P(measured <= theory at every checkpoint of a run) >= 1 - delta

Population "worlds": of n independent runs k break the bound. If on average over these worlds at most delta do, k is
in its upper tail at most Binomial(n, delta) [Hoeffding 1956], so P(Bin(n, delta) >= k) is a valid p-value; it is exact
where every world attains delta. A theorem about every world is tested so: it is refuted where it fails in these.

Population "family": the average over worlds is meant, and runs of one world are one observation, the share of them
that breaks the bound. The test is that of values in [0, 1] (`bounded.py`), of guaranteed size; where every world has
one run, it is the binomial one.

Not being refuted is all that can be asked of such a claim, hence its controls, bounds sharpened until about half of the
runs break them, carry the weight.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import special

from simbench.errors import SimbenchError
from simbench.verify.statistical.mean_test import MeanTest
from simbench.verify.statistical.population import about, too_few
from simbench.verify.statistical.protocol import ALPHA, Statistical, only
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

CHECKPOINTS = ("every", "last")


class Probable(Statistical):
    """A bound on every run, but for a share delta of them: `measured <= constant * theory`.

    Attributes:
        delta: the share of runs that may break the bound.
        learner: the label it speaks of; None where the study has one learner.
        measured, theory: methods (rows) -> one number per row, a row being a checkpoint of a run.
        violates: instead of both, a method (rows) -> whether a row breaks the bound.
        checkpoints: "every" (a run breaks the bound if any checkpoint does) or "last".
        constant: multiplies the theory side; what controls alter.
    """

    kind = "probable"
    least: ClassVar[int] = 300
    delta: float = 0.0
    learner: str | None = None
    checkpoints: str = "every"
    constant: float = 1.0
    measured: Callable[..., Any]
    theory: Callable[..., Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """The learner."""
        return () if self.learner is None else (self.learner,)

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless delta and either both sides or `violates` are there."""
        super().require_complete(where)
        if not 0.0 < cls.delta < 1.0:
            raise SimbenchError(f"{where} has delta = {cls.delta}; it must lie strictly between 0 and 1.")
        if cls.checkpoints not in CHECKPOINTS:
            raise SimbenchError(
                f"{where} has checkpoints = '{cls.checkpoints}'; it must be 'every' or 'last'."
            )
        if cls.violates is Probable.violates:
            for side in ("measured", "theory"):
                if not callable(getattr(cls, side, None)):
                    raise SimbenchError(
                        f"{where} defines neither {side}(self, rows) nor violates(self, rows)."
                    )

    def violates(self, rows: "pd.DataFrame") -> Any:
        """Return for each row whether it breaks the bound."""
        return self.numbers("measured", rows) > self.constant * self.numbers("theory", rows)

    def described(self) -> list[tuple[str, str]]:
        """Return the study, the learner and delta."""
        learner = [("learner", self.learner)] if self.learner else []
        return [*super().described(), *learner, ("delta", f"{self.delta:g}")]

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Count the runs that break the bound."""
        _, table = only(rows)
        if self.checkpoints == "last":
            table = table[table["round"] == table.groupby(["instance", "run"])["round"].transform("max")]
        runs = [table["instance"].to_numpy(), table["run"].to_numpy()]
        broken = table.assign(broken=self.numbers("violates", table)).groupby(runs)["broken"].any()
        count, total = int(broken.sum()), len(broken)
        instance = broken.index.get_level_values(0).to_numpy()
        worlds = int(np.unique(instance).size)
        counts = {"runs": total, "worlds": worlds}
        few = self._too_few(instance)
        if few is not None:
            return Trial.void(few, counts)
        reached, at_delta, problem = self._use(table, runs)
        if problem is not None:
            return Trial.void(problem, counts)
        if self.population == "worlds" or worlds == total:
            ceiling = (
                float(special.betaincinv(count + 1, total - count, 1.0 - ALPHA)) if count < total else 1.0
            )
            against = float(special.bdtrc(count - 1, total, self.delta)) if count else 1.0
        else:
            shares = MeanTest.of(broken.to_numpy(dtype=np.float64), instance, "family", (0.0, 1.0))
            ceiling, against = shares.interval(ALPHA)[1], shares.above(self.delta)
        finding = (
            f"{count} of {total} runs break the bound, {self.delta:g} of them may; "
            f"their probability is at most {ceiling:.3g} (99 %)"
        )
        finding += f"; {about(worlds, self.population)}"
        if at_delta is not None:
            finding += f"; a constant of {at_delta:.3g} x would be broken by just that many"
        return Trial(
            against=against,
            support=None,
            finding=finding,
            counts=counts,
            tightness=reached,
            detail={
                "population": self.population,
                "broken": count,
                "delta": self.delta,
                "probability_at_most": ceiling,
                "constant_at_delta": at_delta,
            },
        )

    def _too_few(self, instance: np.ndarray) -> str | None:
        """Return why there is no evidence, or None; single runs of these worlds are no obstacle to a binomial count."""
        if instance.size < self.least:
            return f"{instance.size} runs; at least {self.least} are needed"
        return too_few(instance, "family", self.least, "runs") if self.population == "family" else None

    def _use(
        self, table: "pd.DataFrame", runs: list[np.ndarray]
    ) -> tuple[float | None, float | None, str | None]:
        """Return the largest measured/theory, its 1 - delta quantile over runs, and what is wrong with the sides."""
        if type(self).violates is not Probable.violates or "violates" in self.__dict__:
            return None, None, None
        measured, theory = self.numbers("measured", table), self.constant * self.numbers("theory", table)
        for side, values in (("measured", measured), ("theory", theory)):
            if np.isnan(values).any():
                return (
                    None,
                    None,
                    f"its {side} side is NaN in {int(np.isnan(values).sum())} of {len(values)} rows",
                )
        if np.isinf(theory).all():
            return None, None, "its theory side is infinite in all rows: the bound says nothing there"
        if (theory <= 0.0).any():
            return None, None, None  # ratios mean nothing
        largest = table.assign(ratio=measured / theory).groupby(runs)["ratio"].max()
        return float(largest.max()), float(largest.quantile(1.0 - self.delta)), None
