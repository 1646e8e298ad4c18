"""The naive Bradley-Terry fit against two independent libraries and against its own optimality condition.

choix minimises  - sum log sigma(r_w - r_l) + alpha sum r^2,       so  alpha = ridge / 2
(its prose calls 1/alpha the prior variance; its objective makes that 1/(2 alpha)). statsmodels' L2 penalty is
pen_weight sum r^2, so pen_weight = ridge / 2 again, with one logit row x = e_first - e_second per comparison.
"""

import math

import choix
import numpy as np
import pytest
from choix.opt import PairwiseFcts
from numpy.testing import assert_allclose
from statsmodels.base._penalized import PenalizedMixin
from statsmodels.base._penalties import L2
from statsmodels.discrete.discrete_model import Logit

from tests.naive import fit
from tests.naive.fit import derivatives, fit_rewards


class RidgeLogit(PenalizedMixin, Logit):
    """statsmodels' logit with its own ridge penalty."""


def draw_comparisons(seed: int, responses: int, labels: int, scale: float) -> list[tuple[int, int]]:
    """(winner, loser) pairs, self-pairs included, from Bradley-Terry rewards of spread `scale`."""
    rng = np.random.default_rng(seed)
    rewards = scale * rng.normal(size=responses)
    first, second = rng.integers(responses, size=(2, labels))
    won = rng.random(labels) < 1 / (1 + np.exp(rewards[second] - rewards[first]))
    return [(int(a), int(b)) if w else (int(b), int(a)) for a, b, w in zip(first, second, won, strict=True)]


def count_wins(comparisons: list[tuple[int, int]], responses: int) -> np.ndarray:
    wins = np.zeros((responses, responses))
    for winner, loser in comparisons:
        wins[winner, loser] += 1
    return wins


def from_zero(wins: np.ndarray, ridge: float) -> np.ndarray:
    return fit_rewards(wins, ridge, start=np.zeros(len(wins)))


CASES = [  # seed, responses, labels, scale of the rewards, ridge
    (0, 2, 1, 1.0, 1e-3),  # one label: separated, held by the ridge alone
    (1, 5, 40, 1.0, 1.0),
    (2, 10, 300, 1.0, 1e-3),
    (4, 6, 1000, 3.0, 0.1),
    (3, 10, 60, 5.0, 1.0),
    (3, 10, 60, 5.0, 1e-3),  # separable: every pair has one winner
]


@pytest.mark.parametrize(("seed", "responses", "labels", "scale", "ridge"), CASES[:-1])
def test_fit_is_choix_at_half_the_ridge(seed, responses, labels, scale, ridge):
    """Not the separable case: there choix's line search stalls 7e-8 away; the next test judges it."""
    comparisons = draw_comparisons(seed, responses, labels, scale)
    theirs = choix.opt_pairwise(responses, comparisons, alpha=ridge / 2, tol=1e-13, max_iter=1000)
    assert_allclose(from_zero(count_wins(comparisons, responses), ridge), theirs, rtol=0, atol=1e-8)


@pytest.mark.parametrize(("seed", "responses", "labels", "scale", "ridge"), CASES)
def test_the_gradient_and_the_newton_step_of_choix_vanish_at_the_fit(seed, responses, labels, scale, ridge):
    comparisons = draw_comparisons(seed, responses, labels, scale)
    rewards = from_zero(count_wins(comparisons, responses), ridge)
    theirs = PairwiseFcts(comparisons, ridge / 2)
    assert np.abs(theirs.gradient(rewards)).max() < 1e-10
    step = np.linalg.solve(theirs.hessian(rewards), theirs.gradient(rewards))
    assert np.abs(step).max() < 1e-12 * (1 + np.abs(rewards).max())


@pytest.mark.parametrize(("seed", "responses", "labels", "scale", "ridge"), CASES[1:])
def test_fit_is_the_ridge_logit_of_statsmodels(seed, responses, labels, scale, ridge):
    comparisons = draw_comparisons(seed, responses, labels, scale)
    rng = np.random.default_rng(seed)
    first_won = (
        rng.random(labels) < 0.5
    )  # the order within a pair is free: the logit row flips with the label
    design = np.zeros((labels, responses))
    for i, (winner, loser) in enumerate(comparisons):
        design[i, winner] += 1
        design[i, loser] -= 1
    design[~first_won] *= -1
    model = RidgeLogit(first_won.astype(float), design, penal=L2(), pen_weight=ridge / 2)
    theirs = model.fit(method="newton", tol=1e-13, maxiter=200, disp=False, skip_hessian=True).params
    assert_allclose(from_zero(count_wins(comparisons, responses), ridge), theirs, rtol=0, atol=1e-8)


