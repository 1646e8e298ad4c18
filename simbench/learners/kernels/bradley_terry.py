"""The Bradley-Terry fit of one prompt as numba kernels; learners/fitting/bradley_terry.py has the mathematics."""

import math

from simbench.learners.fitting.bradley_terry import (
    CHORD_CONTRACTION,
    CHORD_STEP,
    CONTRACTION,
    EPSILON,
    FULL_STEP,
    MAX_STEPS,
    NOISE,
    QUICK_STEPS,
    REFRESH,
    TOLERANCE,
    UNTOLD,
    WIDEST,
)
from simbench.learners.kernels.cholesky import factorise_and_solve, largest_inverse_entry, solve
from simbench.learners.kernels.exact_flows import fit_by_exact_flows, largest_entry, sigmoid, take_step
from simbench.tape.kernel import inner

K, AGE = 0, 1  # entries of a fit's memory
ENORMOUS = 1e150  # K stops here: no stopping rule holds with it, and its products stay finite


@inner
def fit_tabular_numba(counts, wins, reward, ridge, weights, factor, direction, memory):
    """Move `reward [A]` in place to the minimiser for `counts` (symmetric, zero diagonal) and `wins [A, A]`.

    `factor [A, A]` is left holding the Hessian's factorisation at the last Newton step; `weights [A]` and
    `direction [A]` are scratch. `memory [2]` goes from fit to fit: K, and the number of fits since it was computed;
    start it with (1 / ridge, 0). Returns whether the stopping rule was met.
    """
    solved = fit_quickly(counts, wins, reward, ridge, weights, factor, direction, memory)
    if solved and not drowned(reward, ridge, factor, memory[K]):
        return True
    solved = fit_by_exact_flows(counts, wins, reward, ridge, weights, factor, direction)
    inverse = largest_inverse_entry(factor, direction)
    memory[K] = (1.0 + 1e-10) * inverse - 1.0 / (ridge * reward.shape[0])
    memory[AGE] = 0.0
    return solved


@inner
def drowned(reward, ridge, factor, bound):
    """Return whether rounding of the flows may have moved the minimiser visibly; `bound` is K."""
    largest = 0.0
    for a in range(reward.shape[0]):
        largest = max(largest, 1.0 / factor[a, a])
    rounding = EPSILON * reward.shape[0] * largest
    told = min(bound, 1.0 / ridge) if rounding < UNTOLD * ridge else 1.0 / ridge
    return not rounding * told <= NOISE * (1.0 + largest_entry(reward))


@inner
def fit_quickly(counts, wins, reward, ridge, weights, factor, direction, memory):
    """Fit by sums that may lose digits; the arguments are those of `fit_tabular_numba`."""
    memory[AGE] += 1.0
    for step in range(MAX_STEPS):
        shared = exponentials(reward, weights)
        if shared:
            gradient_and_hessian(counts, wins, reward, ridge, weights, factor, direction)
        else:
            gradient_and_hessian_wide(counts, wins, reward, ridge, factor, direction)
        decrement = factorise_and_solve(factor, direction)
        tolerance = TOLERANCE * (1.0 + largest_entry(reward))
        spread = take_step(reward, direction)
        if memory[AGE] >= REFRESH:
            with_chord = False  # `direction` becomes scratch
            inverse = largest_inverse_entry(factor, direction)
            memory[K] = (1.0 + 1e-10) * inverse - 1.0 / (ridge * reward.shape[0])
            memory[AGE] = 0.0
        else:
            with_chord = shared and spread <= CHORD_STEP
        loosen(memory, spread)
        if spread <= tolerance:
            return True
        if not spread < math.inf or (step >= QUICK_STEPS and drowned(reward, ridge, factor, memory[K])):
            return False
        if spread <= FULL_STEP and CONTRACTION * spread * decrement * math.sqrt(memory[K]) <= tolerance:
            return True
        if with_chord:
            shift_exponentials(weights, direction)
            gradient(counts, wins, reward, ridge, weights, direction)
            decrement = solve(factor, direction)
            chord = take_step(reward, direction)
            loosen(memory, chord)
            if chord <= tolerance:
                return True
            left = CHORD_CONTRACTION * (spread + chord) * decrement * math.sqrt(memory[K])
            if chord <= CHORD_STEP and left <= tolerance:
                return True
    return False


