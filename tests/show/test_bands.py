import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench.errors import SimbenchError
from simbench.show.bands import mean_band, over
from simbench.verify.statistical.runs import RunMatrix, interval, resample_weights, run_matrix
from tests.show.synthetic import law_matrix, tidy

NOISY = law_matrix(np.sqrt, noise=0.7, runs=60, instances=3, tag="band")


def test_run_matrix_undoes_tidy():
    again = run_matrix(tidy(NOISY).sample(frac=1.0, random_state=1), "regret")
    np.testing.assert_array_equal(again.values, NOISY.values)
    np.testing.assert_array_equal(again.instance, NOISY.instance)
    np.testing.assert_array_equal(again.rounds, NOISY.rounds)
    assert (again.runs, again.instances) == (60, 3)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.rename(columns={"regret": "regrets"}), "no column 'regret'; it has .*regrets"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "two rows for instance 0, run 0, round 1"),
        (lambda t: t.iloc[1:], "different checkpoints"),
    ],
)
def test_run_matrix_refuses(spoil, message):
    with pytest.raises(SimbenchError, match=message):
        run_matrix(spoil(tidy(NOISY)), "regret")


def test_weights_resample_runs_within_their_instance():
    instance = np.array([0, 0, 0, 1, 1, 5])
    weights = resample_weights(instance, resamples=200, purpose="test")
    for world in (0, 1, 5):
        np.testing.assert_allclose(weights[:, instance == world].sum(axis=1), np.mean(instance == world))
    counts = weights * instance.size
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-12)
    assert len(np.unique(counts, axis=0)) > 20


def test_weights_are_a_function_of_the_purpose():
    one, again, other = (
        resample_weights(NOISY.instance, resamples=5, purpose=purpose) for purpose in ("a", "a", "b")
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_band_is_mean_and_quantiles():
    band = mean_band(NOISY, spread=0.5)
    np.testing.assert_allclose(band["mean"], NOISY.values.mean(axis=0))
    np.testing.assert_allclose(band["spread_low"], np.quantile(NOISY.values, 0.25, axis=0))
    np.testing.assert_allclose(band["spread_high"], np.quantile(NOISY.values, 0.75, axis=0))
    assert (band["low"] < band["mean"]).all()
    assert (band["mean"] < band["high"]).all()


def test_bootstrap_agrees_with_the_normal_interval():
    # The standard error of a stratified mean; 4000 resamples know a 95 % interval's width to about 2 % (one sigma).
    within = [NOISY.values[NOISY.instance == i] for i in range(3)]
    error = np.sqrt(sum(len(v) * v.var(axis=0) for v in within)) / NOISY.runs
    band = mean_band(NOISY, resamples=4000)
    expected = 2.0 * stats.norm.ppf(0.975) * error
    np.testing.assert_allclose(band["high"] - band["low"], expected, rtol=0.1)


def test_worlds_that_differ_do_not_widen_the_interval_of_the_mean():
    shifted = RunMatrix(
        rounds=NOISY.rounds, values=NOISY.values + 1e3 * NOISY.instance[:, None], instance=NOISY.instance
    )
    plain, moved = mean_band(NOISY), mean_band(shifted)
    np.testing.assert_allclose(
        moved["high"] - moved["low"], plain["high"] - plain["low"], rtol=1e-6, atol=1e-9
    )


def test_equal_runs_have_no_band():
    band = mean_band(law_matrix(np.sqrt))
    np.testing.assert_allclose(band["high"] - band["low"], 0.0, atol=1e-10)


@pytest.mark.parametrize("name", ["level", "spread"])
def test_levels_are_shares(name):
    with pytest.raises(SimbenchError, match=f"{name} is 95"):
        mean_band(NOISY, **{name: 95})


def test_intervals_of_samples_that_reach_infinity():
    samples = np.array(
        [[1.0, np.inf], [2.0, np.inf], [np.inf, np.inf], [4.0, np.inf], [5.0, np.inf], [6.0, 3.0]]
    )
    low, high = interval(samples, 0.6)
    np.testing.assert_array_equal(low, [2.0, np.inf])
    np.testing.assert_array_equal(high, [6.0, np.inf])


def test_intervals_of_finite_samples_are_those_of_numpy():
    samples = np.random.default_rng(np.random.PCG64(5)).normal(size=(37, 3))
    for level in (0.5, 0.9, 0.95):
        expected = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
        np.testing.assert_allclose(interval(samples, level), expected, rtol=1e-14)


def test_from_sixteen_worlds_on_the_interval_is_over_worlds():
    many = law_matrix(np.sqrt, noise=0.7, runs=60, instances=20, tag="family")
    apart = RunMatrix(
        rounds=many.rounds, values=many.values * (1.0 + 0.1 * many.instance[:, None]), instance=many.instance
    )
    band = mean_band(apart)
    by_world = np.array([apart.values[apart.instance == i].mean(axis=0) for i in range(20)])
    student = stats.ttest_1samp(by_world, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose(band["mean"], by_world.mean(axis=0))
    np.testing.assert_allclose(band["low"], student.low)
    np.testing.assert_allclose(band["high"], student.high)
    assert [over(20), over(8), over(1)] == [
        "over 20 worlds",
        "over runs within 8 worlds",
        "over runs within 1 world",
    ]
