"""The objective of a linear class as numba kernels: value, gradient and Hessian over the pairs that have labels.

A pair of responses enters the lists when its first label arrives; memory is bounded by the S A (A - 1) / 2 pairs there
are. The Hessian in use may be that of an earlier theta, with the labels added since (kernels/linear_fit.py).
"""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.ball import factorise
from simbench.learners.kernels.bradley_terry import exponentials
from simbench.learners.kernels.cholesky import largest_inverse_entry
from simbench.learners.kernels.codes import CALIBRATED, DRAWS, LOGISTIC, NOTHING
from simbench.learners.kernels.exact_flows import sigmoid
from simbench.learners.kernels.recipe import Recipe
from simbench.learners.kernels.slots import tilt
from simbench.tape.kernel import inner

DRIFT, INVERSE, FACTORED, DECREMENT, AGE = range(5)  # entries of a fit's memory
STALE = math.inf  # the drift of a Hessian that lacks labels


class LinearFit(NamedTuple):
    """What a fit knows and works on; cells are (prompt, response) in one axis of C = S A."""

    features: np.ndarray  # [C, d]
    coordinates: np.ndarray  # [d, C] the same, transposed
    log_ref: np.ndarray  # [S, A]
    ref: np.ndarray  # [S, A]
    beta: float
    ridge: float
    radius: float
    loss: int
    bonus: bool
    bonus_kind: int
    per_label: float
    optimistic: bool
    place: np.ndarray  # [S, A, A] of a pair with labels in the lists below, or -1; lower triangle
    pairs: np.ndarray  # [1] how many there are
    upper: np.ndarray  # [P] cell of the pair's one response
    lower: np.ndarray  # [P] cell of the other
    counts: np.ndarray  # [P]
    wins: np.ndarray  # [P] of `upper`
    mass: np.ndarray  # [S] m of the bonus
    credit: np.ndarray  # [S, A] c of the bonus
    theta: np.ndarray  # [d]
    multiplier: np.ndarray  # [1] of the ball
    reward: np.ndarray  # [C] phi theta, always
    memory: np.ndarray  # [5] drift, max (H_0^{-1})_kk, shift of `factor` or -1, last decrement, age of H_0
    model: np.ndarray  # [d, d] H_0, lower triangle
    factor: np.ndarray  # [d, d] of H_0 + mu I
    gradient: np.ndarray  # [d]
    direction: np.ndarray  # [d]
    target: np.ndarray  # [d] scratch
    before: np.ndarray  # [d + 1] theta and multiplier at the start of a fit
    later: np.ndarray  # [C] phi (theta + d)
    weights: np.ndarray  # [C] exponentials
    pull: np.ndarray  # [S, A] gradient in r
    policy: np.ndarray  # [A] scratch


def open_fit(
    recipe: Recipe, *, log_ref: np.ndarray, beta: float, features: np.ndarray, ridge: float, radius: float
) -> LinearFit:
    """Return a fit without labels: theta = 0."""
    prompts, responses, size = features.shape
    cells, most = prompts * responses, prompts * responses * (responses - 1) // 2
    flat = np.ascontiguousarray(features.reshape(cells, size))
    return LinearFit(
        features=flat,
        coordinates=np.ascontiguousarray(flat.T),
        log_ref=log_ref.copy(),
        ref=np.exp(log_ref),
        beta=beta,
        ridge=ridge,
        radius=radius,
        loss=recipe.rules.loss,
        bonus=recipe.rules.bonus != NOTHING,
        bonus_kind=recipe.rules.bonus,
        per_label=recipe.rules.per_label,
        optimistic=bool(recipe.rules.per_label > 0.0 or recipe.mass.max() > 0.0),
        place=np.full((prompts, responses, responses), -1, dtype=np.int64),
        pairs=np.zeros(1, dtype=np.int64),
        upper=np.empty(most, dtype=np.int64),
        lower=np.empty(most, dtype=np.int64),
        counts=np.zeros(most),
        wins=np.zeros(most),
        mass=recipe.mass.copy(),
        credit=recipe.credit.copy(),
        theta=np.zeros(size),
        multiplier=np.zeros(1),
        reward=np.zeros(cells),
        memory=np.array([STALE, 1.0 / ridge, -1.0, np.inf, 0.0]),
        model=np.zeros((size, size)),
        factor=np.zeros((size, size)),
        gradient=np.zeros(size),
        direction=np.zeros(size),
        target=np.zeros(size),
        before=np.zeros(size + 1),
        later=np.zeros(cells),
        weights=np.zeros(cells),
        pull=np.zeros((prompts, responses)),
        policy=np.zeros(responses),
    )


