"""How a cumulative regret grows: it stops, like log T, or like a power of T.

**Family.** The laws are told apart by the growth per unit of log-time, dR / d log T = b T^p: p = 0 is log T, p > 0 a
power of T (p = 1 linear), p < 0 approaches a plateau; or the growth ends at some round, or there is none.

**Increments, not levels.** A cumulative curve carries its past along, so its values at two checkpoints are almost
perfectly correlated. The fit is made to the increments between log-spaced checkpoints of the last decades, by weighted
least squares (`simbench.verify.statistical.increments`).

**Choice.** AIC = chi^2 + 2 (number of parameters) over: no growth (0), log (1), power with p >= 0.1 (2), plateau
approached with p <= -0.1 (2), growth that ends half a decade or more before the last round (3). Smaller exponents
cannot be told from a logarithm over a few decades and are not offered. What dependence is left between increments is
not in chi^2 but in the bootstrap, which resamples whole runs within each instance: it gives the intervals, and the
law is `decided` when at least `DECIDED` of the resamples choose it too and it misses the increments by no more than
`MISSED` standard errors (root mean square): in a transient the least bad law is still not the law.
"""

import dataclasses

import numpy as np

from simbench.errors import SimbenchError
from simbench.show.growth_law import GrowthLaw, Interval, LawName
from simbench.verify.statistical.growth_fit import CANDIDATES, EXPONENTS, GridFit, Parameters
from simbench.verify.statistical.increments import LEAST_KNOTS, increment_weights, log_knots, log_window
from simbench.verify.statistical.runs import (
    LEVEL,
    RESAMPLES,
    RunMatrix,
    check_level,
    interval,
    resample_weights,
)

DECIDED = 0.95
MISSED = 3.0
LAW_OF: dict[str, LawName] = {
    "constant": "plateau",
    "log": "log",
    "power": "power",
    "decay": "plateau",
    "stop": "plateau",
}
NAN: Interval = (float("nan"), float("nan"))


def growth_law(
    matrix: RunMatrix, *, decades: float = 2.0, level: float = LEVEL, resamples: int = RESAMPLES
) -> GrowthLaw:
    """Choose and fit the growth law of a cumulative column over the last `decades` of rounds.

    Args:
        matrix: the runs; their `values` are cumulative.
        decades: length of the window, in decades of rounds.
        level: of the bootstrap intervals.
        resamples: number of bootstrap resamples.

    Raises:
        SimbenchError: fewer than two runs per instance (no variance), fewer than four increments in the window, or
            values that are not finite.
    """
    check_level("level", level)
    knots = log_knots(matrix.rounds, decades)
    times, values = matrix.rounds[knots], matrix.values[:, knots]
    if not np.isfinite(values).all():
        raise SimbenchError("a growth law needs finite regrets; some are not.")
    weights = increment_weights(
        np.diff(values, axis=1), matrix.instance, scale=float(np.abs(values.mean(axis=0)).max())
    )
    shares = resample_weights(matrix.instance, resamples=resamples, purpose="runs")
    # Row 0 is the estimate itself, the others are its resamples.
    fit = GridFit(times, np.vstack([values.mean(axis=0), shares @ values]), weights)
    criteria = fit.criteria()
    choice = np.argmin(criteria, axis=1)
    laws = [LAW_OF[CANDIDATES[i]] for i in choice]
    shape = CANDIDATES[choice[0]]
    support = float(np.mean([law == laws[0] for law in laws[1:]]))
    found = fit.parameters(shape)
    missed = fit.missed(criteria[0], shape)
    moving = shape != "constant"
    free = fit.exponent(np.ones(EXPONENTS.size, dtype=bool)) if moving else np.full(len(choice), np.nan)
    limits = _limits(found, LAW_OF[shape])
    law = GrowthLaw(
        law=laws[0],
        shape=shape,
        exponent=float(found.exponent[0]),
        exponent_interval=_between(found.exponent, level),
        free_exponent=float(free[0]),
        free_exponent_interval=_between(free, level),
        scale=float(found.scale[0]),
        scale_interval=_between(found.scale, level),
        level=float(found.level[0]),
        stop=float(found.stop[0]),
        limit=float(limits[0]),
        limit_interval=_between(limits, level),
        r_squared=float("nan"),
        aic=dict(zip(CANDIDATES, criteria[0].tolist(), strict=True)),
        support=support,
        decided=support >= DECIDED and missed <= MISSED,
        window=(int(times[0]), int(times[-1])),
        runs=matrix.runs,
        confidence=level,
    )
    return _with_r_squared(law, times, fit.curves[0])


def enough_for_law(matrix: RunMatrix, *, decades: float = 2.0) -> bool:
    """Return whether `growth_law` has what it needs: two runs per instance, four increments, finite values."""
    knots = log_window(matrix.rounds, decades)
    return (
        matrix.runs > matrix.instances
        and knots.size >= LEAST_KNOTS
        and bool(np.isfinite(matrix.values).all())
    )


def _limits(found: Parameters, law: LawName) -> np.ndarray:
    """Height of the plateau `[B]`: T^p vanishes in the end, unless growth stops before."""
    if law != "plateau":
        return np.full_like(found.level, np.inf)
    stopped = np.isfinite(found.stop)
    at = np.where(stopped, found.stop, 1.0)
    basis = np.where(found.exponent == 0.0, np.log(at), at ** np.nan_to_num(found.exponent))
    return found.level + np.where(stopped, found.scale * basis, 0.0)


def _between(samples: np.ndarray, level: float) -> Interval:
    if not np.isfinite(samples).all():
        return NAN
    low, high = interval(samples[1:], level)
    return float(low), float(high)


def _with_r_squared(law: GrowthLaw, times: np.ndarray, curve: np.ndarray) -> GrowthLaw:
    total = float(np.sum((curve - curve.mean()) ** 2))
    if law.shape == "constant" or total == 0.0:
        return law
    return dataclasses.replace(law, r_squared=1.0 - float(np.sum((curve - law(times)) ** 2)) / total)
