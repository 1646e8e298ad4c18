"""The Bradley-Terry fit of one prompt at 10, 100 and 500 responses, beside a NumPy Newton and choix (`make bench`).

Grouped by size, so that a report shows the ratios of one run; one thread each (`OMP_NUM_THREADS=1 make bench`).
"""

import choix
import numpy as np
import pytest

from simbench import fit_tabular
from tests.learners.fitting.test_large_fit import labels

RIDGE = 1e-3
LABELS = 5.0  # per pair


def newton(wins):
    """Plain Newton with NumPy's solver, to 1e-12."""
    counts, reward = wins + wins.T, np.zeros(len(wins))
    for _ in range(50):
        won = 1 / (1 + np.exp(reward[None, :] - reward[:, None]))
        weights = counts * won * won.T
        gradient = (wins.T * won - wins * won.T).sum(axis=1) + RIDGE * reward
        hessian = np.diag(weights.sum(axis=1) + RIDGE) - weights
        step = np.linalg.solve(hessian, gradient)
        reward -= step
        if np.abs(step).max() < 1e-12:
            return reward
    raise AssertionError("Newton's method did not converge")


def pairs(wins):
    return [(a, b) for a, b in zip(*np.nonzero(wins), strict=True) for _ in range(int(wins[a, b]))]


def by_choix(wins):
    data = pairs(wins)
    return lambda: choix.ilsr_pairwise(len(wins), data, alpha=RIDGE)


CONTENDERS = {
    "simbench": lambda wins: lambda: fit_tabular(wins[None], RIDGE).rewards[0],
    "numpy": lambda wins: lambda: newton(wins),
    "choix": by_choix,
}


@pytest.mark.parametrize("size", [10, 100, 500])
@pytest.mark.parametrize("name", CONTENDERS)
def test_bradley_terry(benchmark, name, size):
    benchmark.group = f"Bradley-Terry, {size} responses"
    wins = labels(size, LABELS)
    fit = CONTENDERS[name](wins)
    reward = benchmark(fit)
    if name != "choix":  # whose regularisation is another
        np.testing.assert_allclose(reward - reward.mean(), newton(wins) - newton(wins).mean(), atol=1e-8)
