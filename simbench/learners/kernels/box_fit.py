"""The fit of one prompt in a box as numba kernels; learners/parts/box.py has the mathematics, pass by pass the same."""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.fitting.bradley_terry import CONTRACTION, FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import (
    ARMIJO,
    LONGER_STEPS,
    MAX_PASSES,
    PATIENCE,
    PINNING,
    ROUNDING,
    SMALL_STEP,
)
from simbench.learners.kernels.bradley_terry import (
    exponentials,
    gradient_and_hessian,
    gradient_and_hessian_wide,
)
from simbench.learners.kernels.cholesky import factorise_and_solve
from simbench.learners.kernels.codes import LOGISTIC
from simbench.learners.kernels.slots import tilt
from simbench.learners.kernels.tabular import add_bonus, descend
from simbench.tape.kernel import inner


class BoxScratch(NamedTuple):
    """Room for one fit of A responses."""

    downhill: np.ndarray  # [A] -g
    direction: np.ndarray  # [A]
    bend: np.ndarray  # [A] H d
    policy: np.ndarray  # [A]
    weights: np.ndarray  # [A] exponentials of the rewards, or a trial point
    hessian: np.ndarray  # [A, A] lower triangle
    factor: np.ndarray  # [A, A] of the free coordinates
    part: np.ndarray  # [A] right-hand side of the free coordinates
    free: np.ndarray  # [A] their indices
    guess: np.ndarray  # [A] corrected sides


def box_scratch(size: int) -> BoxScratch:
    """Return room for fits of `size` responses."""
    return BoxScratch(
        downhill=np.empty(size),
        direction=np.empty(size),
        bend=np.empty(size),
        policy=np.empty(size),
        weights=np.empty(size),
        hessian=np.empty((size, size)),
        factor=np.empty((size, size)),
        part=np.empty(size),
        free=np.empty(size, dtype=np.int64),
        guess=np.empty(size, dtype=np.int64),
    )


@inner
def fit_box(loss, bonus, wins, counts, mass, credit, log_ref, beta, ridge, half, x, side, scratch):
    """Move `x [A]` = r - R/2 and its `side [A]` to the (local) minimiser; return whether the stopping rule was met."""
    size = x.shape[0]
    direction, bend, guess = scratch.direction, scratch.bend, scratch.guess
    unit = 1.0 + 2.0 * half
    scale = max(1.0, 1.0 / beta) if mass != 0.0 else 1.0
    dropped, fewest, patience = False, size + 1, PATIENCE
    for _ in range(MAX_PASSES):
        derive(loss, bonus, wins, counts, mass, credit, log_ref, beta, ridge, x, dropped, scratch)
        definite = aim(x, side, half, mass > 0.0, scratch)
        if not definite:
            if dropped or mass <= 0.0:
                return False
            dropped, fewest, patience = True, size + 1, PATIENCE
            continue
        wrong, last = corrected(x, side, half, PINNING * unit, scratch)
        if wrong > 0:
            fewer = wrong < fewest
            if mass > 0.0 and not dropped and patience < -2 * size:
                dropped, fewest, patience = True, size + 1, PATIENCE
            elif fewer or patience > 0:
                fewest = min(wrong, fewest)
                patience = PATIENCE if fewer else patience - 1
                for a in range(size):
                    side[a] = guess[a]
            else:
                patience -= 1
                side[last] = guess[last]
            continue
        low, high, decrement, slope = direction[0], direction[0], 0.0, 0.0
        for a in range(size):
            low = min(low, direction[a])
            high = max(high, direction[a])
            decrement += direction[a] * bend[a]
            slope -= direction[a] * scratch.downhill[a]
        h = scale * (high - low)
        damped = h > FULL_STEP and (loss == LOGISTIC or bonus)
        length = math.log1p(h) / h if damped else 1.0
        small = max(high, -low) <= TOLERANCE * unit
        if small and mass > 0.0:
            return True  # stationary: stays, to the bit
        if bonus and mass != 0.0 and not dropped and (damped or mass > 0.0):
            length = checked_length(
                loss, wins, counts, mass, credit, log_ref, beta, ridge, x, slope, length, scratch
            )
            if length == 0.0:
                dropped, fewest, patience = True, size + 1, PATIENCE
                continue
        for a in range(size):
            x[a] = min(max(x[a] + length * direction[a], -half), half)
        if small:
            return True
        if not damped:
            certified = CONTRACTION * h * math.sqrt(max(decrement, 0.0)) <= TOLERANCE * unit * math.sqrt(
                ridge
            )
            if mass > 0.0:
                certified = h <= SMALL_STEP and not dropped
            elif loss != LOGISTIC and mass == 0.0:
                certified = True  # a quadratic is its own model
            if certified:
                return True
        dropped, fewest, patience = False, size + 1, PATIENCE
    return False


@inner
def derive(loss, bonus, wins, counts, mass, credit, log_ref, beta, ridge, x, dropped, scratch):
    """Write -g and H at x, the concave term of the bonus left out if it is dropped."""
    downhill, hessian = scratch.downhill, scratch.hessian
    if loss == LOGISTIC:
        if exponentials(x, scratch.weights):
            gradient_and_hessian(counts, wins, x, ridge, scratch.weights, hessian, downhill)
        else:
            gradient_and_hessian_wide(counts, wins, x, ridge, hessian, downhill)
    else:
        squared_gradient_and_hessian(counts, wins, x, ridge, hessian, downhill)
    if bonus:
        tilt(log_ref, x, 1.0 / beta, scratch.policy)
        add_bonus(mass, credit, beta, scratch.policy, hessian, downhill, not dropped)


