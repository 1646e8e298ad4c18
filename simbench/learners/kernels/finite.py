"""Sentences over a finite class as a numba kernel: the twin of learners/parts/finite.py.

A label adds one contiguous row `[M]` of a table to the objectives; the tables are shared by all runs of a block.
"""

import functools
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from simbench.learners.kernels.codes import CALIBRATED, DRAWS, LOGISTIC
from simbench.learners.kernels.recipe import Recipe, Rules
from simbench.learners.kernels.schedules import ALL, NONE, WAIT, refit_due
from simbench.learners.kernels.slots import Slots, open_slots, renew_row
from simbench.quantities.values.value import TIE
from simbench.tape.kernel import inner

TABLE_CELLS = 2**23  # S A^2 M losses are tabulated up to 64 MB, and computed label by label beyond
SHARED = ("rewards", "losses", "bonuses")  # fields of the state that no run writes


class FiniteKernelState(NamedTuple):
    """What one run knows; tables are shared and never written."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: np.ndarray  # [1] unsolved fits: none ever
    slots: Slots
    rules: Rules
    objective: np.ndarray  # [M]
    best: np.ndarray  # [1] the hypothesis in force; -1 before the first fit
    rewards: np.ndarray  # [S, A, M] the class, hypotheses last
    losses: np.ndarray  # [S, A, A, M] of (winner, loser), or empty
    bonuses: np.ndarray  # [S, A, M] what a reference draw, or [S, 1, M] what any label, adds
    row: np.ndarray  # [A] scratch


def start(recipe: Recipe, *, log_ref: np.ndarray, beta: float, reward_class: np.ndarray) -> FiniteKernelState:
    """Return the state before any label."""
    rewards, losses, bonuses, objective = class_tables(recipe, log_ref, beta, reward_class)
    slots = open_slots(recipe, log_ref=log_ref, beta=beta)
    return FiniteKernelState(
        log_policy=slots.log_policy,
        policy=slots.policy,
        diagnostics=np.zeros(1),
        slots=slots,
        rules=recipe.rules,
        objective=objective.copy(),
        best=np.array([-1]),
        rewards=rewards,
        losses=losses,
        bonuses=bonuses,
        row=np.empty(log_ref.shape[1]),
    )


def class_tables(
    recipe: Recipe, log_ref: np.ndarray, beta: float, reward_class: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rewards `[S, A, M]`, losses `[S, A, A, M]` or empty, bonuses, and the objective `[M]` before any label.

    The first three are shared by all runs and never written.
    """
    return _tables(_Shared(recipe, log_ref, beta, reward_class))


class _Shared:
    """The arguments of `_tables`, equal when their contents are, so that a block of runs builds them once."""

    def __init__(self, recipe: Recipe, log_ref: np.ndarray, beta: float, reward_class: np.ndarray) -> None:
        self.recipe, self.log_ref, self.beta, self.reward_class = recipe, log_ref, beta, reward_class
        numbers = (
            recipe.rules.loss,
            recipe.rules.bonus,
            recipe.rules.per_label,
            beta,
            log_ref.shape,
            reward_class.shape,
        )
        arrays = (recipe.mass, recipe.credit, log_ref, reward_class)
        self.identity = (numbers, *(array.tobytes() for array in arrays))

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shared) and self.identity == other.identity


@functools.lru_cache(maxsize=2)
def _tables(shared: _Shared) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    recipe, log_ref, beta = shared.recipe, shared.log_ref, shared.beta
    shape = shared.reward_class.shape
    rewards, losses = _of_the_class(shared.reward_class.tobytes(), shape, recipe.rules.loss)
    log_partition = logsumexp(log_ref[..., None] + rewards / beta, axis=1)  # [S, M]
    if recipe.rules.bonus == DRAWS:
        bonuses = recipe.rules.per_label * (rewards - beta * log_partition[:, None, :])
    elif recipe.rules.bonus == CALIBRATED:
        mean = np.einsum("sa,sam->sm", np.exp(log_ref), rewards)
        bonuses = recipe.rules.per_label * (mean - beta * log_partition)[:, None, :]
    else:
        bonuses = np.empty((0, 0, 0))
    objective = np.einsum("sa,sam->m", recipe.credit, rewards) - beta * (recipe.mass @ log_partition)
    return rewards, losses, bonuses, objective


