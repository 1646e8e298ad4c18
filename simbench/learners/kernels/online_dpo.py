"""Online DPO, tabular, as a numba kernel: the twin of learners/online_dpo.py."""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.bradley_terry import anticipate_label_numba, fit_tabular_numba
from simbench.tape.kernel import kernel


class OnlineDPOKernelState(NamedTuple):
    """What one run knows; everything is updated in place. Scratch arrays are here so that no round allocates."""

    log_policy: np.ndarray  # [S, A]
    policy: np.ndarray  # [S, A]
    cdf: np.ndarray  # [S, A] running sums of the policy
    second_cdf: np.ndarray  # [S, A] what slot 2 draws from: `cdf` itself, or the reference's
    diagnostics: np.ndarray  # [1] whether this round's fit was unsolved
    wins: np.ndarray  # [S, A, A]
    counts: np.ndarray  # [S, A, A] symmetric, zero diagonal
    reward: np.ndarray  # [S, A]
    log_ref: np.ndarray  # [S, A]
    factor: np.ndarray  # [S, A, A] each prompt's Hessian, factorised (bradley_terry.newton_direction)
    memory: np.ndarray  # [S, 2] of each prompt's fit (bradley_terry.fit_tabular_numba)
    inverse_beta: float
    ridge: float
    weights: np.ndarray  # [A] scratch
    direction: np.ndarray  # [A] scratch


def start(*, log_ref: np.ndarray, beta: float, ridge: float, self_sampling: bool) -> OnlineDPOKernelState:
    """Return the state before any data."""
    prompts, responses = log_ref.shape
    policy = np.exp(log_ref)
    cdf = np.cumsum(policy, axis=1)
    return OnlineDPOKernelState(
        log_policy=log_ref.copy(),
        policy=policy,
        cdf=cdf,
        second_cdf=cdf if self_sampling else cdf.copy(),
        diagnostics=np.zeros(1),
        wins=np.zeros((prompts, responses, responses)),
        counts=np.zeros((prompts, responses, responses)),
        reward=np.zeros((prompts, responses)),
        log_ref=log_ref.copy(),
        factor=np.tile(np.eye(responses) / ridge, (prompts, 1, 1)),
        memory=np.tile(np.array([1.0 / ridge, 0.0]), (prompts, 1)),
        inverse_beta=1.0 / beta,
        ridge=ridge,
        weights=np.empty(responses),
        direction=np.empty(responses),
    )


@kernel
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.cdf[prompt], state.second_cdf[prompt]


@kernel
def observe(state, prompt, first, second, first_won, round_index):
    """Count the label, refit the prompt, and renew its row of the policy."""
    if first_won:
        state.wins[prompt, first, second] += 1.0
    else:
        state.wins[prompt, second, first] += 1.0
    if first == second:  # a label without information, counted on the diagonal: the fit stands
        state.diagnostics[0] = 0.0
        return
    state.counts[prompt, first, second] += 1.0
    state.counts[prompt, second, first] += 1.0
    reward = state.reward[prompt]
    factor, memory = state.factor[prompt], state.memory[prompt]
    anticipate_label_numba(reward, factor, first, second, first_won, state.direction, memory)
    solved = fit_tabular_numba(
        state.counts[prompt],
        state.wins[prompt],
        reward,
        state.ridge,
        state.weights,
        factor,
        state.direction,
        memory,
    )
    state.diagnostics[0] = 0.0 if solved else 1.0
    gibbs_row(
        state.log_ref[prompt],
        reward,
        state.inverse_beta,
        state.log_policy[prompt],
        state.policy[prompt],
        state.cdf[prompt],
    )


@kernel
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
