"""Values of known range: the size is at most alpha on every law, counted without chance. No test here is random."""

import itertools

import numpy as np
import pytest
from scipy import stats

from simbench.verify.statistical import bounded


@pytest.mark.parametrize("count", [1, 5, 16, 100])
@pytest.mark.parametrize("mean", [0.05, 0.3, 0.5, 0.9])
def test_size_on_coins_in_closed_form(count, mean):
    wins = np.arange(count + 1)
    values = (np.arange(count) < wins[:, None]).astype(float)
    chances = stats.binom.pmf(wins, count, mean)
    for p in (bounded.above(values, mean, 0.0, 1.0), bounded.below(values, mean, 0.0, 1.0)):
        for alpha in (1e-4, 0.01, 0.1):
            assert chances[p <= alpha].sum() <= alpha


def test_size_in_strata_of_unequal_coins():
    chances = np.array([0.01, 0.02, 0.1, 0.3, 0.3, 0.4, 0.7, 0.8, 0.9, 0.97])
    values = np.array(list(itertools.product([0.0, 1.0], repeat=10)))
    likely = np.prod(np.where(values > 0.5, chances, 1.0 - chances), axis=1)
    mean = float(chances.mean())
    for p in (bounded.above(values, mean, 0.0, 1.0), bounded.below(values, mean, 0.0, 1.0)):
        for alpha in (0.01, 0.05, 0.2):
            assert likely[p <= alpha].sum() <= alpha


def test_units_do_not_matter():
    values = np.random.default_rng(1).beta(2.0, 5.0, (4, 60))
    p = bounded.above(values, 0.2, 0.0, 1.0)
    np.testing.assert_allclose(bounded.above(10.0 * values - 3.0, -1.0, -3.0, 7.0), p)
    np.testing.assert_allclose(bounded.below(-values, -0.2, -1.0, 0.0), p)
    np.testing.assert_allclose(
        bounded.above(values[:, ::-1], 0.2, 0.0, 1.0), p, err_msg="no order among the units"
    )


def test_it_adapts_to_the_variance():
    narrow = 0.5 + 0.01 * np.linspace(-1.0, 1.0, 100)
    hoeffding = np.exp(-2.0 * 100 * 0.1**2)
    assert bounded.above(narrow, 0.4, 0.0, 1.0) < 1e-3 * hoeffding
    coins = (np.arange(200) < 130).astype(float)
    exact = stats.binom.sf(129, 200, 0.5)
    assert exact < bounded.above(coins, 0.5, 0.0, 1.0) < 100 * exact


def test_limits_at_the_ends_of_the_range():
    values = np.array([0.0, 0.2, 0.0])
    assert bounded.above(values, 1.0, 0.0, 1.0) == 1.0
    assert bounded.above(values, 0.0, 0.0, 1.0) == 0.0
    assert bounded.above(np.zeros(3), 0.0, 0.0, 1.0) == 1.0