@functools.lru_cache(maxsize=2)
def _of_the_class(rewards: bytes, shape: tuple[int, ...], loss: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rewards `[S, A, M]` and losses `[S, A, A, M]`, none where they are too many, for all learners alike."""
    # A copy even where a view would do: that is read-only, another type for numba to compile for.
    by_cell = np.array(np.moveaxis(np.frombuffer(rewards).reshape(shape), 0, -1), order="C")
    losses = np.empty((0, 0, 0, 0))
    if by_cell.size * by_cell.shape[1] <= TABLE_CELLS:
        losses = _of_all_pairs(by_cell, loss)
    return by_cell, losses


def _of_all_pairs(by_cell: np.ndarray, loss: int) -> np.ndarray:
    """Return the losses `[S, A, A, M]` of (winner, loser).

    Response by response, in arrays that stay in the cache, and the dear half of log(1 + exp(-u)), which is even in
    u, once for a pair: a fifth of the time of the whole table at once.
    """
    prompts, responses, members = by_cell.shape
    losses = np.empty((prompts, responses, responses, members))
    for a in range(responses):
        u = by_cell[:, a, None] - by_cell[:, a:]  # [S, A - a, M]
        if loss == LOGISTIC:
            even = np.log1p(np.exp(-np.abs(u)))
            losses[:, a, a:] = even + np.maximum(-u, 0.0)
            losses[:, a:, a] = even + np.maximum(u, 0.0)
        else:
            losses[:, a, a:] = np.square(u - 0.5)
            losses[:, a:, a] = np.square(-u - 0.5)
    return losses


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.slots.cdf[prompt], state.slots.second_cdf[prompt]


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Charge the label to every hypothesis and play the first within 1e-9 of the best."""
    rules, objective = state.rules, state.objective
    charge_label(objective, state, prompt, first, second, first_won)
    charge_bonus(objective, state, prompt, second)
    if refit_due(rules, round_index) == WAIT:
        return NONE
    best = first_best(objective)
    if best == state.best[0]:
        return NONE
    state.best[0] = best
    for s in range(state.rewards.shape[0]):
        for a in range(state.rewards.shape[1]):
            state.row[a] = state.rewards[s, a, best]
        renew_row(state.slots, s, state.row, True)
    return ALL


@inner
def charge_label(objective, state, prompt, first, second, first_won):
    """Add the label's loss to the objective `[M]` of every hypothesis."""
    winner, loser = (first, second) if first_won else (second, first)
    size = objective.shape[0]
    if state.losses.shape[0] > 0:
        losses = state.losses[prompt, winner, loser]
        for m in range(size):
            objective[m] += losses[m]
    else:
        above, below = state.rewards[prompt, winner], state.rewards[prompt, loser]
        for m in range(size):
            objective[m] += label_loss(state.rules.loss, above[m] - below[m])


@inner
def charge_bonus(objective, state, prompt, second):
    """Add what the label contributes to the bonus."""
    if state.rules.bonus == DRAWS:
        drawn = state.bonuses[prompt, second]
        for m in range(objective.shape[0]):
            objective[m] += drawn[m]
    elif state.rules.bonus == CALIBRATED:
        calibrated = state.bonuses[prompt, 0]
        for m in range(objective.shape[0]):
            objective[m] += calibrated[m]


@inner
def label_loss(loss, u):
    """Return log(1 + e^{-u}) or (u - 1/2)^2."""
    if loss == LOGISTIC:
        return max(-u, 0.0) + np.log1p(np.exp(-abs(u)))
    return (u - 0.5) * (u - 0.5)


@inner
def first_best(objective):
    """Return the first index within 1e-9 of the least; four minima side by side hide the latency of each."""
    size = objective.shape[0]
    low0 = low1 = low2 = low3 = objective[0]
    m = 0
    while m + 4 <= size:
        low0 = min(low0, objective[m])
        low1 = min(low1, objective[m + 1])
        low2 = min(low2, objective[m + 2])
        low3 = min(low3, objective[m + 3])
        m += 4
    while m < size:
        low0 = min(low0, objective[m])
        m += 1
    limit = min(min(low0, low1), min(low2, low3)) + TIE
    best = 0
    while objective[best] > limit:
        best += 1
    return best
