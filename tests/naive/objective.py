"""What a fit minimises, with two derivatives: losses of all labels + extra + ridge, in the class's parameters.

    data(r)      = sum_{s,a,b} wins[s,a,b] loss(r[s,a] - r[s,b]) + sum_{s,a} c[s,a] r[s,a]
                   - sum_s m[s] beta log Z_r(s)
    d/dr[s,a]    = sum_b wins[s,a,b] loss'(u_ab) - sum_b wins[s,b,a] loss'(u_ba) + c[s,a] - m[s] G(r)[s,a]
    d2/dr dr(s)  = diag(sum_b weight[a,b]) - weight - (m[s]/beta) (diag(p) - p p'),       p = G(r)[s]
                   with weight[a,b] = wins[a,b] loss''(u_ab) + wins[b,a] loss''(u_ba)

wins[s,a,b] counts how often a beat b at s. Everything is evaluated in NumPy's long double (80 bits on x86):
where few labels tie two groups of responses together the curvature is the ridge alone, and the rounding of a
float64 gradient, divided by it, would be seen in the fit. A `PromptProblem` is the objective of one prompt
in r `[A]`, a `LinearProblem` that of theta `[d]`, r = phi theta.
"""

import dataclasses
from typing import Any

import numpy as np

LONG = np.longdouble


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data:
    """All labels so far: `wins [S, A, A]`, extra `c [S, A]` and `m [S]`; and the world they speak of."""

    loss: Any
    wins: np.ndarray
    c: np.ndarray
    m: np.ndarray
    log_ref: np.ndarray
    beta: float

    def prompt(self, s: int) -> "Data":
        """Return the part at prompt s, as data with one prompt."""
        parts = {name: getattr(self, name)[s : s + 1] for name in ("wins", "c", "m", "log_ref")}
        return dataclasses.replace(self, **parts)

    def differences(self, r: np.ndarray) -> np.ndarray:
        return r[:, :, None] - r[:, None, :]

    def log_weights(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log Z_r `[S]` and G(r) `[S, A]`."""
        logits = self.log_ref + r / LONG(self.beta)
        top = logits.max(axis=1, keepdims=True)
        log_z = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
        return log_z, np.exp(logits - log_z[:, None])

    def value(self, r: np.ndarray) -> np.longdouble:
        losses = np.sum(self.wins * self.loss.value(self.differences(r)))
        if not self.m.any():  # no extra: not worth a partition function
            return losses
        return losses + np.sum(self.c * r) - self.beta * np.sum(self.m * self.log_weights(r)[0])

    def derivatives(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivative in r `[S, A]`, and the second one prompt by prompt `[S, A, A]`."""
        u, one = self.differences(r), np.eye(r.shape[1])
        push = self.wins * self.loss.slope(u)
        pull = push.sum(axis=2) - push.sum(axis=1)
        weight = self.wins * self.loss.curvature(u)
        weight = weight + weight.transpose(0, 2, 1)
        laplacian = weight.sum(axis=2)[:, :, None] * one - weight
        if not self.m.any():
            return pull, laplacian
        p = self.log_weights(r)[1]
        covariance = p[:, :, None] * one - p[:, :, None] * p[:, None, :]
        return (
            pull + self.c - self.m[:, None] * p,
            laplacian - (self.m / self.beta)[:, None, None] * covariance,
        )

    @property
    def scale(self) -> float:
        """How far r may move before an objective that is not convex, as with optimism (m > 0), changes."""
        return min(1.0, self.beta) if self.m.max() > 0 else np.inf

    @property
    def size(self) -> float:
        """The largest number that enters a gradient, for the estimate of its rounding."""
        return float(self.wins.sum() + np.abs(self.m).sum() + 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptProblem:
    """data(r) + (ridge/2) ||r - centre||^2 in r `[A]`, the data of one prompt."""

    data: Data
    ridge: float
    centre: float

    def value(self, r: np.ndarray) -> np.longdouble:
        return self.data.value(r[None]) + self.ridge / 2 * np.sum((r - self.centre) ** 2)

    def derivatives(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = self.data.derivatives(r[None])
        return gradient[0] + self.ridge * (r - self.centre), hessian[0] + self.ridge * np.eye(len(r))

    def reward(self, r: np.ndarray) -> np.ndarray:
        return r


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearProblem:
    """data(phi theta) + (ridge/2) ||theta||^2 in theta `[d]`; `features` is phi `[S, A, d]`."""

    data: Data
    ridge: float
    features: np.ndarray

    def reward(self, theta: np.ndarray) -> np.ndarray:
        return np.sum(self.features * theta, axis=2)

    def value(self, theta: np.ndarray) -> np.longdouble:
        return self.data.value(self.reward(theta)) + self.ridge / 2 * np.sum(theta**2)

    def derivatives(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pull, inner = self.data.derivatives(self.reward(theta))
        gradient = np.sum(pull[:, :, None] * self.features, axis=(0, 1)) + self.ridge * theta
        phi = self.features
        hessian = np.einsum("sad,sab,sbe->de", phi, inner.astype(float), phi, optimize=True)
        return gradient, hessian + self.ridge * np.eye(len(theta))
