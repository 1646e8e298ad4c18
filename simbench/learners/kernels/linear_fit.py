"""The fit of a linear class in a ball as numba kernels; learners/parts/linear.py has the mathematics.

**Chords.** A gradient costs one pass over the pairs of responses that have labels, a Hessian d^2 / 2 times that. So the
Hessian H_0 of an earlier theta stays in use: each label adds its own curvature to it, and theta has moved since by
steps whose ranges sum to x, the drift. Along the chord c, the step with H_0, the true Hessians are within e^{+-x} of
H_0 (x including c), hence as in learners/parts/box.py

    ||c_+||_{H_0} <= (e^x - 1) ||c||_{H_0};    the next true step    ||d_+||_{H_+} <= 1.21 x ||c||_{H_0}  for x <= 1/8,

which is below the stopping rule after three or four passes. The first step after a label needs no pass at all: at the
last optimum the gradient is -mu theta, and the label adds its own. H_0 is renewed when x exceeds 1/32.

**Optimism** leaves H_0 indefinite at times, and without such a bound: chords are then taken only while each is at most
half the last, and stop when the next, at the rate just seen, is below the rule. Otherwise the passes of parts/linear.py
are made from where the fit began. Source: simbench.
"""

import math

from simbench.learners.fitting.bradley_terry import CONTRACTION, FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import ARMIJO, LONGER_STEPS, MAX_PASSES, ROUNDING, SMALL_STEP
from simbench.learners.kernels.ball import INDEFINITE, aim
from simbench.learners.kernels.codes import LOGISTIC
from simbench.learners.kernels.linear_objective import (
    AGE,
    DECREMENT,
    DRIFT,
    FACTORED,
    INVERSE,
    STALE,
    add_label_to_model,
    derive_gradient,
    longest,
    objective_value,
    renew_model,
    rewards,
)
from simbench.tape.kernel import inner

RENEW = 1.0 / 32  # the largest drift of a Hessian that is used again
LONGEST_CHORD = 0.125
CHORD_CONTRACTION = 1.21  # (e^x - 1) / x e^x at x = 1/8 is 1.207
OLDEST = 4096  # labels that may be added to a Hessian, lest their rounding gather
CHORDS = 12  # under optimism


@inner
def fit_linear(fit):
    """Move theta to the (local) minimiser in the ball; return whether the stopping rule was met."""
    if not fit.optimistic:
        return fit_convex(fit)
    size = fit.theta.shape[0]
    if fit_chords(fit):
        return True
    for k in range(size):
        fit.theta[k] = fit.before[k]
    fit.multiplier[0] = fit.before[size]
    rewards(fit, 0.0, fit.reward)
    solved = fit_carefully(fit)
    fit.memory[DRIFT] = STALE
    return solved


@inner
def fit_label(fit, prompt, first, second, first_won):
    """Fit again after one label, which the counts hold already; return whether the stopping rule was met.

    `policy [A]` holds G(rhat) at the prompt if there is a bonus.
    """
    remember_start(fit)
    winner, loser = (first, second) if first_won else (second, first)
    anticipate_label(fit, prompt, winner, loser, second)
    return fit_linear(fit)


@inner
def anticipate_label(fit, prompt, winner, loser, second):
    """Take the step of one new label from the last optimum, without a pass, and add its curvature to the Hessian.

    `policy [A]` holds G(rhat) at the prompt if there is a bonus. A long step is left to the passes.
    """
    memory = fit.memory
    memory[DECREMENT] = math.inf
    if memory[DRIFT] > RENEW or memory[AGE] > OLDEST:
        return
    add_label_to_model(fit, prompt, winner, loser, second)
    multiplier = aim_with_model(fit)
    h = 0.0 if multiplier == INDEFINITE else stride(fit)
    if multiplier == INDEFINITE or h > FULL_STEP:
        memory[DRIFT] = STALE
        return
    _, square = products(fit)
    for k in range(fit.direction.shape[0]):
        square += multiplier * fit.direction[k] * fit.direction[k]
    memory[DECREMENT] = math.sqrt(max(square, 0.0))
    move(fit, 1.0, multiplier)
    memory[DRIFT] += h


@inner
def remember_start(fit):
    """Keep where a fit begins."""
    size = fit.theta.shape[0]
    for k in range(size):
        fit.before[k] = fit.theta[k]
    fit.before[size] = fit.multiplier[0]


@inner
def stride(fit):
    """Write the rewards after a full step into `later`; return its range h, in units of min(1, beta) with a bonus."""
    rewards(fit, 1.0, fit.later)
    size, widest = fit.policy.shape[0], 0.0
    for start in range(0, fit.later.shape[0], size):
        low = high = fit.later[start] - fit.reward[start]
        for c in range(start + 1, start + size):
            change = fit.later[c] - fit.reward[c]
            low = min(low, change)
            high = max(high, change)
        widest = max(widest, high - low)
    return widest * (max(1.0, 1.0 / fit.beta) if fit.bonus else 1.0)


@inner
def move(fit, length, multiplier):
    """Take a step, whose full length `stride` has seen; return the tolerance at its start."""
    largest, square = 0.0, 0.0
    for k in range(fit.theta.shape[0]):
        largest = max(largest, abs(fit.theta[k]))
        fit.theta[k] += length * fit.direction[k]
        square += fit.theta[k] * fit.theta[k]
    fit.multiplier[0] = multiplier
    outside = math.sqrt(square) / fit.radius
    if outside > 1.0:  # by rounding only
        for k in range(fit.theta.shape[0]):
            fit.theta[k] /= outside
    if length == 1.0:
        for c in range(fit.reward.shape[0]):
            fit.reward[c] = fit.later[c]
    else:
        rewards(fit, 0.0, fit.reward)
    return TOLERANCE * (1.0 + largest)


