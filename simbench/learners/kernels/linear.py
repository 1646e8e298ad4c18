"""Sentences over the linear class as a numba kernel: the twin of learners/parts/linear.py."""

from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.linear_fit import fit_label, fit_linear, remember_start
from simbench.learners.kernels.linear_objective import (
    DECREMENT,
    DRIFT,
    STALE,
    LinearFit,
    count_label,
    open_fit,
)
from simbench.learners.kernels.recipe import Recipe, Rules
from simbench.learners.kernels.schedules import ALL, NONE, THIS_PROMPT, WAIT, refit_due
from simbench.learners.kernels.slots import Slots, open_slots, renew_row
from simbench.tape.kernel import inner


class LinearKernelState(NamedTuple):
    """What one run knows; everything is updated in place."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: np.ndarray  # [1] whether this round left the fit unsolved
    slots: Slots
    rules: Rules
    fit: LinearFit


def start(
    recipe: Recipe, *, log_ref: np.ndarray, beta: float, features: np.ndarray, ridge: float, radius: float
) -> LinearKernelState:
    """Return the state before any label."""
    slots = open_slots(recipe, log_ref=log_ref, beta=beta)
    return LinearKernelState(
        log_policy=slots.log_policy,
        policy=slots.policy,
        diagnostics=np.zeros(1),
        slots=slots,
        rules=recipe.rules,
        fit=open_fit(recipe, log_ref=log_ref, beta=beta, features=features, ridge=ridge, radius=radius),
    )


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.slots.cdf[prompt], state.slots.second_cdf[prompt]


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Count the label, refit if that is due, and renew all rows."""
    rules, fit = state.rules, state.fit
    count_label(fit, prompt, first, second, first_won)
    state.diagnostics[0] = 0.0
    due = refit_due(rules, round_index)
    news = first != second or fit.per_label != 0.0
    if due == WAIT:
        if news:
            fit.memory[DRIFT] = STALE
        return NONE
    if due == THIS_PROMPT and not news and fit.memory[DRIFT] != STALE:
        return NONE  # a self-pair carries no information: the fit stands
    if due == THIS_PROMPT:
        if fit.bonus:
            for a in range(fit.policy.shape[0]):
                fit.policy[a] = state.slots.own_policy[prompt, a]
        solved = fit_label(fit, prompt, first, second, first_won)
    else:
        remember_start(fit)
        fit.memory[DRIFT] = STALE
        fit.memory[DECREMENT] = np.inf
        solved = fit_linear(fit)
    state.diagnostics[0] = 0.0 if solved else 1.0
    responses = fit.policy.shape[0]
    for s in range(fit.mass.shape[0]):
        rewards = fit.reward[s * responses : (s + 1) * responses]
        renew_row(state.slots, s, rewards, due != THIS_PROMPT)
    return ALL
