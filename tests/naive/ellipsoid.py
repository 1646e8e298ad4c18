"""The pessimistic value of an ellipsoid of rewards, and the policy that attains it.

Features phi `[S, A, d]`, rewards r = phi theta, x_pi = E_pi phi - E_ref phi, centre theta0, radius bet >= 0:

    max over all pi  <theta0, x_pi> - bet ||x_pi||_{V^-1} - beta KL(pi || ref)
        =  min over ||theta - theta0||_V <= bet of  F(theta) = beta E_rho log Z_theta - <theta, E_ref phi>,

and pi = G(phi theta_min): for fixed theta the policy G(phi theta) is best and worth F(theta), a convex function
>= 0 with gradient x_{G(phi theta)}; the order of max and min is free.

**Solution.** F is a function of c = C' theta only, C an orthonormal basis of the span of the centred features
psi = phi - E_ref phi(s, .) of the cells that occur (rho > 0, ref > 0), and strictly convex in c with its minimum,
0, at c = 0 where the policy is ref. The shortest theta - theta0 that leads to c has square

    ||theta - theta0||_V^2 = (c - c0)' W^{-1} (c - c0),     W = C' V^{-1} C,   c0 = C' theta0

(a Schur complement). If c = 0 can be reached, it is the answer. Otherwise c = c0 + K y, K K' = W, ||y|| = bet and

    y(mu) = argmin F(c0 + K y) + (mu/2) ||y||^2         by Newton's method

has a norm that falls in mu, so that the multiplier is found by bracketing and a root finder in log mu. A step of
Newton's method is halved while the slope at its end says that it went far past the minimum on its line (values
cancel, slopes do not). Gradients are long doubles, as in `tests.naive.objective`, and for the same reason.
"""

import dataclasses

import numpy as np
from scipy.optimize import brentq

from tests.naive.descent import ROUNDING, TOLERANCE
from tests.naive.objective import LONG
from tests.naive.world import gibbs, log_softmax

RANK = 1e-10  # singular values below this times the largest are zero


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pessimum:
    log_policy: np.ndarray  # [S, A] log G(phi theta)
    value: float  # F(theta), reward units
    theta: np.ndarray  # [d] the worst parameter


def difference_to_ref(world, features: np.ndarray, log_policy: np.ndarray) -> np.ndarray:
    """Return x_pi = E_pi phi - E_ref phi, `[d]`."""
    difference = np.exp(log_policy) - np.exp(world.log_ref)
    return np.einsum("s,sa,sad->d", world.rho, difference, features)


class Potential:
    """F as a function of c, with two derivatives."""

    def __init__(self, world, features: np.ndarray):
        self.world = world
        ref = np.exp(world.log_ref)
        centred = features - np.sum(ref[:, :, None] * features, axis=1, keepdims=True)
        occurs = (world.rho[:, None] > 0) & (ref > 0)
        _, singular, rows = np.linalg.svd(centred[occurs], full_matrices=False)
        self.basis = rows[singular > RANK * max(singular.max(), 1e-300)].T  # C [d, k]
        self.psi = (centred @ self.basis).astype(LONG)  # [S, A, k]
        self.beta = float(world.beta)

    def value(self, c: np.ndarray) -> float:
        logits = self.world.log_ref + self.psi @ c / self.beta
        top = logits.max(axis=1)
        log_z = top + np.log(np.sum(np.exp(logits - top[:, None]), axis=1))
        return float(self.beta * np.sum(self.world.rho * log_z))

    def derivatives(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradient `[k]`, E_rho E_G psi, and the Hessian `[k, k]`, E_rho Cov_G(psi) / beta."""
        p = np.exp(log_softmax(self.world.log_ref + self.psi @ c / self.beta))
        gradient, hessian = 0, 0
        for weight, p_s, psi_s in zip(self.world.rho, p, self.psi, strict=True):
            mean = p_s @ psi_s
            around = (psi_s - mean).astype(float)
            gradient = gradient + weight * mean
            hessian = hessian + weight * (around.T * p_s.astype(float)) @ around
        return gradient, hessian / self.beta


def regularised(potential: Potential, c0: np.ndarray, K: np.ndarray, mu: float, y: np.ndarray) -> np.ndarray:
    """Return argmin over y of F(c0 + K y) + (mu/2) ||y||^2, from the given y on.

    Raises:
        RuntimeError: 500 Newton steps are not enough.
    """

    def derivatives(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = potential.derivatives(c0 + K @ y)
        return K.T @ gradient + mu * y, K.T @ hessian @ K + mu * np.eye(len(y))

    size = np.abs(K.T) @ np.abs(potential.psi).max(axis=(0, 1))
    slope, hessian = derivatives(y)
    for _ in range(500):
        step = -np.linalg.solve(hessian, slope.astype(float))
        small = np.abs(step).max() <= TOLERANCE * (1 + np.abs(y).max())
        if small or (np.abs(slope) <= 8 * ROUNDING * (size + mu * np.abs(y))).all():
            return y + step if small else y
        t, downhill = LONG(1), -np.sum(slope * step)
        there, hessian = derivatives(y + step)
        while np.sum(there * step) > downhill / 10:  # far past the minimum on this line
            t = t / 2
            there, hessian = derivatives(y + t * step)
        y, slope = y + t * step, there
    raise RuntimeError(f"no minimum at multiplier {mu:.3g}: the last step was {np.abs(step).max():.3g}.")


def pessimum(
    potential: Potential, features: np.ndarray, *, centre: np.ndarray, V: np.ndarray, radius: float
) -> Pessimum:
    """Return the minimum of F over ||theta - centre||_V <= radius."""
    world, C = potential.world, potential.basis
    c0 = C.T @ centre
    spread = np.linalg.solve(V, C)  # V^{-1} C
    W = C.T @ spread
    K = np.linalg.cholesky((W + W.T) / 2)
    if not C.size or np.linalg.norm(np.linalg.solve(K, c0)) <= radius:
        theta = centre - spread @ np.linalg.solve(W, c0) if C.size else centre
        return Pessimum(log_policy=world.log_ref, value=0.0, theta=theta)

    y = np.zeros(len(c0), dtype=LONG)
    if radius > 0:

        def at(log_mu: float) -> np.ndarray:
            nonlocal y  # the minimum is unique: where Newton's method begins only saves steps
            y = regularised(potential, c0, K, float(np.exp(log_mu)), y)
            return y

        def excess(log_mu: float) -> float:
            return float(np.log(np.sqrt(np.sum(at(log_mu) ** 2)) / radius))

        low = high = 0.0
        while excess(high) > 0:
            high += 2.0
        while excess(low) < 0:
            low -= 2.0
            if low < -70:  # mu < 1e-30: c is 0 up to rounding
                return pessimum(potential, features, centre=centre, V=V, radius=radius * (1 + 1e-12))
        y = at(brentq(excess, low, high, xtol=1e-14, rtol=1e-14) if low < high else low)
    c = c0 + K @ y
    theta = centre + spread @ np.linalg.solve(W, (K @ y).astype(float))
    return Pessimum(log_policy=gibbs(world, features @ theta), value=potential.value(c), theta=theta)
