"""Sentences over the tabular class as a numba kernel: the twin of learners/parts/tabular.py."""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.fitting.bradley_terry import FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import BONUS_STEPS, SMALL_STEP
from simbench.learners.kernels.bradley_terry import anticipate_label_numba, fit_tabular_numba
from simbench.learners.kernels.codes import CALIBRATED, DRAWS, LOGISTIC, NOTHING
from simbench.learners.kernels.exact_flows import sigmoid
from simbench.learners.kernels.recipe import Recipe, Rules
from simbench.learners.kernels.schedules import ALL, NONE, THIS_PROMPT, WAIT, refit_due
from simbench.learners.kernels.slots import Slots, open_slots, renew_row, tilt
from simbench.tape.kernel import inner


class TabularKernelState(NamedTuple):
    """What one run knows; everything is updated in place. Scratch arrays are here so that no round allocates."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: np.ndarray  # [1] whether this round left a fit unsolved
    slots: Slots
    rules: Rules
    plain: bool  # Bradley-Terry without a bonus: the tuned solver
    wins: np.ndarray  # [S, A, A]
    counts: np.ndarray  # [S, A, A] symmetric, zero diagonal
    reward: np.ndarray  # [S, A]
    stale: np.ndarray  # [S] whether a prompt has labels that its fit has not seen
    mass: np.ndarray  # [S] m of the bonus
    credit: np.ndarray  # [S, A] c of the bonus
    factor: np.ndarray  # [S, A, A] each prompt's Hessian, factorised
    memory: np.ndarray  # [S, 2] of each prompt's fit (bradley_terry.fit_tabular_numba)
    beta: float
    ridge: float
    weights: np.ndarray  # [A] scratch
    direction: np.ndarray  # [A] scratch


def start(recipe: Recipe, *, log_ref: np.ndarray, beta: float, ridge: float) -> TabularKernelState:
    """Return the state before any label."""
    prompts, responses = log_ref.shape
    slots = open_slots(recipe, log_ref=log_ref, beta=beta)
    return TabularKernelState(
        log_policy=slots.log_policy,
        policy=slots.policy,
        diagnostics=np.zeros(1),
        slots=slots,
        rules=recipe.rules,
        plain=recipe.rules.loss == LOGISTIC and recipe.rules.bonus == NOTHING,
        wins=np.zeros((prompts, responses, responses)),
        counts=np.zeros((prompts, responses, responses)),
        reward=np.zeros((prompts, responses)),
        stale=np.ones(prompts, dtype=np.bool_),
        mass=recipe.mass.copy(),
        credit=recipe.credit.copy(),
        factor=np.tile(np.eye(responses) / ridge, (prompts, 1, 1)),
        memory=np.tile(np.array([1.0 / ridge, 0.0]), (prompts, 1)),
        beta=beta,
        ridge=ridge,
        weights=np.empty(responses),
        direction=np.empty(responses),
    )


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.slots.cdf[prompt], state.slots.second_cdf[prompt]


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Count the label, refit what is due, and renew those rows."""
    rules = state.rules
    if first_won:
        state.wins[prompt, first, second] += 1.0
    else:
        state.wins[prompt, second, first] += 1.0
    if first != second:
        state.counts[prompt, first, second] += 1.0
        state.counts[prompt, second, first] += 1.0
        state.stale[prompt] = True
    if rules.bonus == DRAWS:
        state.mass[prompt] += rules.per_label
        state.credit[prompt, second] += rules.per_label
        state.stale[prompt] = True
    elif rules.bonus == CALIBRATED:
        state.mass[prompt] += rules.per_label
        for a in range(state.reward.shape[1]):
            state.credit[prompt, a] += rules.per_label * state.slots.ref[prompt, a]
        state.stale[prompt] = True
    state.diagnostics[0] = 0.0
    due = refit_due(rules, round_index)
    if due == WAIT or (due == THIS_PROMPT and not state.stale[prompt]):
        return NONE  # a self-pair carries no information: the fit stands
    if due == THIS_PROMPT and state.plain and first != second:
        anticipate_label_numba(
            state.reward[prompt],
            state.factor[prompt],
            first,
            second,
            first_won,
            state.direction,
            state.memory[prompt],
        )
    low, high = (prompt, prompt + 1) if due == THIS_PROMPT else (0, state.reward.shape[0])
    for s in range(low, high):
        if state.stale[s]:
            if state.plain:
                solved = fit_tabular_numba(
                    state.counts[s],
                    state.wins[s],
                    state.reward[s],
                    state.ridge,
                    state.weights,
                    state.factor[s],
                    state.direction,
                    state.memory[s],
                )
            else:
                solved = fit_row(
                    rules.loss,
                    state.wins[s],
                    state.counts[s],
                    state.mass[s],
                    state.credit[s],
                    state.slots.log_ref[s],
                    state.beta,
                    state.ridge,
                    state.reward[s],
                    rules.bonus != NOTHING,
                    state.factor[s],
                    state.weights,
                    state.direction,
                )
            state.stale[s] = False
            if not solved:
                state.diagnostics[0] = 1.0
        renew_row(state.slots, s, state.reward[s], due != THIS_PROMPT)
    return prompt if due == THIS_PROMPT else ALL


