"""Orders: pairing, sides, margins, populations and known ranges. Sizes are measured in test_statistical_sizes.py.

All tables are SEEDED, the same in every run of the tests.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench.errors import SimbenchError, UnknownNameError
from simbench.verify.statistical import ALPHA, Altered, Order, examine
from tests.verify.run_tables import table

RNG = np.random.default_rng(np.random.PCG64(20))
PAIRS = 120


class MineIsSmaller(Order):
    name = "mine_is_smaller"
    study = "none"
    population = "worlds"
    smaller, larger = "mine", "yours"


def pairs(mine, yours, **options):
    return pd.concat(
        [
            table(np.asarray(y)[:, None], learner=label, **options)
            for label, y in (("mine", mine), ("yours", yours))
        ]
    )


def trial(mine, yours, instances=1, **changes):
    claim = MineIsSmaller()
    variant = claim.altered(Altered("x", **changes)) if changes else claim
    return examine(variant, pairs(mine, yours, instances=instances), "test")


NOISE = RNG.normal(0.0, 10.0, PAIRS)
EDGE = 0.3 + RNG.normal(0.0, 0.3, PAIRS)


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
    y = RNG.gamma(4.0, 1.0, PAIRS)
    assert trial(y, 3.0 * y, factor=0.5).support <= ALPHA
    assert trial(y, 3.0 * y, factor=0.3).against <= ALPHA


def test_effect_and_interval():
    found = trial(NOISE, NOISE + EDGE)
    assert found.detail["effect"] == pytest.approx(EDGE.mean())
    student = stats.ttest_1samp(EDGE, 0.0).confidence_interval(0.98)
    np.testing.assert_allclose(found.detail["interval"], student, atol=0.25 * (student.high - student.low))
    low, high = found.detail["interval"]
    assert trial(NOISE, NOISE + EDGE, margin=low).support == pytest.approx(ALPHA, rel=1e-3)
    assert trial(NOISE, NOISE + EDGE, margin=high).against == pytest.approx(ALPHA, rel=1e-3)


@pytest.mark.parametrize(("over", "value"), [("last", 1.0), ("max", 7.0), ("min", 1.0), ("mean", 4.0)])
def test_checkpoints_are_reduced_to_one_number(over, value):
    rows = pd.concat(
        [
            table(np.tile([4.0, 7.0, 1.0], (PAIRS, 1)) * scale, learner=label)
            for label, scale in (("mine", 1), ("yours", 2))
        ]
    )
    found = examine(MineIsSmaller().altered(Altered("x", over=over)), rows, "test")
    assert found.detail["effect"] == pytest.approx(value)


def test_too_little_is_no_evidence():
    assert "99 pairs; at least 100" in trial(NOISE[:99], NOISE[:99] + EDGE[:99]).problem
    assert "1 differences are not finite" in trial(NOISE, np.append(NOISE[:-1], np.nan)).problem
    lacking = pairs(NOISE, NOISE + EDGE).iloc[:-1]
    assert "1 runs of one learner have no partner" in examine(MineIsSmaller(), lacking, "test").problem
    assert "a single run" in trial(NOISE, NOISE + EDGE, instances=PAIRS).problem
    with pytest.raises(UnknownNameError, match="no learner is labelled 'hers'"):
        trial(NOISE, NOISE, smaller="hers")


def test_differences_without_spread_say_nothing_unless_their_range_is_known():
    alike = trial(np.zeros(PAIRS), np.ones(PAIRS))
    assert (alike.against, alike.support) == (1.0, 1.0)
    assert trial(np.zeros(PAIRS), np.ones(PAIRS), bounds=(0.0, 1.0)).support < 1e-6


def test_a_family_needs_worlds_not_runs():
    worlds = 24
    between = np.tile(RNG.normal(0.0, 1.0, worlds), 20)
    mine = RNG.normal(0.0, 0.1, worlds * 20)
    yours = mine + between + 0.2 + RNG.normal(0.0, 0.1, worlds * 20)
    these = trial(mine, yours, instances=worlds, margin=float(between.mean()))
    family = trial(mine, yours, instances=worlds, margin=float(between.mean()), population="family")
    assert these.support < 1e-6, "within these worlds the difference is known to a few hundredths"
    assert family.support > 0.05, "of their family it is known to a fifth"
    assert f"about these {worlds} worlds" in these.finding
    assert f"about the family, by {worlds} worlds" in family.finding
    few = trial(mine, yours, instances=15, population="family")
    assert "15 worlds; a statement about their family needs at least 16" in few.problem
    by_world = (yours - mine).reshape(20, worlds).mean(axis=0)
    assert family.support >= stats.ttest_1samp(by_world, between.mean(), alternative="greater").pvalue


def test_a_known_range_guarantees_the_size_and_is_held_to():
    won = (RNG.random(PAIRS) < 0.8).astype(float)
    lost = (RNG.random(PAIRS) < 0.4).astype(float)
    known = trial(lost, won, bounds=(0.0, 1.0), margin=0.05)
    assert known.support < ALPHA
    assert "size guaranteed, values lie in [-1, 1]" in known.finding
    assert known.detail["interval"][0] > 0.05
    few = trial(lost[:30], won[:30], bounds=(0.0, 1.0))
    assert few.problem is None, "a guaranteed size needs no least number"
    assert "beyond what the claim's bounds allow" in trial(lost, won, bounds=(0.0, 0.5)).problem
    by_method = trial(lost, won, bounds=lambda rows: (0.0 * rows["round"], rows["round"]), margin=0.05)
    assert by_method.support == known.support
    for wrong in ((1.0, 0.0), (0.0, np.inf), 3.0):
        with pytest.raises(SimbenchError, match="bounds are"):
            trial(lost, won, bounds=wrong)
