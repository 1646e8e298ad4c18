"""Weighted least squares of many curves on many growth laws at once.

A candidate law is a set of shapes f(T; p, stop), equal to T^p or log T up to `stop` and constant beyond. The growth of
a curve over the log-spaced knots T_0 < … < T_K is compared with that of each shape,

    chi^2 = sum_k w_k^2 (y_k - b (f(T_k) - f(T_{k-1})))^2 ,      y_k = R(T_k) - R(T_{k-1}) ,

whose minimum over b is sum (w y)^2 - ((w y).(w f') / |w f'|)^2. So all shapes and all bootstrap resamples are one
matrix product. Exponents are read off a grid and refined by the parabola through the best point's neighbours.
"""

import dataclasses

import numpy as np

EXPONENTS = np.linspace(-2.0, 2.0, 401)
STEP = float(EXPONENTS[1] - EXPONENTS[0])
ZERO = int(np.argmin(np.abs(EXPONENTS)))
EXPONENTS[ZERO] = 0.0
RESOLUTION = 0.1  # a smaller exponent cannot be told from a logarithm over a few decades
SILENT_DECADES = 0.5  # a curve that stopped has grown no more for at least so long
CANDIDATES = ("constant", "log", "power", "decay", "stop")
PARAMETERS = np.array([0.0, 1.0, 2.0, 2.0, 3.0])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameters:
    """Of one candidate for every curve: `exponent`, `scale`, `level`, `stop`, each `[B]`."""

    exponent: np.ndarray
    scale: np.ndarray
    level: np.ndarray
    stop: np.ndarray


class GridFit:
    """The fit of curves `[B, K+1]` at the knots `times [K+1]`, increments weighted by `weights [K]`."""

    def __init__(self, times: np.ndarray, curves: np.ndarray, weights: np.ndarray) -> None:
        self.times, self.curves, self.weights = times, curves, weights
        self.target = np.diff(curves, axis=1) * weights
        self.total = np.sum(self.target**2, axis=1)
        unstopped = np.full(EXPONENTS.size, times.size - 1)
        self.explained = self._explained(EXPONENTS, unstopped)  # [B, P], the fall of chi^2
        self.stops = _stops(times)
        self.stopped = self._explained(
            np.tile(EXPONENTS, self.stops.size), np.repeat(self.stops, EXPONENTS.size)
        )  # [B, stops P]

    def _explained(self, exponents: np.ndarray, stops: np.ndarray) -> np.ndarray:
        shapes = np.diff(_scaled(self.times, exponents, stops), axis=1) * self.weights
        directions = shapes / np.linalg.norm(shapes, axis=1, keepdims=True)
        return (self.target @ directions.T) ** 2

    def criteria(self) -> np.ndarray:
        """Return Akaike's criterion `[B, 5]`, in the order of `CANDIDATES`."""
        fall = [np.zeros_like(self.total), self.explained[:, ZERO]]
        fall += [self.explained[:, allowed(name)].max(axis=1) for name in ("power", "decay")]
        fall += [self.stopped.max(axis=1) if self.stops.size else np.full_like(self.total, -np.inf)]
        return self.total[:, None] - np.column_stack(fall) + 2.0 * PARAMETERS

    def missed(self, criteria: np.ndarray, name: str) -> float:
        """Return by how many standard errors a candidate misses the first curve's increments, root mean square.

        Of a curve that stopped, only the last SILENT_DECADES count: how it got there is not the claim.
        """
        if name == "stop":
            return float(np.sqrt(np.mean(self.target[0, self.stops[-1] :] ** 2)))
        number = CANDIDATES.index(name)
        chi_squared = max(float(criteria[number] - 2.0 * PARAMETERS[number]), 0.0)
        return float(np.sqrt(chi_squared / (self.target.shape[1] - PARAMETERS[number])))

    def exponent(self, among: np.ndarray) -> np.ndarray:
        """Return the best exponent `[B]` among those of the grid that are allowed, refined off the grid."""
        index = np.flatnonzero(among)
        height = self.explained[:, index]
        peak = np.clip(np.argmax(height, axis=1), 1, index.size - 2)
        row = np.arange(len(height))
        left, middle, right = height[row, peak - 1], height[row, peak], height[row, peak + 1]
        bend = left - 2.0 * middle + right
        shift = np.divide(0.5 * (left - right), bend, out=np.zeros_like(bend), where=bend < 0.0)
        return EXPONENTS[index[peak]] + STEP * np.clip(shift, -1.0, 1.0)

    def parameters(self, name: str) -> Parameters:
        """Return a candidate's parameters for every curve."""
        count, last = len(self.curves), self.times.size - 1
        stop = np.full(count, last)
        if name == "constant":
            nothing = np.full(count, np.nan)
            return Parameters(
                exponent=nothing, scale=np.zeros(count), level=self.curves[:, -1], stop=np.full(count, np.inf)
            )
        if name == "stop":
            best = np.argmax(self.stopped, axis=1)
            exponent, stop = EXPONENTS[best % EXPONENTS.size], self.stops[best // EXPONENTS.size]
        else:
            exponent = np.zeros(count) if name == "log" else self.exponent(allowed(name))
        basis = _basis(self.times, exponent, stop)
        shapes = np.diff(basis, axis=1) * self.weights
        scale = np.sum(shapes * self.target, axis=1) / np.sum(shapes**2, axis=1)
        rest = self.curves - scale[:, None] * basis
        # A curve that stopped is as high as where it is now; the others are anchored by all knots.
        level = rest[:, -1] if name == "stop" else rest.mean(axis=1)
        reached = np.where(stop < last, self.times[stop], np.inf)
        return Parameters(exponent=exponent, scale=scale, level=level, stop=reached)


def allowed(name: str) -> np.ndarray:
    """Return which exponents of the grid a candidate may have: `[P]` of bool."""
    if name == "log":
        return np.arange(EXPONENTS.size) == ZERO
    sign = 1.0 if name == "power" else -1.0
    return sign * EXPONENTS >= RESOLUTION - 0.5 * STEP


def _stops(times: np.ndarray) -> np.ndarray:
    """Knots at which a curve may stop: two increments before, at least SILENT_DECADES of silence after."""
    silence = np.log10(times[-1] / times)
    index = np.arange(times.size)
    return index[(index >= 2) & (silence >= SILENT_DECADES - 0.01)]


def _scaled(times: np.ndarray, exponents: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return ((T/T_K)^p - 1)/p, or log T/T_K at p = 0, up to the stop: `[P, K+1]`, continuous in p."""
    x = np.log(times / times[-1])[np.minimum(np.arange(times.size)[None, :], stops[:, None])]
    p = exponents[:, None]
    return np.where(p == 0.0, x, np.expm1(p * x) / np.where(p == 0.0, 1.0, p))


def _basis(times: np.ndarray, exponents: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return T^p, or log T at p = 0, up to the stop: `[B, K+1]`, what `scale` multiplies."""
    x = times[np.minimum(np.arange(times.size)[None, :], stops[:, None])]
    p = exponents[:, None]
    return np.where(p == 0.0, np.log(x), x**p)
