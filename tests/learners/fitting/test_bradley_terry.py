"""The solved Bradley-Terry fit: against choix, statsmodels, the naive fit, and its own optimality conditions."""

import warnings

import choix
import jax
import numpy as np
import pytest
from statsmodels.base._penalized import PenalizedMixin
from statsmodels.base._penalties import L2
from statsmodels.discrete.discrete_model import Logit

from simbench.learners import UnidentifiedWarning, fit_tabular
from simbench.learners.fitting.bradley_terry import WIDEST
from simbench.learners.kernels.bradley_terry import anticipate_label_numba, fit_tabular_numba
from simbench.learners.parts.bradley_terry import fit_tabular_jax
from simbench.precision import entry_point
from simbench.tape.kernel import kernel
from tests.naive.fit import fit_rewards

traced_fit = entry_point(jax.jit(fit_tabular_jax))


def fitted(wins, ridge):
    """The rewards alone; what labels leave open is another matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnidentifiedWarning)
        return fit_tabular(wins, ridge).rewards


def random_wins(seed, size, labels):
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=size)
    wins = np.zeros((size, size))
    for _ in range(labels):
        a, b = rng.choice(size, 2, replace=False)
        first_won = rng.random() < 1 / (1 + np.exp(strength[b] - strength[a]))
        wins[(a, b) if first_won else (b, a)] += 1
    return wins


def separable_chain(size, labels):
    """Response 0 always beats 1, 1 always beats 2, …: without a ridge the fit diverges."""
    wins = np.zeros((size, size))
    wins[np.arange(size - 1), np.arange(1, size)] = labels
    return wins


@pytest.mark.parametrize("ridge", [0.2, pytest.param(1.0, marks=pytest.mark.thorough)])
def test_fit_vs_choix(ridge):
    """choix penalises alpha ||theta||^2 without the half: alpha = ridge / 2."""
    wins = random_wins(1, 6, 400)
    data = [(a, b) for a in range(6) for b in range(6) for _ in range(int(wins[a, b]))]
    theirs = choix.opt_pairwise(6, data, alpha=ridge / 2, method="Newton-CG", tol=1e-14)
    np.testing.assert_allclose(fitted(wins[None], ridge)[0], theirs, rtol=0, atol=1e-8)


class PenalisedLogit(PenalizedMixin, Logit):
    """statsmodels' logistic regression with its quadratic penalty pen_weight sum theta^2."""


@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_fit_vs_statsmodels(ridge):
    """Bradley-Terry is a logistic regression on differences of indicators: pen_weight = ridge / 2."""
    wins = random_wins(2, 5, 300)
    rows, outcomes = [], []
    for a, b in np.ndindex(5, 5):
        for _ in range(int(wins[a, b])):
            row = np.zeros(5)
            row[max(a, b)], row[min(a, b)] = -1, 1
            rows.append(row)
            outcomes.append(float(a < b))
    model = PenalisedLogit(np.array(outcomes), np.array(rows), penal=L2(), pen_weight=ridge / 2)
    result = model.fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    np.testing.assert_allclose(fitted(wins[None], ridge)[0], result.params, rtol=0, atol=1e-8)


def test_both_dialects_vs_naive():
    """One size, from no label to a separable thousand: compiled once."""
    for wins in (np.zeros((8, 8)), random_wins(3, 8, 60), separable_chain(8, 1000)):
        check_both_dialects(wins, 1e-3)


@pytest.mark.parametrize("ridge", [1e-3, 1.0])
@pytest.mark.parametrize(
    "wins",
    [
        random_wins(3, 10, 60),
        random_wins(4, 10, 50_000),
        separable_chain(8, 1000),
        np.zeros((4, 4)),
        np.zeros((1, 1)),
    ],
    ids=["few labels", "many labels", "separable", "no labels", "one response"],
)
@pytest.mark.thorough
def test_numba_and_jax_fits_vs_naive(wins, ridge):
    check_both_dialects(wins, ridge)


