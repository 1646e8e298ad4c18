"""Bands over runs, computed before anything is drawn.

For one learner in one setting, two bands mean two things:

- **interval of the mean** (`low`, `high`): where the mean over replicates of *these* worlds lies. Percentile
  bootstrap of whole runs within each instance (`simbench.verify.statistical.runs`).
- **spread** (`spread_low`, `spread_high`): quantiles over all (instance, run) pairs, where a single run may end up.
"""

import pandas as pd

from simbench.verify.statistical.runs import (
    LEVEL,
    RESAMPLES,
    RunMatrix,
    check_level,
    interval,
    resample_weights,
)

SPREAD = 0.8


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
    weights = resample_weights(matrix.instance, resamples=resamples, purpose="runs")
    low, high = interval(weights @ matrix.values, level)
    spread_low, spread_high = interval(matrix.values, spread)
    return pd.DataFrame(
        {
            "round": matrix.rounds,
            "mean": matrix.values.mean(axis=0),
            "low": low,
            "high": high,
            "spread_low": spread_low,
            "spread_high": spread_high,
        }
    )
