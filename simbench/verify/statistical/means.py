"""Evidence that a mean is beyond a limit, for skewed laws of unknown range: the most cautious of four readings.

Units v_1 … v_N, in strata of equal law each (one stratum: a plain sample), mean m, standard deviation s within strata,
gamma the third standardised moment, and w = (m - limit)/s:

    Student    t = sqrt(N) w                                                       on N - strata degrees of freedom
    Hall       t = sqrt(N) (w + gamma w^2/3 + gamma^2 w^3/27 + gamma/(6N))         the same, corrected for skewness
    both again with one more unit on the other side of the mean, min(2.5 gamma', 1.5) times as far as the furthest seen

where gamma' is the skewness towards that side, or 0. The last two leave room for what these units did not show: the
mean of a law with a long tail is decided by values that a sample may lack, and then its spread and its skewness are
understated with it. The largest p-value counts.

No test of a mean has a guaranteed size on all laws (Bahadur and Savage 1956). Size and power of this one are in
docs/claims_about_runs.md (tests/long/test_sizes_of_means.py measures them again): at alpha = .01 the size is at most
alpha on normal, exponential and lognormal laws and on one in twenty at +19, the others at -1, from 100 units on; on the
first two from 32; on the first from 16. Both numbers above were chosen for that. Units that are all the same show no
spread: the p-value is then 1. Source: Hall (1992), On the removal of skewness by transformation.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

PER_SKEWNESS, FURTHEST = 2.5, 1.5
EQUAL = 1e-12  # a spread below this share of the values is rounding
HALVINGS = 60


def above(values: np.ndarray, strata: np.ndarray, limit: float) -> np.ndarray:
    """Return the p-values `[…]` of the evidence that the mean of `values […, N]` is above `limit`.

    Args:
        values: units along the last axis.
        strata: `[N]` which stratum each is in; a stratum has at least two.
        limit: the limit.
    """
    mean, residual, freedom = _parts(values, strata)
    count = strata.size
    sample = mean - limit + residual
    further = np.clip(-PER_SKEWNESS * _skewness(residual), 0.0, FURTHEST)
    unseen = mean - limit + further[..., None] * residual.min(axis=-1, keepdims=True)
    p = np.maximum(
        _cautious(sample, count, freedom),
        _cautious(np.concatenate([sample, unseen], axis=-1), count, freedom),
    )
    flat = np.abs(residual).max(axis=-1) <= EQUAL * np.abs(values).max(axis=-1)
    return np.where(flat, 1.0, p)


def below(values: np.ndarray, strata: np.ndarray, limit: float) -> np.ndarray:
    """Return the p-values of the evidence that the mean is below `limit`; see `above`."""
    return above(-values, strata, -limit)


def student(values: np.ndarray, strata: np.ndarray, limit: float, *, floor: float) -> float:
    """Return Student's p-value alone, of `values [N]`, the standard error not taken to be below `floor`."""
    mean, residual, freedom = _parts(values, strata)
    error = max(float(np.sqrt(np.mean(residual**2) / strata.size)), floor)
    return float(special.stdtr(freedom, (limit - mean[0]) / error))


def _parts(values: np.ndarray, strata: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the mean `[…, 1]`, the residuals within strata `[…, N]`, as wide as errors are, and their freedom."""
    _, index, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    centre = np.stack([values[..., index == k].mean(axis=-1) for k in range(sizes.size)], axis=-1)[..., index]
    # Residuals from a stratum's own mean have (n - 1)/n of the variance of its law.
    residual = (values - centre) * np.sqrt(sizes / (sizes - 1.0))[index]
    return values.mean(axis=-1, keepdims=True), residual, strata.size - sizes.size


def _cautious(sample: np.ndarray, count: int, freedom: int) -> np.ndarray:
    """Return the larger p-value of Student's test and Hall's that the mean of `sample` is above 0."""
    mean = sample.mean(axis=-1)
    gamma = _skewness(sample - mean[..., None])
    with np.errstate(divide="ignore", invalid="ignore"):
        w = mean / sample.std(axis=-1)
        hall = w + gamma * w**2 / 3.0 + gamma**2 * w**3 / 27.0 + gamma / (6.0 * count)
    t = np.sqrt(count) * np.minimum(w, hall)
    return np.asarray(np.where(np.isnan(t), 1.0, special.stdtr(freedom, -t)))


def _skewness(deviations: np.ndarray) -> np.ndarray:
    """Return the third standardised moment; 0 where there is no spread."""
    second = np.mean(deviations**2, axis=-1)
    third = np.mean(deviations**3, axis=-1)
    return np.asarray(third / np.where(second > 0.0, second, np.inf) ** 1.5)


def interval(
    against_more: Callable[[float], float],
    against_less: Callable[[float], float],
    *,
    mean: float,
    reach: float,
    tail: float,
) -> tuple[float, float]:
    """Return the limits that a test does not refute at `tail`, from either side, by bisection from the mean outwards.

    Args:
        against_more, against_less: p-value of the evidence that the mean is below, above a limit.
        mean, reach: the mean, and how far from it the ends are sought.
        tail: the level of each side.
    """
    return _end(against_less, mean, -reach, tail), _end(against_more, mean, reach, tail)


def _end(p_value: Callable[[float], float], mean: float, reach: float, tail: float) -> float:
    near, far = 0.0, 1.0
    if p_value(mean + reach) > tail:
        return mean + reach
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        near, far = (near, middle) if p_value(mean + middle * reach) <= tail else (middle, far)
    return float(mean + far * reach)
