"""A policy that never changes, as a numba kernel: the twin of learners/online/constant.py."""

from typing import NamedTuple

import numpy as np

from simbench.learners.kernels.schedules import NONE
from simbench.tape.kernel import inner


class ConstantKernelState(NamedTuple):
    """The policy: log, probabilities and running sums."""

    log_policy: np.ndarray  # [S, A]
    policy: np.ndarray  # [S, A]
    cdf: np.ndarray  # [S, A] running sums of the policy
    diagnostics: np.ndarray  # [0]


def start(log_policy: np.ndarray) -> ConstantKernelState:
    """Return the state of a learner that plays `log_policy` for ever."""
    policy = np.exp(log_policy)
    return ConstantKernelState(
        log_policy=log_policy, policy=policy, cdf=np.cumsum(policy, axis=1), diagnostics=np.zeros(0)
    )


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.cdf[prompt], state.cdf[prompt]


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Learn nothing."""
    return NONE