@inner
def fit_row(
    loss, wins, counts, mass, credit, log_ref, beta, ridge, reward, bonus, hessian, policy, direction
):
    """Move `reward [A]` to the local minimum that descent reaches; return whether the stopping rule was met."""
    size = reward.shape[0]
    scale = max(1.0, 1.0 / beta) if mass != 0.0 else 1.0
    for _ in range(BONUS_STEPS):
        if bonus:
            tilt(log_ref, reward, 1.0 / beta, policy)
        gradient_and_hessian(loss, wins, counts, reward, ridge, hessian, direction)
        if bonus:
            add_bonus(mass, credit, beta, policy, hessian, direction, True)
        if not descend(hessian, direction):
            # Indefinite: once more without the concave part of the bonus.
            gradient_and_hessian(loss, wins, counts, reward, ridge, hessian, direction)
            add_bonus(mass, credit, beta, policy, hessian, direction, False)
            descend(hessian, direction)
        low, high, mean, largest = direction[0], direction[0], 0.0, 0.0
        for a in range(size):
            low = min(low, direction[a])
            high = max(high, direction[a])
            mean += direction[a] / size
            largest = max(largest, abs(reward[a]))
        h = scale * (high - low)
        length = 1.0
        if h > FULL_STEP and (loss == LOGISTIC or bonus):
            length = math.log1p(h) / h
        longest = 0.0
        for a in range(size):
            step = direction[a] - mean
            longest = max(longest, abs(step))
            reward[a] += length * step
        if longest <= TOLERANCE * (1.0 + largest) or h <= SMALL_STEP:
            return True
    return False


@inner
def gradient_and_hessian(loss, wins, counts, reward, ridge, hessian, direction):
    """Write -g into `direction` and the lower triangle of H into `hessian`, of the loss and the ridge."""
    for a in range(reward.shape[0]):
        direction[a] = -ridge * reward[a]
        hessian[a, a] = ridge
        for b in range(a):
            hessian[a, b] = 0.0
            n = counts[a, b]
            if n != 0.0:
                u = reward[a] - reward[b]
                if loss == LOGISTIC:
                    p, q = sigmoid(u), sigmoid(-u)
                    flow = wins[a, b] * q - (n - wins[a, b]) * p
                    curvature = n * p * q
                else:
                    flow = -(wins[a, b] * (2.0 * u - 1.0) + (n - wins[a, b]) * (2.0 * u + 1.0))
                    curvature = 2.0 * n
                direction[a] += flow
                direction[b] -= flow
                hessian[a, a] += curvature
                hessian[b, b] += curvature
                hessian[a, b] = -curvature


@inner
def add_bonus(mass, credit, beta, policy, hessian, direction, concave):
    """Add -(c - m pi) to `direction` and -(m / beta) (diag pi - pi pi') to `hessian`; its concave part if asked."""
    curvature = -mass / beta
    if curvature < 0.0 and not concave:
        curvature = 0.0
    for a in range(policy.shape[0]):
        direction[a] -= credit[a] - mass * policy[a]
        hessian[a, a] += curvature * policy[a] * (1.0 - policy[a])
        for b in range(a):
            hessian[a, b] -= curvature * policy[a] * policy[b]


@inner
def descend(matrix, vector):
    """Solve H x = v in place by H = L D L' in the lower triangle; return False if H is not positive definite."""
    size = vector.shape[0]
    for a in range(size):
        for b in range(a):
            entry = matrix[a, b]
            for c in range(b):
                entry -= matrix[a, c] * matrix[b, c] * matrix[c, c]
            matrix[a, b] = entry / matrix[b, b]
        pivot = matrix[a, a]
        for c in range(a):
            pivot -= matrix[a, c] * matrix[a, c] * matrix[c, c]
        if not pivot > 0.0:
            return False
        matrix[a, a] = pivot
        for c in range(a):
            vector[a] -= matrix[a, c] * vector[c]
    for a in range(size):
        vector[a] /= matrix[a, a]
    for a in range(size - 1, -1, -1):
        for b in range(a):
            vector[b] -= matrix[a, b] * vector[a]
    return True
