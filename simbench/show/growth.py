"""How a cumulative regret grows: it stops, like log T, or like a power of T.

**Family.** The laws are told apart by the growth per unit of log-time, dR / d log T = b T^p: p = 0 is log T, p > 0 a
power of T (p = 1 linear), p < 0 approaches a plateau; or the growth ends at some round, or there is none.

**Increments, not levels.** A cumulative curve carries its past along, so its values at two checkpoints are almost
perfectly correlated, and least squares on them would claim a precision that it does not have. The fit is made to
the increments between log-spaced checkpoints of the last decades, by weighted least squares. The weights are
smooth in log T (a straight line through the log variances over runs, within instances): raw variances of skewed
increments are small where the mean happens to be low, and pull the fit down. No law holds exactly: an increment is
never weighed as if it were known better than `DISCREPANCY` of the total regret.

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
from simbench.show.growth_fit import CANDIDATES, EXPONENTS, GridFit, Parameters
from simbench.show.growth_law import GrowthLaw, Interval, LawName
from simbench.verify.statistical.runs import (
    LEVEL,
    RESAMPLES,
    RunMatrix,
    check_level,
    interval,
    resample_weights,
)

DISCREPANCY = 0.005  # of the total regret, per increment
DECIDED = 0.95
MISSED = 3.0
INTERVALS_PER_DECADE = 4
LEAST_KNOTS = 5
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
    knots = _knots(matrix.rounds, decades)
    times, values = matrix.rounds[knots], matrix.values[:, knots]
    if not np.isfinite(values).all():
        raise SimbenchError("a growth law needs finite regrets; some are not.")
    weights = _weights(
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
    knots = _window(matrix.rounds, decades)
    return (
        matrix.runs > matrix.instances
        and knots.size >= LEAST_KNOTS
        and bool(np.isfinite(matrix.values).all())
    )


def _knots(rounds: np.ndarray, decades: float) -> np.ndarray:
    if decades <= 0.0:
        raise SimbenchError(f"decades is {decades}; the window of a growth law has positive length.")
    knots = _window(rounds, decades)
    if knots.size < LEAST_KNOTS:
        raise SimbenchError(
            f"a growth law needs four increments, and only {max(knots.size - 1, 0)} log-spaced ones lie between "
            f"rounds {rounds[0]:g} and {rounds[-1]:g}."
        )
    return knots


def _window(rounds: np.ndarray, decades: float) -> np.ndarray:
    """Indices of the checkpoints nearest to a log grid of `INTERVALS_PER_DECADE` over the last decades."""
    logs = np.log10(rounds)
    grid = logs[-1] - np.arange(int(decades * INTERVALS_PER_DECADE) + 1) / INTERVALS_PER_DECADE
    grid = grid[grid >= logs[0] - 0.5 / INTERVALS_PER_DECADE]
    return np.unique([int(np.argmin(np.abs(logs - at))) for at in grid])


def _weights(steps: np.ndarray, instance: np.ndarray, *, scale: float) -> np.ndarray:
    """One over the standard error of each mean increment `[K]`: smooth in k, bounded by the discrepancy floor."""
    runs, worlds = steps.shape[0], np.unique(instance)
    if runs == worlds.size:
        raise SimbenchError(
            f"a growth law needs two runs per instance; there are {runs} runs of {worlds.size}."
        )
    residual = steps.copy()
    for world in worlds:
        residual[instance == world] -= steps[instance == world].mean(axis=0)
    floor = (DISCREPANCY * scale) ** 2 if scale > 0.0 else 1.0  # a regret of exactly zero needs no weights
    variance = np.sum(residual**2, axis=0) / (runs - worlds.size) / runs + floor
    k = np.arange(variance.size)
    line = np.polyval(np.polyfit(k, np.log(variance), 1), k)
    return np.asarray(np.exp(-0.5 * line))


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