def penalised_nll(rewards: np.ndarray, comparisons: list[tuple[int, int]], ridge: float) -> float:
    """L(r), one comparison at a time."""
    nll = sum(math.log1p(math.exp(rewards[loser] - rewards[winner])) for winner, loser in comparisons)
    return nll + ridge / 2 * float(np.sum(rewards**2))


@pytest.mark.parametrize(("seed", "responses", "labels", "scale", "ridge"), CASES)
def test_gradient_vanishes_at_the_fit_and_nothing_nearby_is_better(seed, responses, labels, scale, ridge):
    comparisons = draw_comparisons(seed, responses, labels, scale)
    rewards = from_zero(count_wins(comparisons, responses), ridge)
    gradient = ridge * rewards
    for winner, loser in comparisons:
        p_upset = 1 / (1 + math.exp(rewards[winner] - rewards[loser]))
        gradient[winner] -= p_upset
        gradient[loser] += p_upset
    assert np.abs(gradient).max() < 1e-10
    assert abs(rewards.sum()) < 1e-10  # every pair pulls both ways alike, so the ridge centres the fit

    best = penalised_nll(rewards, comparisons, ridge)
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(20):
            elsewhere = rewards + size * rng.normal(size=responses)
            assert penalised_nll(elsewhere, comparisons, ridge) > best


def test_derivatives_are_those_of_the_objective():
    comparisons = [pair for pair in draw_comparisons(5, 4, 50, 1.0) if pair[0] != pair[1]]
    wins, ridge, h = count_wins(comparisons, 4), 0.3, 1e-5
    at = np.array([0.4, -1.0, 0.2, 0.9])
    gradient, hessian = derivatives(at, wins, ridge)
    for a, direction in enumerate(h * np.eye(4)):
        ahead, behind = at + direction, at - direction
        slope = (penalised_nll(ahead, comparisons, ridge) - penalised_nll(behind, comparisons, ridge)) / (
            2 * h
        )
        assert gradient[a] == pytest.approx(slope, abs=1e-7)
        bend = (derivatives(ahead, wins, ridge)[0] - derivatives(behind, wins, ridge)[0]) / (2 * h)
        assert_allclose(hessian[a], bend, rtol=0, atol=1e-7)


def test_two_responses_have_a_closed_form():
    """r = (x, -x)/2 with w sigma(-x) - l sigma(x) = ridge x / 2; with w = 3 l and no ridge x = log 3."""
    rewards = from_zero(np.array([[0.0, 300.0], [100.0, 0.0]]), 1e-10)
    assert_allclose(rewards, [math.log(3) / 2, -math.log(3) / 2], rtol=0, atol=1e-11)


def test_self_pairs_and_the_start_change_nothing():
    wins = count_wins(draw_comparisons(6, 8, 200, 2.0), 8)
    rewards = from_zero(wins, 1e-3)
    assert_allclose(from_zero(wins + 50 * np.eye(8), 1e-3), rewards, rtol=0, atol=0)
    for start in np.random.default_rng(6).normal(scale=5.0, size=(5, 8)):
        assert_allclose(fit_rewards(wins, 1e-3, start=start), rewards, rtol=0, atol=1e-12)


@pytest.mark.parametrize("labels", [1e3, 1e5, 1e7])
@pytest.mark.parametrize("concentration", [0.05, 3.0])
def test_fit_converges_below_the_rule_at_ridge_1e_3(labels, concentration):
    """Sampling that collapses on one response, and rewards that separate, up to 1e7 labels."""
    rng = np.random.default_rng(7)
    for _ in range(10):
        policy, rewards = rng.dirichlet(np.full(10, concentration)), 5.0 * rng.normal(size=10)
        pairs = rng.multinomial(int(labels), np.outer(policy, policy).ravel()).reshape(10, 10)
        won = rng.binomial(pairs, 1 / (1 + np.exp(rewards[None, :] - rewards[:, None])))
        wins = (won + (pairs - won).T) * (1.0 - np.eye(10))
        fitted = from_zero(wins, 1e-3)
        gradient, hessian = derivatives(fitted, wins, 1e-3)
        newton_step = np.abs(np.linalg.solve(hessian, gradient)).max()
        assert newton_step < 1e-14 * (1 + np.abs(fitted).max())


def test_a_fit_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(fit, "MAX_ITERATIONS", 2)
    with pytest.raises(RuntimeError, match="did not converge in 2 Newton steps"):
        from_zero(np.array([[0.0, 100.0], [0.0, 0.0]]), 1e-3)
