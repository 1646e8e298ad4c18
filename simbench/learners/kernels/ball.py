"""A quadratic model's minimiser in a ball, inside a kernel: the twin of `aim` in learners/parts/linear.py."""

import math

from simbench.learners.fitting.descent import SECULAR_STEPS, SECULAR_TOLERANCE
from simbench.learners.kernels.cholesky import solve
from simbench.tape.kernel import inner

INDEFINITE = -1.0


@inner
def aim(model, theta, gradient, radius, start, factor, factored, direction, target):
    """Write the step d to the minimiser of g . d + d' H d / 2 over ||theta + d|| <= radius; return its multiplier.

    H is the lower triangle of `model`; `factor` holds that of H + `factored` I if `factored` >= 0. Newton steps on
    1 / ||theta + d|| begin at the multiplier `start`. Returns INDEFINITE if one needs an indefinite H + mu I.
    """
    size, mu = theta.shape[0], start
    for _ in range(SECULAR_STEPS):
        if mu != factored:
            if not factorise(model, mu, factor):
                return INDEFINITE
            factored = mu
        for k in range(size):
            direction[k] = -(gradient[k] + mu * theta[k])
        solve(factor, direction)
        square = 0.0
        for k in range(size):
            target[k] = theta[k] + direction[k]
            square += target[k] * target[k]
        length = math.sqrt(square)
        if (mu <= 0.0 and length <= radius) or abs(length - radius) <= SECULAR_TOLERANCE * radius:
            return mu
        if square == 0.0:
            mu = 0.0
            continue
        curvature = solve(factor, target)  # sqrt(y' (H + mu I)^{-1} y)
        mu = max(mu + (length / radius - 1.0) * square / (curvature * curvature), 0.0)
    return factored


@inner
def factorise(model, shift, factor):
    """Write H + shift I = L D L' as L below the diagonal and 1 / D on it; return False unless positive definite."""
    for a in range(model.shape[0]):
        for b in range(a):
            entry = model[a, b]
            for c in range(b):
                entry -= factor[a, c] * factor[b, c]
            factor[a, b] = entry  # (L D), until the row is complete
        pivot = model[a, a] + shift
        for b in range(a):
            entry = factor[a, b]
            factor[a, b] = entry * factor[b, b]
            pivot -= entry * factor[a, b]
        if not pivot > 0.0:
            return False
        factor[a, a] = 1.0 / pivot
    return True