def check_both_dialects(wins, ridge):
    naive = fit_rewards(wins, ridge, np.zeros(len(wins)))
    np.testing.assert_allclose(fitted(wins[None], ridge)[0], naive, rtol=0, atol=1e-9)
    reward, solved = traced_fit(wins, np.zeros(len(wins)), ridge)
    assert solved
    np.testing.assert_allclose(reward, naive, rtol=0, atol=1e-9)


@pytest.mark.thorough
def test_rewards_too_far_apart_for_shared_exponentials():
    """A long separable chain pulls its ends more than 600 apart; both dialects then go by pairs."""
    wins, ridge = separable_chain(50, 1e6), 1e-4
    reward = fitted(wins[None], ridge)[0]
    assert np.ptp(reward) > 600
    p = 1 / (1 + np.exp(reward[1:] - reward[:-1]))  # neighbours are all that was compared
    flow = 1e6 * np.exp(-(reward[:-1] - reward[1:])) * p  # n (1 - p), without cancellation
    net = np.diff(np.concatenate([[0.0], -flow, [0.0]]))
    np.testing.assert_allclose(-net, ridge * reward, rtol=1e-6, atol=1e-9)
    traced, solved = traced_fit(wins, np.zeros(50), ridge)
    assert solved
    np.testing.assert_allclose(traced, reward, rtol=1e-9)


def test_a_run_too_wide_leaves_its_companions_alone():
    """Of runs fitted side by side one starts too wide and one needs damped steps; each is as in any other company."""
    ridge = 0.1
    wins = np.stack(
        [random_wins(5, 12, 40), random_wins(6, 12, 900), separable_chain(12, 50), np.zeros((12, 12))]
    )
    start = np.zeros((4, 12))
    start[0] = np.linspace(0.6, -0.6, 12) * WIDEST
    side_by_side = entry_point(jax.jit(jax.vmap(lambda wins, start: fit_tabular_jax(wins, start, ridge))))
    rewards, solved = side_by_side(wins, start)
    assert solved.all()
    np.testing.assert_allclose(rewards, fitted(wins, ridge), rtol=0, atol=1e-9)
    for company in ([2, 0, 3, 1], [3, 1, 2, 2]):
        np.testing.assert_array_equal(side_by_side(wins[company], start[company])[0], rewards[company])


@kernel
def settled_then_moved(counts, wins, reward, moved, ridge, first, second, weights, factor, direction, memory):
    """Fit `reward`, then take the step of one more label from there into `moved`; return whether the fit was solved."""
    solved = fit_tabular_numba(counts, wins, reward, ridge, weights, factor, direction, memory)
    for a in range(reward.shape[0]):
        moved[a] = reward[a]
    anticipate_label_numba(moved, factor, first, second, True, direction, memory)
    return solved


def test_anticipated_step_is_newtons_own():
    """The O(A^2) step for one new label equals the Newton step computed from the new counts at the old optimum."""
    ridge, first, second = 0.3, 2, 5
    wins = random_wins(5, 7, 900)
    counts = wins + wins.T
    reward = fitted(wins[None], ridge)[0]
    p = 1 / (1 + np.exp(reward[None] - reward[:, None]))
    curvature = counts * p * (1 - p)
    hessian = np.diag(curvature.sum(1) + ridge) - curvature
    new = np.zeros(7)
    new[first], new[second] = 1, -1
    chance = p[first, second]
    expected = (1 - chance) * np.linalg.solve(hessian + chance * (1 - chance) * np.outer(new, new), new)

    factor = np.empty((7, 7))
    scratch = np.empty(7), np.empty(7)
    memory = np.array([1 / ridge, 0.0])
    settled, moved = reward.copy(), reward.copy()
    assert settled_then_moved(
        counts, wins, settled, moved, ridge, first, second, scratch[0], factor, scratch[1], memory
    )
    assert np.ptp(expected) < 0.25  # an undamped step
    np.testing.assert_allclose(moved - settled, expected, rtol=0, atol=1e-10)


def test_a_wrong_ridge_convention_is_seen():
    """Control of the comparisons above: twice the ridge moves the fit by far more than their tolerance."""
    wins = random_wins(1, 6, 400)
    assert np.abs(fitted(wins[None], 1.0) - fitted(wins[None], 2.0)).max() > 1e-3
