"""The Bradley-Terry fit of many responses at once: Newton's method by conjugate gradients, as a numba kernel.

The Hessian of learners/fitting/bradley_terry.py is a graph's Laplacian plus the ridge,

    H x = d x - W x,      W_ab = n_ab p_ab p_ba,      d_a = sum_b W_ab + ridge,

and where most pairs were compared, conjugate gradients with its diagonal need some ten products W x, each A^2
operations, in place of a factorisation's A^3 / 3. A Newton step is solved the better the smaller it is, so that the
last one is as exact as rounding allows; the fit stops by the same rule, a full step below `TOLERANCE` per unit of
parameter. Sparse comparisons, tiny ridges and rewards of enormous range are left to the factorising kernel.

Sums run along columns, where they vectorise without being reordered.
"""

import math

from simbench.learners.fitting.bradley_terry import EPSILON, FULL_STEP, NOISE, TOLERANCE
from simbench.tape.kernel import kernel

LARGE = 64  # responses from which on this fit is tried first
NEWTON_STEPS = 60
CG_STEPS = 100  # after which comparisons are too sparse for it
WIDEST = 200.0  # range of rewards whose exponentials are squared without underflow


@kernel
def fit_large(counts, wins, losses, reward, ridge, weights, scratch):
    """Move `reward [A]` in place to the minimiser; return whether the stopping rule was met.

    Args:
        counts: `[A, A]` symmetric, zero diagonal; `wins` and its transpose `losses` likewise without a diagonal.
        weights: `[A, A]`, scratch, W; scratch: `[8, A]`.
    """
    size = reward.shape[0]
    exponential, gradient, diagonal, step = scratch[0], scratch[1], scratch[2], scratch[3]
    forcing = 0.1
    for _ in range(NEWTON_STEPS):
        low, high = math.inf, -math.inf
        for a in range(size):
            low, high = min(low, reward[a]), max(high, reward[a])
        if not high - low < WIDEST:
            return False
        for a in range(size):
            exponential[a] = math.exp(reward[a] - low)
            gradient[a] = ridge * reward[a]
            diagonal[a] = ridge
        for a in range(size):
            e = exponential[a]
            for b in range(size):
                inverse = 1.0 / (e + exponential[b])
                p, q = e * inverse, exponential[b] * inverse  # a beats b, b beats a
                w = counts[a, b] * p * q
                weights[a, b] = w
                diagonal[b] += w
                gradient[b] += wins[a, b] * q - losses[a, b] * p
        solved = conjugate_gradients(weights, diagonal, gradient, step, forcing, scratch)
        if not solved:
            return False
        spread_low, spread_high, mean = math.inf, -math.inf, 0.0
        for a in range(size):
            mean += step[a] / size
            spread_low, spread_high = min(spread_low, step[a]), max(spread_high, step[a])
        spread = spread_high - spread_low
        length = 1.0 if spread <= FULL_STEP else math.log1p(spread) / spread
        largest = 0.0
        for a in range(size):
            reward[a] -= length * (step[a] - mean)
            largest = max(largest, abs(reward[a]))
        if spread <= TOLERANCE * (1.0 + largest):
            return told_by_rounding(weights, diagonal, largest, ridge, gradient, step, scratch)
        forcing = max(min(0.1, 0.1 * spread), 1e-13)
    return False


@kernel
def told_by_rounding(weights, diagonal, largest, ridge, trial, image, scratch):
    """Return whether rounding of the gradient leaves the minimiser its digits, by two inverse iterations for H's least
    eigenvalue without the direction of constants; `trial` and `image` are scratch."""
    size = trial.shape[0]
    heaviest, inverse = 0.0, 0.0
    for a in range(size):
        heaviest = max(heaviest, diagonal[a])
        trial[a] = math.cos(2.4 * (a + 1))  # in general position
    for _ in range(2):
        mean = 0.0
        for a in range(size):
            mean += trial[a] / size
        length = 0.0
        for a in range(size):
            trial[a] -= mean
            length += trial[a] * trial[a]
        for a in range(size):
            trial[a] /= math.sqrt(length)
        if not conjugate_gradients(weights, diagonal, trial, image, 0.1, scratch):
            return False
        inverse = 0.0
        for a in range(size):
            inverse += image[a] * image[a]
            trial[a] = image[a]
        inverse = math.sqrt(inverse)
    inverse = min(2.0 * inverse, 1.0 / ridge)
    return EPSILON * size * heaviest * inverse <= NOISE * (1.0 + largest)


@kernel
def conjugate_gradients(weights, diagonal, gradient, x, forcing, scratch):
    """Write H^{-1} gradient into `x` up to `forcing` of the gradient's size in the diagonal's norm; say whether so."""
    size = x.shape[0]
    residual, ahead, image, scaled = scratch[4], scratch[5], scratch[6], scratch[7]
    energy = 0.0
    for a in range(size):
        x[a] = 0.0
        residual[a] = gradient[a]
        scaled[a] = residual[a] / diagonal[a]
        ahead[a] = scaled[a]
        energy += residual[a] * scaled[a]
    goal = forcing * forcing * energy
    for _ in range(CG_STEPS):
        if energy <= goal:
            return True
        for a in range(size):
            image[a] = diagonal[a] * ahead[a]
        for b in range(size):
            along = ahead[b]
            for a in range(size):
                image[a] -= weights[b, a] * along
        curvature = 0.0
        for a in range(size):
            curvature += ahead[a] * image[a]
        if not curvature > 0.0:
            return False
        length, before, energy = energy / curvature, energy, 0.0
        for a in range(size):
            x[a] += length * ahead[a]
            residual[a] -= length * image[a]
            scaled[a] = residual[a] / diagonal[a]
            energy += residual[a] * scaled[a]
        turn = energy / before
        for a in range(size):
            ahead[a] = scaled[a] + turn * ahead[a]
    return energy <= goal
