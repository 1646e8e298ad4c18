"""Orders: the sign-flip law counted by brute force, pairing, sides and margins.

The only chance here is in the random sign patterns (a fixed tape, the same in every run of the tests; for fresh ones
the tolerance of five standard errors gives a false alarm below 1e-6).
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench.errors import UnknownNameError
from simbench.verify.statistical import ALPHA, Altered, Order, examine, sign_flips
from tests.verify.run_tables import table

RNG = np.random.default_rng(np.random.PCG64(20))


class MineIsSmaller(Order):
    name = "mine_is_smaller"
    study = "none"
    smaller, larger = "mine", "yours"


def pairs(mine, yours, **options):
    return pd.concat(
        [
            table(np.asarray(y)[:, None], learner=label, **options)
            for label, y in (("mine", mine), ("yours", yours))
        ]
    )


def trial(mine, yours, **changes):
    claim = MineIsSmaller()
    return examine(claim.altered(Altered("x", **changes)) if changes else claim, pairs(mine, yours), "test")


@pytest.mark.parametrize("count", [1, 2, 9, 10])
def test_tails_are_those_of_all_patterns(count):
    d = RNG.normal(0.4, 1.0, count)
    sums = [np.dot(signs, np.abs(d)) for signs in itertools.product([-1, 1], repeat=count)]
    low, high = sign_flips.sign_flips(d, purpose="test")
    assert low == pytest.approx(np.mean(np.array(sums) <= d.sum() + 1e-12))
    assert high == pytest.approx(np.mean(np.array(sums) >= d.sum() - 1e-12))


def test_the_size_is_exact_whatever_the_differences():
    sizes = np.abs(RNG.standard_cauchy(9))
    patterns = itertools.product([-1, 1], repeat=9)
    p = np.array([sign_flips.sign_flips(sizes * np.array(signs), purpose="test") for signs in patterns])
    for tail in (0.01, 0.05, 0.25):
        assert ((p <= tail).mean(axis=0) <= tail).all()
        assert ((p <= tail).mean(axis=0) > tail / 2).all()


def test_ties_and_zeros():
    assert sign_flips.sign_flips(np.zeros(30), purpose="test") == (1.0, 1.0)
    low, high = sign_flips.sign_flips(np.ones(12), purpose="test")
    assert (low, high) == (1.0, 2.0**-12)


def test_random_patterns_agree_with_all_of_them():
    d = RNG.normal(0.25, 1.0, 30)
    exact = sign_flips._all_patterns(d, 0.0)
    drawn = sign_flips._random_patterns(d, 0.0, "test")
    for p, q in zip(exact, drawn, strict=True):
        assert abs(p - q) < 5 * np.sqrt(p * (1 - p) / sign_flips.FLIPS) + 2 / sign_flips.FLIPS


def test_many_pairs_follow_student():
    d = RNG.normal(0.1, 1.0, 400)
    low, _ = sign_flips.sign_flips(-d, purpose="test")
    assert low == pytest.approx(stats.ttest_1samp(d, 0.0, alternative="greater").pvalue, rel=0.3)


NOISE = RNG.normal(0.0, 10.0, 60)
EDGE = 0.3 + RNG.normal(0.0, 0.3, 60)


def test_pairs_see_what_unpaired_samples_cannot():
    mine, yours = NOISE, NOISE + EDGE
    assert stats.ttest_ind(mine, yours).pvalue > 0.5
    assert trial(mine, yours).support < 1e-4
    assert trial(mine, np.roll(yours, 1)).support > 0.1, "partners are those of the same run"


def test_rows_in_any_order_are_paired_by_instance_and_run():
    rows = pairs(NOISE, NOISE + EDGE, instances=3)
    shuffled = rows.sample(frac=1.0, random_state=2)
    assert examine(MineIsSmaller(), shuffled, "test") == examine(MineIsSmaller(), rows, "test")


def test_three_outcomes_of_a_margin():
    mine, yours = NOISE, NOISE + EDGE
    assert trial(mine, yours, margin=0.1).support <= ALPHA
    assert trial(mine, yours, margin=0.6).against <= ALPHA
    between = trial(mine, yours, margin=float(EDGE.mean()))
    assert min(between.against, between.support) > 0.3
    assert trial(mine, yours, smaller="yours", larger="mine").against <= ALPHA, "the wrong side"


def test_a_factor_is_part_of_the_difference():
    y = RNG.gamma(4.0, 1.0, 50)
    assert trial(y, 3.0 * y, factor=0.5).support <= ALPHA
    assert trial(y, 3.0 * y, factor=0.3).against <= ALPHA


def test_effect_and_interval():
    found = trial(NOISE, NOISE + EDGE)
    assert found.detail["effect"] == pytest.approx(EDGE.mean())
    student = stats.ttest_1samp(EDGE, 0.0).confidence_interval(0.98)
    np.testing.assert_allclose(found.detail["interval"], student, atol=0.25 * (student.high - student.low))


@pytest.mark.parametrize(("over", "value"), [("last", 1.0), ("max", 7.0), ("min", 1.0), ("mean", 4.0)])
def test_checkpoints_are_reduced_to_one_number(over, value):
    rows = pd.concat(
        [
            table(np.tile([4.0, 7.0, 1.0], (25, 1)) * scale, learner=label)
            for label, scale in (("mine", 1), ("yours", 2))
        ]
    )
    found = examine(MineIsSmaller().altered(Altered("x", over=over)), rows, "test")
    assert found.detail["effect"] == pytest.approx(value)


def test_too_little_is_no_evidence():
    assert "24 pairs; at least 25" in trial(NOISE[:24], NOISE[:24] + EDGE[:24]).problem
    assert "1 differences are not finite" in trial(NOISE, np.append(NOISE[:-1], np.nan)).problem
    lacking = pairs(NOISE, NOISE + EDGE).iloc[:-1]
    assert "1 runs of one learner have no partner" in examine(MineIsSmaller(), lacking, "test").problem
    with pytest.raises(UnknownNameError, match="no learner is labelled 'hers'"):
        trial(NOISE, NOISE, smaller="hers")
