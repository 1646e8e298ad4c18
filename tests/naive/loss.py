"""The two losses of one label, as functions of u = r[winner] - r[loser], with two derivatives.

    logistic   log(1 + e^-u)      -sigma(-u)      sigma(u) sigma(-u)
    squared    (u - 1/2)^2        2 (u - 1/2)     2

The squared loss is online IPO's: with the log-ratio difference h = u / beta, (h - 1/(2 beta))^2 is
(u - 1/2)^2 / beta^2, and the factor 1 / beta^2 is dropped. A self-pair has u = 0: a constant.
"""

import numpy as np


class Logistic:
    def value(self, u: np.ndarray) -> np.ndarray:
        return np.logaddexp(0, -u)

    def slope(self, u: np.ndarray) -> np.ndarray:
        return -np.exp(-np.logaddexp(0, u))

    def curvature(self, u: np.ndarray) -> np.ndarray:
        return np.exp(-np.logaddexp(0, u) - np.logaddexp(0, -u))


class Squared:
    def value(self, u: np.ndarray) -> np.ndarray:
        return (u - 0.5) ** 2

    def slope(self, u: np.ndarray) -> np.ndarray:
        return 2 * (u - 0.5)

    def curvature(self, u: np.ndarray) -> np.ndarray:
        return np.full_like(u, 2)
