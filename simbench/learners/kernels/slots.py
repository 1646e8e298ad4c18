"""What the two slots draw from, inside a kernel: the twin of learners/parts/samplers.py.

A sampler is a program for a stack of rows: codes that push a policy, mix the two on top, or replace the top by the law
of the best (worst) of n draws from it. The two common programs, the own policy and a fixed one, never run: the first
shares its arrays with the Gibbs policy of the fit, the second is written once.
"""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.codes import (
    BEST_OF,
    MIXTURE,
    OWN,
    REFERENCE,
    TABLE,
    TEMPERATURE,
    UNIFORM,
    WORST_OF,
)
from simbench.learners.kernels.recipe import Recipe
from simbench.quantities.values.value import TIE
from simbench.tape.kernel import inner


class Slots(NamedTuple):
    """Policies of one run, updated in place; rows are prompts."""

    log_ref: np.ndarray  # [S, A]
    ref: np.ndarray  # [S, A]
    uniform: np.ndarray  # [S, A]
    inverse_beta: float
    own_log_policy: np.ndarray  # [S, A] G(rhat)
    own_policy: np.ndarray  # [S, A]
    own_cdf: np.ndarray  # [S, A] running sums
    log_policy: np.ndarray  # [S, A] slot 1: G(rhat) itself, or another sampler's
    policy: np.ndarray  # [S, A]
    cdf: np.ndarray  # [S, A]
    second_cdf: np.ndarray  # [S, A] slot 2
    first_is_own: bool
    second_is_own: bool
    first_fixed: bool
    second_fixed: bool
    first_codes: np.ndarray  # [i] the program of slot 1
    first_values: np.ndarray  # [i]
    second_codes: np.ndarray  # [j]
    second_values: np.ndarray  # [j]
    tables: np.ndarray  # [n, S, A] fixed policies
    stack: np.ndarray  # [depth, A] scratch
    worse: np.ndarray  # [A] scratch


def open_slots(recipe: Recipe, *, log_ref: np.ndarray, beta: float) -> Slots:
    """Return the slots before any fit: rhat = 0, or the reference in both while offline labels come in."""
    responses = log_ref.shape[1]
    ref = np.exp(log_ref)
    supported = ref > 0
    own, first, second = (
        (log_policy.copy(), np.exp(log_policy), np.cumsum(np.exp(log_policy), axis=1))
        for log_policy in (log_ref, recipe.log_first, recipe.log_second)
    )
    first_is_own = list(recipe.first_codes) == [OWN]
    second_is_own = list(recipe.second_codes) == [OWN]
    depth = max(len(recipe.first_codes), len(recipe.second_codes))
    return Slots(
        log_ref=log_ref.copy(),
        ref=ref,
        uniform=supported / supported.sum(axis=1, keepdims=True),
        inverse_beta=1.0 / beta,
        own_log_policy=own[0],
        own_policy=own[1],
        own_cdf=own[2],
        log_policy=own[0] if first_is_own else first[0],
        policy=own[1] if first_is_own else first[1],
        cdf=own[2] if first_is_own else first[2],
        second_cdf=own[2] if second_is_own else second[2],
        first_is_own=first_is_own,
        second_is_own=second_is_own,
        first_fixed=recipe.first_fixed,
        second_fixed=recipe.second_fixed,
        first_codes=recipe.first_codes,
        first_values=recipe.first_values,
        second_codes=recipe.second_codes,
        second_values=recipe.second_values,
        tables=recipe.tables,
        stack=np.empty((depth, responses)),
        worse=np.empty(responses),
    )