@inner
def loosen(memory, spread):
    """Let K grow by a bound on e^h after a step of range h, a polynomial where that is enough."""
    growth = 1.0 + spread * (1.0 + spread) if spread <= 1.0 else math.exp(min(spread, 300.0))
    memory[K] = min(memory[K] * growth, ENORMOUS)


@inner
def anticipate_label_numba(reward, factor, first, second, first_won, direction, memory):
    """Take the Newton step of one new label from the optimum before it, in O(A^2).

    There the gradient is the new label's alone, -(y - p)(e_first - e_second), and the Hessian is the factorised one
    plus p (1 - p) of that direction, so Sherman-Morrison needs a single solve. What it leaves is of second order.
    """
    p = sigmoid(reward[first] - reward[second])
    for a in range(reward.shape[0]):
        direction[a] = 0.0
    direction[first] = 1.0
    direction[second] = -1.0
    solve(factor, direction)
    variance = direction[first] - direction[second]
    scale = ((1.0 if first_won else 0.0) - p) / (1.0 + p * (1.0 - p) * variance)
    for a in range(reward.shape[0]):
        direction[a] *= scale
    loosen(memory, take_step(reward, direction))


@inner
def exponentials(reward, weights):
    """Write e^{r_a - max r} into `weights`; return whether none underflows, so that they may stand for rewards.

    Then sigmoid(r_a - r_b) = e_a / (e_a + e_b) costs A exponentials instead of A^2 / 2.
    """
    top, bottom = reward[0], reward[0]
    for a in range(1, reward.shape[0]):
        top = max(top, reward[a])
        bottom = min(bottom, reward[a])
    if top - bottom > WIDEST:
        return False
    for a in range(reward.shape[0]):
        weights[a] = math.exp(reward[a] - top)
    return True


@inner
def shift_exponentials(weights, step):
    """Multiply `weights` by e^{step_a} for |step_a| <= 1/16, by a polynomial exact to rounding (next term 3e-19)."""
    for a in range(weights.shape[0]):
        x = step[a]
        tail = 1.0 / 720 + x * (1.0 / 5040 + x * (1.0 / 40320 + x * (1.0 / 362880)))
        weights[a] *= 1.0 + x * (
            1.0 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * tail))))
        )


@inner
def gradient(counts, wins, reward, ridge, weights, direction):
    """Write -g into `direction`; `weights` hold e^{r_a} up to a common factor."""
    for a in range(reward.shape[0]):
        flow = -ridge * reward[a]
        for b in range(a):
            n = counts[a, b]
            if n != 0.0:
                won = wins[a, b]
                residual = (won * weights[b] - (n - won) * weights[a]) / (weights[a] + weights[b])
                flow += residual
                direction[b] -= residual
        direction[a] = flow


@inner
def gradient_and_hessian(counts, wins, reward, ridge, weights, hessian, direction):
    """Write -g into `direction` and the lower triangle of H into `hessian`; `weights` as in `gradient`.

    One residual per pair, used with both signs, so that rounding cannot create a net flow between blocks of
    responses that were never compared.
    """
    for a in range(reward.shape[0]):
        flow = -ridge * reward[a]
        stiffness = ridge
        for b in range(a):
            n = counts[a, b]
            hessian[a, b] = 0.0
            if n != 0.0:
                scale = 1.0 / (weights[a] + weights[b])
                p, q = weights[a] * scale, weights[b] * scale
                residual = wins[a, b] * q - (n - wins[a, b]) * p
                curvature = n * p * q
                flow += residual
                direction[b] -= residual
                stiffness += curvature
                hessian[b, b] += curvature
                hessian[a, b] = -curvature
        direction[a] = flow
        hessian[a, a] = stiffness


@inner
def gradient_and_hessian_wide(counts, wins, reward, ridge, hessian, direction):
    """Do the same for rewards so far apart that their exponentials underflow: two exponentials per pair."""
    for a in range(reward.shape[0]):
        direction[a] = -ridge * reward[a]
        hessian[a, a] = ridge
        for b in range(a):
            p = sigmoid(reward[a] - reward[b])
            q = sigmoid(reward[b] - reward[a])
            residual = wins[a, b] * q - (counts[a, b] - wins[a, b]) * p
            curvature = counts[a, b] * p * q
            direction[a] += residual
            direction[b] -= residual
            hessian[a, a] += curvature
            hessian[b, b] += curvature
            hessian[a, b] = -curvature