@inner
def squared_gradient_and_hessian(counts, wins, x, ridge, hessian, downhill):
    """Write -g and H of the squared loss: flows 2 n u - (wins - losses)."""
    for a in range(x.shape[0]):
        downhill[a] = -ridge * x[a]
        hessian[a, a] = ridge
        for b in range(a):
            n = counts[a, b]
            flow = 2.0 * (wins[a, b] - 0.5 * n - n * (x[a] - x[b]))
            downhill[a] += flow
            downhill[b] -= flow
            hessian[a, a] += 2.0 * n
            hessian[b, b] += 2.0 * n
            hessian[a, b] = -2.0 * n


@inner
def aim(x, side, half, may_fail, scratch):
    """Write the step for the guessed sides into `direction` and H d into `bend`; return False if H_FF is indefinite."""
    size = x.shape[0]
    hessian, factor, free = scratch.hessian, scratch.factor, scratch.free
    direction, bend, part = scratch.direction, scratch.bend, scratch.part
    count = 0
    for a in range(size):
        if side[a] == 0:
            free[count] = a
            count += 1
        direction[a] = side[a] * half - x[a] if side[a] != 0 else 0.0
    for i in range(count):
        a = free[i]
        value = scratch.downhill[a]
        if count < size:
            for b in range(size):
                if side[b] != 0:
                    value -= (hessian[a, b] if b < a else hessian[b, a]) * direction[b]
        part[i] = value
        for j in range(i + 1):
            factor[i, j] = hessian[a, free[j]]
    if may_fail:
        if not descend(factor[:count, :count], part[:count]):
            return False
    elif count > 0:
        factorise_and_solve(factor[:count, :count], part[:count])
    for i in range(count):
        direction[free[i]] = part[i]
        bend[free[i]] = scratch.downhill[free[i]]
    if count == size:
        shift = 0.0
        for a in range(size):
            shift += (direction[a] + x[a]) / size
        for a in range(size):
            direction[a] -= shift  # the mean of x + d is 0 when nothing is pinned
    for a in range(size):
        if side[a] != 0:
            bend[a] = 0.0
            for b in range(size):
                bend[a] += (hessian[a, b] if b <= a else hessian[b, a]) * direction[b]
    return True


@inner
def corrected(x, side, half, slack, scratch):
    """Write a better guess of the sides; return how many were wrong, and the last of them."""
    wrong, last = 0, -1
    for a in range(x.shape[0]):
        scratch.guess[a] = side[a]
        if side[a] == 0:
            target = x[a] + scratch.direction[a]
            if target > half + slack:
                scratch.guess[a] = 1
            elif target < -half - slack:
                scratch.guess[a] = -1
        elif side[a] * (scratch.bend[a] - scratch.downhill[a]) > slack * scratch.hessian[a, a]:
            scratch.guess[a] = 0
        if scratch.guess[a] != side[a]:
            wrong += 1
            last = a
    return wrong, last


@inner
def checked_length(loss, wins, counts, mass, credit, log_ref, beta, ridge, x, slope, guaranteed, scratch):
    """Return the length of a step under a bonus, or 0 where the concave term misleads it."""
    trial = scratch.weights
    here = objective_value(loss, wins, counts, mass, credit, log_ref, beta, ridge, x)
    if mass < 0.0:
        for i in range(len(LONGER_STEPS)):
            length = LONGER_STEPS[i]
            if length > guaranteed:
                for a in range(x.shape[0]):
                    trial[a] = x[a] + length * scratch.direction[a]
                there = objective_value(loss, wins, counts, mass, credit, log_ref, beta, ridge, trial)
                if there <= here + ARMIJO * length * slope:
                    return length
        return guaranteed
    labels = 0.0
    for a in range(x.shape[0]):
        trial[a] = x[a] + guaranteed * scratch.direction[a]
        for b in range(x.shape[0]):
            labels += wins[a, b]
    if abs(slope) <= ROUNDING * (1.0 + labels + mass + abs(here)):
        return guaranteed  # too little to be seen in the objective
    there = objective_value(loss, wins, counts, mass, credit, log_ref, beta, ridge, trial)
    return guaranteed if slope < 0.0 and there <= here + ARMIJO * guaranteed * slope else 0.0


@inner
def objective_value(loss, wins, counts, mass, credit, log_ref, beta, ridge, x):
    """Return the objective at x, bonus included."""
    size = x.shape[0]
    value, top = 0.0, -math.inf
    for a in range(size):
        value += 0.5 * ridge * x[a] * x[a] + credit[a] * x[a]
        top = max(top, log_ref[a] + x[a] / beta)
        for b in range(a):
            n = counts[a, b]
            if n != 0.0:
                u = x[a] - x[b]
                if loss == LOGISTIC:
                    value += n * math.log1p(math.exp(-abs(u)))
                    value += wins[a, b] * max(-u, 0.0) + (n - wins[a, b]) * max(u, 0.0)
                else:
                    value += wins[a, b] * (u - 0.5) ** 2 + (n - wins[a, b]) * (u + 0.5) ** 2
    total = 0.0
    for a in range(size):
        total += math.exp(log_ref[a] + x[a] / beta - top)
    return value - mass * beta * (top + math.log(total))