@inner
def products(fit):
    """Return g . d and d' H_0 d."""
    slope, square = 0.0, 0.0
    for j in range(fit.direction.shape[0]):
        slope += fit.gradient[j] * fit.direction[j]
        row = 0.5 * fit.model[j, j] * fit.direction[j]
        for k in range(j):
            row += fit.model[j, k] * fit.direction[k]
        square += 2.0 * row * fit.direction[j]
    return slope, square


@inner
def aim_with_model(fit):
    """Write the step with H_0 into `direction`; return its multiplier, INDEFINITE if there is none."""
    memory = fit.memory
    multiplier = aim(
        fit.model,
        fit.theta,
        fit.gradient,
        fit.radius,
        fit.multiplier[0],
        fit.factor,
        memory[FACTORED],
        fit.direction,
        fit.target,
    )
    memory[FACTORED] = multiplier
    return multiplier


@inner
def fit_convex(fit):
    """Take chords and Newton steps to the minimiser, each with its certificate."""
    memory = fit.memory
    quadratic = fit.loss != LOGISTIC and not fit.bonus
    for _ in range(MAX_PASSES):
        derive_gradient(fit)
        if memory[DRIFT] > RENEW or memory[AGE] > OLDEST:
            renew_model(fit, False)
        drift = memory[DRIFT]
        multiplier = aim_with_model(fit)
        slope, square = products(fit)
        h = 0.0 if quadratic else stride(fit)
        if quadratic:
            rewards(fit, 1.0, fit.later)
        length = 1.0
        if h > FULL_STEP:
            if drift > 0.0:
                memory[DRIFT] = STALE
                continue
            length = math.log1p(h) / h
            if fit.bonus:
                length = longer(fit, slope, square, length)
        tolerance = move(fit, length, multiplier)
        memory[DRIFT] = drift + length * h
        if quadratic or longest(fit.direction) <= tolerance:
            return True
        if h <= FULL_STEP:
            left = math.inf
            if drift == 0.0:
                left = CONTRACTION * h
            elif memory[DRIFT] <= LONGEST_CHORD:
                left = CHORD_CONTRACTION * memory[DRIFT]
            if left * math.sqrt(max(square, 0.0) * memory[INVERSE]) <= tolerance:
                return True
    return False


@inner
def fit_chords(fit):
    """Take chords under optimism as long as they contract; return False, with theta anywhere, if they do not."""
    memory = fit.memory
    for _ in range(CHORDS):
        derive_gradient(fit)
        if memory[DRIFT] > RENEW or memory[AGE] > OLDEST:
            renew_model(fit, False)
        multiplier = aim_with_model(fit)
        if multiplier == INDEFINITE:
            return False
        h = stride(fit)
        if h > FULL_STEP:
            return False
        largest = longest(fit.direction)
        tolerance = TOLERANCE * (1.0 + longest(fit.theta))
        if largest <= tolerance:
            return True  # stationary: stays, to the bit
        _, square = products(fit)
        for k in range(fit.direction.shape[0]):
            square += multiplier * fit.direction[k] * fit.direction[k]
        rate = math.sqrt(max(square, 0.0)) / memory[DECREMENT]
        if rate > 0.5:
            return False
        memory[DECREMENT] = math.sqrt(max(square, 0.0))
        move(fit, 1.0, multiplier)
        memory[DRIFT] += h
        if 0.0 < rate <= 0.1 and 2.0 * rate * largest <= tolerance:
            return True
    return False


@inner
def fit_carefully(fit):
    """Descend under optimism by the passes of learners/parts/linear.py."""
    memory = fit.memory
    dropped = False
    for _ in range(MAX_PASSES):
        derive_gradient(fit)
        renew_model(fit, dropped)
        multiplier = aim_with_model(fit)
        if multiplier == INDEFINITE:
            if dropped:
                return False
            dropped = True
            continue
        slope, square = products(fit)
        h = stride(fit)
        damped = h > FULL_STEP
        length = math.log1p(h) / h if damped else 1.0
        largest = longest(fit.direction)
        if largest <= TOLERANCE * (1.0 + longest(fit.theta)):
            return True  # stationary: stays, to the bit
        if not dropped and not decreases(fit, slope, square, length):
            dropped = True
            continue
        move(fit, length, multiplier)
        if not damped and not dropped and h <= SMALL_STEP:
            return True
        dropped = False
    memory[DRIFT] = STALE
    return False


@inner
def decreases(fit, slope, square, length):
    """Return whether a step keeps its promise in the objective, or is too short for that to be seen."""
    promised = length * slope + 0.5 * length * length * square
    here = objective_value(fit, fit.reward, 0.0)
    labels = 0.0
    for i in range(fit.pairs[0]):
        labels += fit.counts[i]
    for s in range(fit.mass.shape[0]):
        labels += abs(fit.mass[s])
    if abs(promised) <= ROUNDING * (1.0 + labels + abs(here)):
        return True
    rewards(fit, length, fit.weights)
    return promised < 0.0 and objective_value(fit, fit.weights, length) <= here + ARMIJO * promised


@inner
def longer(fit, slope, square, guaranteed):
    """Return the longest of some lengths that decreases the convex objective, or the guaranteed one."""
    here = objective_value(fit, fit.reward, 0.0)
    for i in range(len(LONGER_STEPS)):
        length = LONGER_STEPS[i]
        if length > guaranteed:
            promised = length * slope + 0.5 * length * length * square
            rewards(fit, length, fit.weights)
            if objective_value(fit, fit.weights, length) <= here + ARMIJO * promised:
                return length
    return guaranteed
