"""Newton steps for nearly separable labels as numba kernels; learners/fitting/bradley_terry.py has the mathematics."""

import math

from simbench.learners.fitting.bradley_terry import FULL_STEP, MAX_STEPS, TOLERANCE
from simbench.learners.kernels.cholesky import back_substitute
from simbench.tape.kernel import inner


@inner
def fit_by_exact_flows(counts, wins, reward, ridge, lost, factor, direction):
    """Move `reward [A]` to the minimiser by steps that keep their digits; return whether the rule was met.

    `factor [A, A]` is left holding the factorisation of the Hessian before the last step; `lost [A]` is scratch.
    """
    for a in range(reward.shape[0]):
        if not abs(reward[a]) < math.inf:  # what went astray starts afresh
            reward[:] = 0.0
    for _ in range(MAX_STEPS):
        exact_flows(counts, wins, reward, ridge, factor, direction, lost)
        eliminate(factor, direction)
        tolerance = TOLERANCE * (1.0 + largest_entry(reward))
        if take_step(reward, direction) <= tolerance:
            return True
    return False


@inner
def exact_flows(counts, wins, reward, ridge, curvature, direction, lost):
    """Write -g into `direction`, curvatures below the diagonal of `curvature`, and the ridge on it.

    Every sum carries what its additions lose, in `lost`, so that what one response gains others lose to the last bit.
    """
    size = reward.shape[0]
    for a in range(size):
        direction[a] = 0.0
        lost[a] = 0.0
    for a in range(size):
        curvature[a, a] = ridge
        for b in range(a):
            curvature[a, b] = 0.0
            n = counts[a, b]
            if n != 0.0:
                p, q = sigmoid(reward[a] - reward[b]), sigmoid(reward[b] - reward[a])
                flow = wins[a, b] * q - wins[b, a] * p
                curvature[a, b] = n * p * q
                add(direction, lost, a, flow)
                add(direction, lost, b, -flow)
    for a in range(size):
        add(direction, lost, a, -ridge * reward[a])
        direction[a] += lost[a]


@inner
def add(total, lost, a, term):
    """Add a term to total[a], and what rounding takes of it to lost[a]; source: Knuth's two-sum."""
    before = total[a]
    after = before + term
    gained = after - before
    lost[a] += (before - (after - gained)) + (term - gained)
    total[a] = after


@inner
def eliminate(matrix, vector):
    """Solve H x = v in place for H = diag(excess + row sums of w) - w, given w below the diagonal and the excess on it.

    A pivot is the sum of what is left of its row, all of it positive, in place of a difference: every entry of
    H = L D L' has its digits, however small the excess. L ends below the diagonal and 1 / D on it, as in
    cholesky.py. Source: Grassmann, Taksar and Heyman (1985).
    """
    size = vector.shape[0]
    for k in range(size):
        excess = matrix[k, k]
        pivot = excess
        for i in range(k + 1, size):
            pivot += matrix[i, k]
        for i in range(k + 1, size):
            share = matrix[i, k] / pivot
            matrix[i, i] += share * excess
            vector[i] += share * vector[k]
            for j in range(k + 1, i):
                matrix[i, j] += share * matrix[j, k]
        matrix[k, k] = 1.0 / pivot
        vector[k] /= pivot
        # Only now: rows below still needed the column as it was.
        for i in range(k + 1, size):
            matrix[i, k] /= -pivot
    back_substitute(matrix, vector)


@inner
def largest_entry(vector):
    """Return max |v_a|."""
    largest = 0.0
    for a in range(vector.shape[0]):
        largest = max(largest, abs(vector[a]))
    return largest


@inner
def sigmoid(x):
    """Return 1 / (1 + e^{-x}) without overflow."""
    decay = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else decay) / (1.0 + decay)


@inner
def take_step(reward, direction):
    """Add the damped step to `reward`; return its range h before damping."""
    low, high, mean = direction[0], direction[0], 0.0
    for a in range(reward.shape[0]):
        low = min(low, direction[a])
        high = max(high, direction[a])
        mean += direction[a]
    spread = high - low
    damping = 1.0 if spread <= FULL_STEP else math.log1p(spread) / spread
    mean *= damping / reward.shape[0]
    for a in range(reward.shape[0]):
        reward[a] += damping * direction[a] - mean
    return spread
