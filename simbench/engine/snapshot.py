"""What an engine hands over at a checkpoint, for a block of B runs."""

from typing import NamedTuple

import numpy as np


class Snapshot(NamedTuple):
    """The state of B runs after `round` rounds; policies are measured and then dropped."""

    iteration: int
    round: int
    labels: int
    log_policy: np.ndarray  # [B, S, A] what would be deployed now
    mean_policy: np.ndarray | None  # [B, S, A] mean of the policies charged, or stepped from, so far
    regret: np.ndarray  # [B, c] cumulative, a column per currency
    diagnostics: np.ndarray  # [B, k] reduced, in the learner's declared order
