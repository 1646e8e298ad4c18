"""Logarithms of ratios of factorials without cancellation: what a sampler of counts needs of them.

    log k! = (k + 1/2) log(k + 1) - (k + 1) + log sqrt(2 pi) + remainder(k)
    remainder(k) = 1/(12 z) - 1/(360 z^3) + 1/(1260 z^5) - 1/(1680 z^7) + 1/(1188 z^9) - ...,    z = k + 1

Written in z = k + 1 it holds at k = 0 too. The five terms err by less than 6e-17 for k >= 16; below, a table.

    bend(x) = (1 + x) log(1 + x) - x = x^2/2 - x^3/6 + ...

is what the leading terms leave when factorials that are close are divided. With v = x / (2 + x), so that
log(1 + x) = 2 (v + v^3/3 + v^5/5 + ...), it is x v + 2 (1 + x) (v^3/3 + v^5/5 + ...), free of cancellation.

Each in NumPy and JAX (`xp` is the module, arrays) and in numba (scalars); they agree to rounding. Sources: Stirling's
series, Abramowitz and Stegun (1964), 6.1.41; the deviance without cancellation, Loader (2000), Fast and accurate
computation of binomial probabilities.
"""

import math
from typing import Any

import numba
import numpy as np

TABLED = 16
SERIES = 0.1  # |x| up to which six terms of the series leave an error below 1e-17 x^2

_TABLE = np.array(
    [
        math.log(math.factorial(k)) - (k + 0.5) * math.log(k + 1) + (k + 1) - 0.5 * math.log(2 * math.pi)
        for k in range(TABLED)
    ]
)
_TABLE.flags.writeable = False
_C1, _C3, _C5, _C7, _C9 = 1 / 12, 1 / 360, 1 / 1260, 1 / 1680, 1 / 1188
_V3, _V5, _V7, _V9, _V11, _V13 = 2 / 3, 2 / 5, 2 / 7, 2 / 9, 2 / 11, 2 / 13


def stirling_remainder(xp: Any, k: Any) -> Any:
    """Return log k! less Stirling's leading terms in k + 1, for whole float64 numbers k >= 0."""
    z = k + 1.0
    w = 1.0 / (z * z)
    series = (_C1 - (_C3 - (_C5 - (_C7 - _C9 * w) * w) * w) * w) / z
    tabled = xp.asarray(_TABLE)[xp.minimum(k, TABLED - 1).astype(np.int32)]
    return xp.where(k < TABLED, tabled, series)


def bend(xp: Any, x: Any, ratio: Any) -> Any:
    """Return (1 + x) log(1 + x) - x for x > -1, given `ratio` = 1 + x as exactly as the caller knows it."""
    v = x / (2.0 + x)
    w = v * v
    series = _V3 + (_V5 + (_V7 + (_V9 + (_V11 + _V13 * w) * w) * w) * w) * w
    return xp.where(xp.abs(x) <= SERIES, x * v + ratio * v * w * series, ratio * xp.log(ratio) - x)


@numba.njit(error_model="numpy")
def stirling_remainder_numba(k):
    """Return log k! less Stirling's leading terms in k + 1, for one whole float64 number k >= 0."""
    if k < TABLED:
        return _TABLE[int(k)]
    z = k + 1.0
    w = 1.0 / (z * z)
    return (_C1 - (_C3 - (_C5 - (_C7 - _C9 * w) * w) * w) * w) / z


@numba.njit(error_model="numpy")
def bend_numba(x, ratio):
    """Return (1 + x) log(1 + x) - x for one x > -1, given `ratio` = 1 + x as exactly as the caller knows it."""
    if abs(x) > SERIES:
        return ratio * math.log(ratio) - x
    v = x / (2.0 + x)
    w = v * v
    series = _V3 + (_V5 + (_V7 + (_V9 + (_V11 + _V13 * w) * w) * w) * w) * w
    return x * v + ratio * v * w * series
