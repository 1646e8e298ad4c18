"""The objective of a fit: written out label by label, and its derivatives by finite differences."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.naive import RPO, VPO, XPO, Logistic, NoExtra, Squared
from tests.naive import world as naive
from tests.naive.instances import data_of, draw_labels, draw_world
from tests.naive.objective import LONG, LinearProblem

WORLD = draw_world(0)
LABELS = draw_labels(WORLD, 1, 30)
REWARD = np.random.default_rng(2).normal(size=(3, 4))
EXTRAS = [NoExtra(), XPO(0.3), VPO(0.2), VPO(0.2, weight="constant"), RPO(0.1)]


def change(extra, loss=None) -> float:
    """Value at REWARD minus value at zero, so that constants drop out."""
    data = data_of(WORLD, loss or Logistic(), extra, LABELS)
    return float(data.value(REWARD.astype(LONG)) - data.value(np.zeros((3, 4), dtype=LONG)))


def nll(reward: np.ndarray) -> float:
    return sum(math.log1p(math.exp(reward[s, loser] - reward[s, winner])) for s, winner, loser in LABELS)


def optimal_value(weights: np.ndarray, reward: np.ndarray) -> float:
    """sum_s weights[s] beta log sum_a ref exp(r / beta)."""
    z = np.sum(np.exp(WORLD.log_ref + reward / WORLD.beta), axis=1)
    return float(WORLD.beta * weights @ np.log(z))


def mean_under_reference(weights: np.ndarray) -> float:
    return float(np.sum(weights[:, None] * np.exp(WORLD.log_ref) * REWARD))


def test_the_losses_are_sums_over_labels():
    assert change(NoExtra()) == pytest.approx(nll(REWARD) - nll(0 * REWARD), abs=1e-12)
    squares = sum((REWARD[s, w] - REWARD[s, x] - 0.5) ** 2 - 0.25 for s, w, x in LABELS)
    assert change(NoExtra(), Squared()) == pytest.approx(squares, abs=1e-12)


def test_xpo_adds_alpha_times_the_log_probability_of_what_slot_2_drew():
    log_policy = naive.gibbs(WORLD, REWARD)
    added = sum(log_policy[s, b] - WORLD.log_ref[s, b] for s, _, b in LABELS)
    assert change(XPO(0.3)) - change(NoExtra()) == pytest.approx(0.3 * added, abs=1e-12)


def test_vpo_subtracts_the_optimal_value_above_the_calibration():
    prompts = np.bincount([s for s, _, _ in LABELS], minlength=3)
    for weights, extra in [
        (prompts, VPO(0.2)),
        (WORLD.rho, VPO(0.2, weight="constant")),
    ]:
        bonus = optimal_value(weights, REWARD) - mean_under_reference(weights)
        assert change(extra) - change(NoExtra()) == pytest.approx(-0.2 / 0.5 * bonus, abs=1e-12)
    wins_all = np.eye(4)[[0, 1, 2]]  # calibrated on one response per prompt
    bonus = optimal_value(prompts, REWARD) - prompts @ np.diag(REWARD)
    found = change(VPO(0.2, calibration=wins_all)) - change(NoExtra())
    assert found == pytest.approx(-0.2 / 0.5 * bonus, abs=1e-12)


def test_rpo_is_labels_times_its_saddle_objective():
    n = len(LABELS)
    frequency = np.bincount([s for s, _, _ in LABELS], minlength=3) / n
    pessimism = 0.1 * (optimal_value(frequency, REWARD) - mean_under_reference(frequency))
    mean_nll = (nll(REWARD) - nll(0 * REWARD)) / n
    assert change(RPO(0.1)) == pytest.approx(n * (pessimism + mean_nll), abs=1e-12)


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: type(extra).__name__)
@pytest.mark.parametrize("loss", [Logistic(), Squared()], ids=lambda loss: type(loss).__name__)
def test_derivatives_are_finite_differences(loss, extra):
    data = data_of(WORLD, loss, extra, LABELS)
    problem = LinearProblem(data=data, ridge=0.1, features=np.eye(12).reshape(3, 4, 12))
    flat, h = REWARD.ravel().astype(LONG), LONG(1e-5)
    directions = np.eye(12)
    slopes = [(problem.value(flat + h * e) - problem.value(flat - h * e)) / (2 * h) for e in directions]
    assert_allclose(problem.derivatives(flat)[0].astype(float), np.array(slopes, dtype=float), atol=2e-9)
    bends = [
        (problem.derivatives(flat + h * e)[0] - problem.derivatives(flat - h * e)[0]) / (2 * h)
        for e in directions
    ]
    assert_allclose(problem.derivatives(flat)[1], np.array(bends, dtype=float), atol=2e-9)


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: type(extra).__name__)
def test_shifting_the_rewards_of_a_prompt_changes_nothing(extra):
    data = data_of(WORLD, Logistic(), extra, LABELS)
    shift = np.array([[3.0], [-1.0], [0.5]])
    assert abs(float(data.value((REWARD + shift).astype(LONG)) - data.value(REWARD.astype(LONG)))) < 1e-13
    assert_allclose(data.derivatives(REWARD.astype(LONG))[0].sum(axis=1).astype(float), 0.0, atol=1e-14)


def test_an_unknown_weight_is_refused():
    with pytest.raises(ValueError, match="it is 'per_label' or 'constant'"):
        VPO(0.1, weight="weekly")
