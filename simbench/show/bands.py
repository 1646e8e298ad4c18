"""Bands over runs, computed before anything is drawn.

For one learner in one setting, two bands mean two things:

- **interval of the mean** (`low`, `high`). From LEAST_WORLDS worlds on, where the mean over the family of worlds lies:
  Student's interval of the worlds' means. Of fewer, where the mean over runs in *these* worlds lies: percentile
  bootstrap of whole runs within each instance (`simbench.verify.statistical.runs`). `over` says which, for a figure.
- **spread** (`spread_low`, `spread_high`): quantiles over all (instance, run) pairs, where a single run may end up.
"""

import numpy as np
import pandas as pd
from scipy import special

from simbench.verify.statistical.population import LEAST_WORLDS, spread_over, world_means
from simbench.verify.statistical.runs import (
    LEVEL,
    RESAMPLES,
    RunMatrix,
    check_level,
    interval,
    resample_weights,
)

SPREAD = 0.8


def shown_population(worlds: int) -> str:
    """Return "family" if so many worlds are enough for a statement about theirs, else "worlds"."""
    return "family" if worlds >= LEAST_WORLDS else "worlds"


def over(worlds: int) -> str:
    """Return over what the interval of a mean is: "over 32 worlds", or "over runs within 8 worlds"."""
    return spread_over(worlds, shown_population(worlds))


def mean_band(
    matrix: RunMatrix, *, level: float = LEVEL, spread: float = SPREAD, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Return `round, mean, low, high, spread_low, spread_high`, one row per checkpoint.

    Args:
        matrix: the runs.
        level: of the bootstrap interval of the mean.
        spread: share of (instance, run) pairs between the spread's two quantiles.
        resamples: number of bootstrap resamples.
    """
    check_level("level", level)
    check_level("spread", spread)
    if shown_population(matrix.instances) == "family":
        means = world_means(matrix.values, matrix.instance)
        centre, worlds = means.mean(axis=0), len(means)
        error = means.std(axis=0, ddof=1) / np.sqrt(worlds)
        reach = float(special.stdtrit(worlds - 1, (1.0 + level) / 2.0)) * error
        low, high = centre - reach, centre + reach
    else:
        weights = resample_weights(matrix.instance, resamples=resamples, purpose="runs")
        low, high = interval(weights @ matrix.values, level)
        centre = matrix.values.mean(axis=0)
    spread_low, spread_high = interval(matrix.values, spread)
    return pd.DataFrame(
        {
            "round": matrix.rounds,
            "mean": centre,
            "low": low,
            "high": high,
            "spread_low": spread_low,
            "spread_high": spread_high,
        }
    )
