"""Means of unknown range: closed forms and relations. All values are SEEDED."""

import numpy as np
import pytest
from scipy import stats

from simbench.verify.statistical import means
from simbench.verify.statistical.population import units, world_means
from simbench.verify.statistical.runs import RunMatrix

RNG = np.random.default_rng(np.random.PCG64(21))
ONE = np.zeros(200, dtype=int)


def test_symmetric_values_get_students_p_value():
    half = RNG.normal(0.0, 1.0, 100)
    values = np.concatenate([half, -half]) + 0.2
    student = stats.ttest_1samp(values, 0.0, alternative="greater").pvalue
    assert means.above(values, ONE, 0.0) == pytest.approx(student, rel=1e-9)
    assert means.below(-values, ONE, 0.0) == pytest.approx(student, rel=1e-9)


@pytest.mark.parametrize("limit", [-0.4, -0.1, 0.0, 0.1])
def test_never_more_eager_than_student(limit):
    values = RNG.lognormal(0.0, 1.0, (50, 200)) - np.exp(0.5)
    for side, test in (("greater", means.above), ("less", means.below)):
        assert (
            test(values, ONE, limit)
            >= stats.ttest_1samp(values, limit, axis=1, alternative=side).pvalue - 1e-12
        ).all()


def test_halls_statistic_by_hand():
    values = np.concatenate([np.full(195, -1.0), np.full(5, 19.0)])
    mean, spread = values.mean(), values.std(ddof=1)
    gamma = np.mean((values - mean) ** 3) / values.std() ** 3
    w = -mean / spread  # the mean is below: turned round
    gamma, n = -gamma, values.size
    t = np.sqrt(n) * (w + gamma * w**2 / 3 + gamma**2 * w**3 / 27 + gamma / (6 * n))
    assert (
        means.below(values, ONE, 0.0)
        >= stats.t.sf(t, n - 1)
        > stats.ttest_1samp(values, 0.0, alternative="less").pvalue
    )


def test_what_was_not_seen_counts_against_a_mean_below_the_long_tail():
    values = np.concatenate([np.full(199, -1.0), [19.0]])
    assert stats.ttest_1samp(values, 0.0, alternative="less").pvalue < 1e-12
    assert means.below(values, ONE, 0.0) > 0.01
    assert means.above(-values, ONE, 0.0) > 0.01


def test_strata_have_means_of_their_own():
    world = np.repeat(np.arange(4), 50)
    values = RNG.normal(0.0, 1.0, 200)
    apart = values + np.array([-9.0, 0.0, 2.0, 7.0])[world]
    low = means.above(values, world, 0.0), means.above(apart, world, 0.0)
    assert low[0] == pytest.approx(low[1], rel=1e-9), "worlds that differ are no uncertainty of theirs"
    assert means.above(apart, ONE, -0.5) > 100 * means.above(apart, world, -0.5)


def test_units_without_spread_are_no_evidence():
    assert means.above(np.full(200, 3.0), ONE, 0.0) == 1.0
    assert means.above(np.full(200, 0.1) + 1e-18, ONE, 0.0) == 1.0
    assert means.student(np.full(200, 3.0), ONE, 0.0, floor=1e-3) < 1e-12


@pytest.mark.parametrize("limit", [-0.3, 0.1])
def test_students_p_value_alone(limit):
    values = RNG.normal(0.0, 1.0, 200)
    expected = stats.ttest_1samp(values, limit, alternative="greater").pvalue
    assert means.student(values, ONE, limit, floor=0.0) == pytest.approx(expected, rel=1e-9)


def test_units_of_a_family_are_worlds():
    instance = np.array([5, 5, 2, 2, 2, 9])
    values = np.array([[1.0], [3.0], [0.0], [3.0], [6.0], [7.0]])
    np.testing.assert_allclose(world_means(values, instance), [[3.0], [2.0], [7.0]])
    matrix = RunMatrix(rounds=np.ones(1), values=values, instance=instance)
    assert units(matrix, "worlds") is matrix
    assert (units(matrix, "family").runs, units(matrix, "family").instances) == (3, 1)
