"""Fits of many responses: conjugate gradients reach the factorising kernel's minimiser, or leave the prompt to it."""

import numpy as np
import pytest

from simbench import fit_tabular
from simbench.learners.fit import _fit_many, _fit_prompt
from simbench.learners.kernels.large_fit import LARGE

pytestmark = pytest.mark.filterwarnings("ignore:labels do not identify")


def labels(size, per_pair, spread=1.0, seed=0):
    """Win counts `[A, A]` of a Bradley-Terry field, `per_pair` labels a pair on average."""
    rng = np.random.default_rng(seed)
    reward = spread * rng.normal(size=size)
    counts = np.triu(rng.poisson(per_pair, size=(size, size)), 1)
    won = rng.binomial(counts, 1 / (1 + np.exp(reward[None, :] - reward[:, None])))
    return (won + (counts - won).T).astype(float)


def direct(wins, ridge):
    size = len(wins)
    reward = np.zeros(size)
    scratch = np.empty(size), np.empty((size, size)), np.empty(size), np.array([1.0 / ridge, 0.0])
    assert _fit_prompt(wins + wins.T, wins, reward, ridge, *scratch)
    return reward


@pytest.mark.parametrize(("per_pair", "spread"), [(5.0, 1.0), (0.5, 1.0), (5.0, 4.0), (1e6, 0.1)])
@pytest.mark.parametrize("ridge", [1e-3, 1.0, 1e3])
def test_it_is_the_minimiser_of_the_factorising_kernel(per_pair, spread, ridge):
    wins = labels(LARGE + 11, per_pair, spread)
    reward = np.zeros(len(wins))
    assert _fit_many(wins + wins.T, wins, reward, ridge)
    np.testing.assert_allclose(reward, direct(wins, ridge), atol=1e-10 * (1 + np.abs(reward).max()))
    assert abs(reward.sum()) < 1e-9


@pytest.mark.parametrize(
    ("wins", "ridge"),
    [
        (labels(LARGE, 0.02), 1e-9),  # groups that were never compared, held by the ridge alone
        (np.diag(np.ones(LARGE - 1), 1) * 1e3, 1e-3),  # a chain, each link won always
        (np.diag(np.ones(LARGE - 1), 1) + np.diag(np.ones(LARGE - 1), -1), 1e-3),  # a path: slow to mix
    ],
)
def test_what_it_cannot_tell_is_fitted_directly(wins, ridge):
    np.testing.assert_allclose(fit_tabular(wins[None], ridge).rewards[0], direct(wins, ridge), atol=1e-9)


def test_self_comparisons_say_nothing():
    wins = labels(LARGE, 2.0)
    with_selves = wins + 7.0 * np.eye(LARGE)
    np.testing.assert_array_equal(
        fit_tabular(with_selves[None], 1.0).rewards, fit_tabular(wins[None], 1.0).rewards
    )


def test_no_labels_at_all():
    np.testing.assert_array_equal(fit_tabular(np.zeros((1, LARGE, LARGE)), 1.0).rewards, 0.0)