@inner
def count_label(fit, prompt, first, second, first_won):
    """Enter a label into the counts and the bonus."""
    if first != second:
        a, b = max(first, second), min(first, second)
        i = fit.place[prompt, a, b]
        if i < 0:
            i = fit.pairs[0]
            fit.pairs[0] = i + 1
            fit.place[prompt, a, b] = i
            fit.upper[i] = prompt * fit.policy.shape[0] + a
            fit.lower[i] = prompt * fit.policy.shape[0] + b
        fit.counts[i] += 1.0
        if first_won == (first > second):
            fit.wins[i] += 1.0
    if fit.bonus_kind == DRAWS:
        fit.mass[prompt] += fit.per_label
        fit.credit[prompt, second] += fit.per_label
    elif fit.bonus_kind == CALIBRATED:
        fit.mass[prompt] += fit.per_label
        for a in range(fit.policy.shape[0]):
            fit.credit[prompt, a] += fit.per_label * fit.ref[prompt, a]


@inner
def rewards(fit, length, out):
    """Write phi (theta + length d) `[C]`."""
    coordinates = fit.coordinates
    for c in range(out.shape[0]):
        out[c] = 0.0
    for k in range(coordinates.shape[0]):
        value = fit.theta[k] + (length * fit.direction[k] if length != 0.0 else 0.0)
        for c in range(out.shape[0]):
            out[c] += value * coordinates[k, c]


@inner
def longest(direction):
    """Return max |d_k|."""
    value = 0.0
    for k in range(direction.shape[0]):
        value = max(value, abs(direction[k]))
    return value


@inner
def add_label_to_model(fit, prompt, winner, loser, second):
    """Write the gradient with one new label at the optimum without it, and add the label's curvature to the Hessian.

    `policy [A]` holds G(rhat) at the prompt if there is a bonus.
    """
    size = fit.theta.shape[0]
    start = prompt * fit.policy.shape[0]
    won, lost = fit.features[start + winner], fit.features[start + loser]
    flow, curvature = residual_and_curvature(
        fit.loss, 1.0, 1.0, fit.reward[start + winner] - fit.reward[start + loser]
    )
    if winner == loser:
        flow, curvature = 0.0, 0.0
    for k in range(size):
        fit.gradient[k] = -fit.multiplier[0] * fit.theta[k] - flow * (won[k] - lost[k])
        for j in range(k + 1):
            fit.model[k, j] += curvature * (won[k] - lost[k]) * (won[j] - lost[j])
    if fit.per_label != 0.0:
        for a in range(fit.policy.shape[0]):
            credit = fit.ref[prompt, a]
            if fit.bonus_kind == DRAWS:
                credit = 1.0 if a == second else 0.0
            credit = fit.per_label * (credit - fit.policy[a])
            for k in range(size):
                fit.gradient[k] += credit * fit.features[start + a, k]
        add_covariance(fit, prompt, -fit.per_label / fit.beta)
    fit.memory[FACTORED] = -1.0
    fit.memory[AGE] += 1.0


@inner
def add_covariance(fit, prompt, weight):
    """Add weight Cov_pi(phi) at a prompt to the Hessian, pi in `policy`."""
    size, start = fit.theta.shape[0], prompt * fit.policy.shape[0]
    for k in range(size):
        fit.target[k] = 0.0
        for a in range(fit.policy.shape[0]):
            fit.target[k] += fit.policy[a] * fit.features[start + a, k]
    for a in range(fit.policy.shape[0]):
        for k in range(size):
            value = weight * fit.policy[a] * (fit.features[start + a, k] - fit.target[k])
            for j in range(k + 1):
                fit.model[k, j] += value * (fit.features[start + a, j] - fit.target[j])


