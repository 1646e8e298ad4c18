"""Sentences over the box class as a numba kernel: the twin of learners/parts/box.py."""

from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.box_fit import BoxScratch, box_scratch, fit_box
from simbench.learners.kernels.codes import CALIBRATED, DRAWS, NOTHING
from simbench.learners.kernels.recipe import Recipe, Rules
from simbench.learners.kernels.schedules import ALL, NONE, THIS_PROMPT, WAIT, refit_due
from simbench.learners.kernels.slots import Slots, open_slots, renew_row
from simbench.tape.kernel import inner


class BoxKernelState(NamedTuple):
    """What one run knows; everything is updated in place."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: np.ndarray  # [1] whether this round left a fit unsolved
    slots: Slots
    rules: Rules
    wins: np.ndarray  # [S, A, A]
    counts: np.ndarray  # [S, A, A] symmetric, zero diagonal
    centred: np.ndarray  # [S, A] the fit r - R/2
    side: np.ndarray  # [S, A] which bound a coordinate is pinned to: -1, 0, 1
    stale: np.ndarray  # [S] whether a prompt has labels that its fit has not seen
    mass: np.ndarray  # [S] m of the bonus
    credit: np.ndarray  # [S, A] c of the bonus
    beta: float
    ridge: float
    half: float  # R / 2
    scratch: BoxScratch


def start(
    recipe: Recipe, *, log_ref: np.ndarray, beta: float, ridge: float, reward_bound: float
) -> BoxKernelState:
    """Return the state before any label."""
    prompts, responses = log_ref.shape
    slots = open_slots(recipe, log_ref=log_ref, beta=beta)
    return BoxKernelState(
        log_policy=slots.log_policy,
        policy=slots.policy,
        diagnostics=np.zeros(1),
        slots=slots,
        rules=recipe.rules,
        wins=np.zeros((prompts, responses, responses)),
        counts=np.zeros((prompts, responses, responses)),
        centred=np.zeros((prompts, responses)),
        side=np.zeros((prompts, responses), dtype=np.int64),
        stale=recipe.mass != 0.0,
        mass=recipe.mass.copy(),
        credit=recipe.credit.copy(),
        beta=beta,
        ridge=ridge,
        half=reward_bound / 2.0,
        scratch=box_scratch(responses),
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
        for a in range(state.centred.shape[1]):
            state.credit[prompt, a] += rules.per_label * state.slots.ref[prompt, a]
        state.stale[prompt] = True
    state.diagnostics[0] = 0.0
    due = refit_due(rules, round_index)
    if due == WAIT:
        return NONE
    if due == THIS_PROMPT:
        if not state.stale[prompt]:
            return NONE  # a self-pair carries no information: the fit stands
        refit(state, prompt)
        renew_row(state.slots, prompt, state.centred[prompt], False)
        return prompt
    for s in range(state.centred.shape[0]):
        if state.stale[s]:
            refit(state, s)
        renew_row(state.slots, s, state.centred[s], True)
    return ALL


@inner
def refit(state, prompt):
    """Solve one prompt from where its last fit ended; a shift of its rewards changes no policy."""
    solved = fit_box(
        state.rules.loss,
        state.rules.bonus != NOTHING,
        state.wins[prompt],
        state.counts[prompt],
        state.mass[prompt],
        state.credit[prompt],
        state.slots.log_ref[prompt],
        state.beta,
        state.ridge,
        state.half,
        state.centred[prompt],
        state.side[prompt],
        state.scratch,
    )
    state.stale[prompt] = False
    if not solved:
        state.diagnostics[0] = 1.0
