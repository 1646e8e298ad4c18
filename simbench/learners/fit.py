"""Fits of a user's own data, by the same solvers that the learners use."""

from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.learners.fitting.bradley_terry import MAX_STEPS
from simbench.learners.kernels.bradley_terry import fit_tabular_numba
from simbench.tape.kernel import kernel


@kernel
def _fit_prompt(counts, wins, reward, ridge, weights, factor, direction, memory):
    return fit_tabular_numba(counts, wins, reward, ridge, weights, factor, direction, memory)


def fit_tabular(wins: Any, ridge: float) -> np.ndarray:
    """Return the regularised Bradley-Terry rewards `[S, A]` for win counts `wins [S, A, A]`, centred per prompt.

    Raises `SimbenchError` when the solver does not meet its stopping rule.
    """
    wins = np.array(wins, dtype=np.float64)
    prompts, size = wins.shape[:2]
    rewards = np.zeros((prompts, size))
    for s in range(prompts):
        counts = wins[s] + wins[s].T
        np.fill_diagonal(counts, 0.0)
        scratch = np.empty(size), np.empty((size, size)), np.empty(size), np.array([1.0 / ridge, 0.0])
        if not _fit_prompt(counts, wins[s], rewards[s], ridge, *scratch):
            raise SimbenchError(
                f"the Bradley-Terry fit of prompt {s} did not converge in {MAX_STEPS} Newton steps."
            )
    return rewards
