"""Evidence about the mean of values of known range, with guaranteed size: whatever the law, however few the units.

Values x_i in [0, 1], independent, with means whose average is at most m. For every fixed share s in [0, 1]

    e_s = prod_i (1 + s (x_i/m - 1)) >= 0,      E e_s = prod_i (1 + s (E x_i/m - 1)) <= 1

by independence and the inequality of arithmetic and geometric means. So has every mixture over s, and by Markov's
inequality 1/e is a p-value: P(1/e <= alpha) <= alpha for every law on [0, 1], for worlds drawn from a family and for
strata of unequal law alike. The shares mixed here are SHARES, equally spaced on a logarithmic scale: the wealth of the
best one less the logarithm of their number. It adapts to the variance as bets do, and beats Hoeffding's and the
empirical Bernstein bounds. Source: Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by
betting; simbench (the fixed mixture, and strata).
"""

import numpy as np
from scipy import special

SHARES = np.geomspace(1.0 / 256.0, 1.0, 25)


def above(values: np.ndarray, limit: float, low: float, high: float) -> np.ndarray:
    """Return the p-values `[…]` of the evidence that the mean of `values […, N]` in [low, high] is above `limit`."""
    m = (limit - low) / (high - low)
    if m >= 1.0:
        return np.ones(values.shape[:-1])
    x = (values - low) / (high - low)
    if m <= 0.0:
        return np.where(m == 0.0, np.where(x.max(axis=-1) > 0.0, 0.0, 1.0), 0.0)
    wealth = np.stack([_log_wealth(x, m, share) for share in SHARES], axis=-1)
    return np.asarray(np.exp(-np.maximum(special.logsumexp(wealth, axis=-1) - np.log(SHARES.size), 0.0)))


def below(values: np.ndarray, limit: float, low: float, high: float) -> np.ndarray:
    """Return the p-values of the evidence that the mean is below `limit`; see `above`."""
    return above(-values, -limit, -high, -low)


def _log_wealth(x: np.ndarray, m: float, share: float) -> np.ndarray:
    with np.errstate(divide="ignore"):  # all is lost at x = 0 if all was staked
        return np.asarray(np.sum(np.log1p(share * (x / m - 1.0)), axis=-1))
