"""The labels of a batch for a block of runs, in numba.

`numba_engine.batch_kernel` keeps its compiled form on disk: compiled once a machine.
"""

import numba

from simbench.bandit import draw_wins_numba


@numba.njit(error_model="numpy", nogil=True)
def draw_runs(keys, batch, labels, weights, first, second, preference, wins):
    """Fill `wins [B, S, A, A]` with batch `batch` of the runs with tape `keys [B, 2]`."""
    for run in range(keys.shape[0]):
        draw_wins_numba(
            keys[run, 0], keys[run, 1], batch, labels, weights, first[run], second[run], preference, wins[run]
        )