@inner
def renew_row(slots, prompt, reward, everything):
    """Make the rows of one prompt anew from its fitted `reward [A]`; fixed slots only if `everything`."""
    gibbs_row(
        slots.log_ref[prompt],
        reward,
        slots.inverse_beta,
        slots.own_log_policy[prompt],
        slots.own_policy[prompt],
        slots.own_cdf[prompt],
    )
    if not slots.first_is_own and (everything or not slots.first_fixed):
        run_program(slots, slots.first_codes, slots.first_values, prompt, reward)
        row = slots.stack[0]
        running = 0.0
        for a in range(row.shape[0]):
            slots.policy[prompt, a] = row[a]
            slots.log_policy[prompt, a] = math.log(row[a]) if row[a] > 0.0 else -math.inf
            running += row[a]
            slots.cdf[prompt, a] = running
    if not slots.second_is_own and (everything or not slots.second_fixed):
        run_program(slots, slots.second_codes, slots.second_values, prompt, reward)
        row = slots.stack[0]
        running = 0.0
        for a in range(row.shape[0]):
            running += row[a]
            slots.second_cdf[prompt, a] = running


@inner
def run_program(slots, codes, values, prompt, reward):
    """Run a program, which leaves one row `[A]` on the stack, at its bottom."""
    stack, top, size = slots.stack, -1, reward.shape[0]
    for i in range(codes.shape[0]):
        code = codes[i]
        if code == MIXTURE:
            top -= 1
            for a in range(size):
                stack[top, a] = values[i] * stack[top, a] + (1.0 - values[i]) * stack[top + 1, a]
        elif code == BEST_OF:
            order_statistic(stack[top], reward, 1.0, values[i], slots.worse)
        elif code == WORST_OF:
            order_statistic(stack[top], reward, -1.0, values[i], slots.worse)
        else:
            top += 1
            for a in range(size):
                if code == OWN:
                    stack[top, a] = slots.own_policy[prompt, a]
                elif code == REFERENCE:
                    stack[top, a] = slots.ref[prompt, a]
                elif code == UNIFORM:
                    stack[top, a] = slots.uniform[prompt, a]
                elif code == TABLE:
                    stack[top, a] = slots.tables[int(values[i]), prompt, a]
            if code == TEMPERATURE:
                tilt(slots.log_ref[prompt], reward, slots.inverse_beta / values[i], stack[top])


@inner
def tilt(log_ref, reward, inverse_beta, policy):
    """Write ref e^{r / beta} / Z into `policy [A]`."""
    size = reward.shape[0]
    top = -math.inf
    for a in range(size):
        top = max(top, log_ref[a] + reward[a] * inverse_beta)
    total = 0.0
    for a in range(size):
        policy[a] = math.exp(log_ref[a] + reward[a] * inverse_beta - top)
        total += policy[a]
    for a in range(size):
        policy[a] /= total


@inner
def order_statistic(policy, reward, sign, n, worse):
    """Replace `policy [A]` by the law of the best of n draws by sign * reward; ties within 1e-9 split fairly."""
    size = reward.shape[0]
    total = 0.0
    for a in range(size):
        below, tied = 0.0, 0.0
        for b in range(size):
            difference = sign * (reward[a] - reward[b])
            if difference > TIE:
                below += policy[b]
            elif difference >= -TIE:
                tied += policy[b]
        worse[a] = policy[a] * ((below + tied) ** n - below**n) / tied if tied > 0.0 else 0.0
        total += worse[a]
    for a in range(size):
        policy[a] = worse[a] / total


@inner
def gibbs_row(log_ref, reward, inverse_beta, log_policy, policy, cdf):
    """Write the Gibbs policy of one prompt: log, probabilities and running sums, in log space."""
    size = reward.shape[0]
    top = -math.inf
    for a in range(size):
        log_policy[a] = log_ref[a] + reward[a] * inverse_beta
        top = max(top, log_policy[a])
    total = 0.0
    for a in range(size):
        policy[a] = math.exp(log_policy[a] - top)
        total += policy[a]
    shift = top + math.log(total)
    scale = 1.0 / total
    for a in range(size):
        log_policy[a] -= shift
        policy[a] *= scale
    running = 0.0
    for a in range(size):
        running += policy[a]
        cdf[a] = running