@inner
def renew_model(fit, dropped):
    """Compute the Hessian at theta, without the concave part of the bonus if that is dropped."""
    size, memory = fit.theta.shape[0], fit.memory
    for k in range(size):
        for j in range(k):
            fit.model[k, j] = 0.0
        fit.model[k, k] = fit.ridge
    for i in range(fit.pairs[0]):
        a, b = fit.upper[i], fit.lower[i]
        _, curvature = residual_and_curvature(
            fit.loss, fit.counts[i], fit.wins[i], fit.reward[a] - fit.reward[b]
        )
        for k in range(size):
            fit.target[k] = fit.features[a, k] - fit.features[b, k]
        for k in range(size):
            value = curvature * fit.target[k]
            for j in range(k + 1):
                fit.model[k, j] += value * fit.target[j]
    if fit.bonus:
        responses = fit.policy.shape[0]
        for s in range(fit.mass.shape[0]):
            weight = -fit.mass[s] / fit.beta
            if weight > 0.0 or (weight < 0.0 and not dropped):
                reward = fit.reward[s * responses : (s + 1) * responses]
                tilt(fit.log_ref[s], reward, 1.0 / fit.beta, fit.policy)
                add_covariance(fit, s, weight)
    memory[DRIFT], memory[FACTORED], memory[AGE] = 0.0, -1.0, 0.0
    if not fit.optimistic and factorise(fit.model, 0.0, fit.factor):
        memory[FACTORED] = 0.0
        memory[INVERSE] = (1.0 + 1e-10) * largest_inverse_entry(fit.factor, fit.target)


@inner
def objective_value(fit, reward, length):
    """Return the objective at theta + length d, whose rewards are `reward [C]`."""
    value, responses = 0.0, fit.policy.shape[0]
    for k in range(fit.theta.shape[0]):
        entry = fit.theta[k] + (length * fit.direction[k] if length != 0.0 else 0.0)
        value += 0.5 * fit.ridge * entry * entry
    for i in range(fit.pairs[0]):
        u, won, lost = reward[fit.upper[i]] - reward[fit.lower[i]], fit.wins[i], fit.counts[i] - fit.wins[i]
        if fit.loss == LOGISTIC:
            value += (won + lost) * math.log1p(math.exp(-abs(u))) + won * max(-u, 0.0) + lost * max(u, 0.0)
        else:
            value += won * (u - 0.5) ** 2 + lost * (u + 0.5) ** 2
    if fit.bonus:
        for s in range(fit.mass.shape[0]):
            start, top, total = s * responses, -math.inf, 0.0
            for a in range(responses):
                value += fit.credit[s, a] * reward[start + a]
                top = max(top, fit.log_ref[s, a] + reward[start + a] / fit.beta)
            for a in range(responses):
                total += math.exp(fit.log_ref[s, a] + reward[start + a] / fit.beta - top)
            value -= fit.mass[s] * fit.beta * (top + math.log(total))
    return value


@inner
def residual_and_curvature(loss, count, won, u):
    """Return a pair's downhill flow towards its upper response, and its curvature."""
    if loss == LOGISTIC:
        p, q = sigmoid(u), sigmoid(-u)
        return won * q - (count - won) * p, count * p * q
    return 2.0 * (won - 0.5 * count - count * u), 2.0 * count


@inner
def derive_gradient(fit):
    """Write the gradient in theta into `gradient`, from one pass over the pairs with labels."""
    reward, weights, pull = fit.reward, fit.weights, fit.pull
    prompts, size = pull.shape
    cells = pull.reshape(prompts * size)
    close = fit.loss == LOGISTIC
    for s in range(prompts):
        for a in range(size):
            pull[s, a] = 0.0
        if close:
            close = exponentials(reward[s * size : (s + 1) * size], weights[s * size : (s + 1) * size])
    for i in range(fit.pairs[0]):
        a, b = fit.upper[i], fit.lower[i]
        count, won = fit.counts[i], fit.wins[i]
        if close:
            residual = (won * weights[b] - (count - won) * weights[a]) / (weights[a] + weights[b])
        else:
            residual, _ = residual_and_curvature(fit.loss, count, won, reward[a] - reward[b])
        cells[a] -= residual
        cells[b] += residual
    if fit.bonus:
        for s in range(prompts):
            if fit.mass[s] != 0.0:
                tilt(fit.log_ref[s], reward[s * size : (s + 1) * size], 1.0 / fit.beta, fit.policy)
                for a in range(size):
                    pull[s, a] += fit.credit[s, a] - fit.mass[s] * fit.policy[a]
    for k in range(fit.theta.shape[0]):
        fit.gradient[k] = dot(fit.coordinates[k], cells) + fit.ridge * fit.theta[k]


@inner
def dot(one, other):
    """Return the inner product; four sums side by side hide the latency of each."""
    size = one.shape[0]
    sum0, sum1, sum2, sum3 = 0.0, 0.0, 0.0, 0.0
    whole = size - size % 4
    for c in range(0, whole, 4):
        sum0 += one[c] * other[c]
        sum1 += one[c + 1] * other[c + 1]
        sum2 += one[c + 2] * other[c + 2]
        sum3 += one[c + 3] * other[c + 3]
    for c in range(whole, size):
        sum0 += one[c] * other[c]
    return (sum0 + sum1) + (sum2 + sum3)
