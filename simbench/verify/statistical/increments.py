"""Growth per unit of log-time: which checkpoints bound the increments of a cumulative curve, and how each is weighed.

A cumulative curve carries its past along, so its values at two checkpoints are almost perfectly correlated, and least
squares on them would claim a precision that it does not have. Laws of growth are fitted to the increments between
log-spaced checkpoints of the last decades, by weighted least squares. The weights are smooth in log T (a straight
line through the log variances over runs, within instances): raw variances of skewed increments are small where the
mean happens to be low, and pull the fit down. No law holds exactly: an increment is never weighed as if it were known
better than `DISCREPANCY` of the total.
"""

import numpy as np

from simbench.errors import SimbenchError

DISCREPANCY = 0.005  # of the total, per increment
INTERVALS_PER_DECADE = 4
LEAST_KNOTS = 5


def log_knots(rounds: np.ndarray, decades: float) -> np.ndarray:
    """Return the indices of the checkpoints between which growth is measured.

    Raises `SimbenchError` when fewer than four increments lie in the window.
    """
    if decades <= 0.0:
        raise SimbenchError(f"decades is {decades}; the window of a growth law has positive length.")
    knots = log_window(rounds, decades)
    if knots.size < LEAST_KNOTS:
        raise SimbenchError(
            f"a growth law needs four increments, and only {max(knots.size - 1, 0)} log-spaced ones lie between "
            f"rounds {rounds[0]:g} and {rounds[-1]:g}."
        )
    return knots


def log_window(rounds: np.ndarray, decades: float) -> np.ndarray:
    """Return the indices of the checkpoints nearest to a log grid of `INTERVALS_PER_DECADE` over the last decades."""
    logs = np.log10(rounds)
    grid = logs[-1] - np.arange(int(decades * INTERVALS_PER_DECADE) + 1) / INTERVALS_PER_DECADE
    grid = grid[grid >= logs[0] - 0.5 / INTERVALS_PER_DECADE]
    return np.unique([int(np.argmin(np.abs(logs - at))) for at in grid])


def increment_weights(steps: np.ndarray, instance: np.ndarray, *, scale: float) -> np.ndarray:
    """Return one over the standard error of each mean increment `[K]`: smooth in k, bounded by the discrepancy floor.

    Raises `SimbenchError` with fewer than two runs per instance, which have no variance.
    """
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
