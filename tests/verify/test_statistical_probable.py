"""Probable bounds. All laws here are exact or enumerated: no test can fail by chance."""

import bisect
import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench.errors import SimbenchError
from simbench.verify.statistical import ALPHA, Altered, Probable, examine
from tests.verify.run_tables import flags, table


class AtMostOne(Probable):
    name = "at_most_one"
    study = "none"
    population = "worlds"
    delta = 0.1

    def measured(self, rows):
        return rows["regret"]

    def theory(self, rows):
        return 1.0


def trial(rows, claim=None):
    return examine(claim or AtMostOne(), rows, "test")


@pytest.mark.parametrize("broken", [0, 1, 29, 30, 31, 44, 45, 60, 300])
def test_the_p_value_is_the_exact_binomial_one(broken):
    exact = stats.binomtest(broken, 300, 0.1, alternative="greater")
    found = trial(flags(broken, 300))
    assert found.against == pytest.approx(exact.pvalue, rel=1e-9)
    ceiling = stats.binomtest(broken, 300).proportion_ci(0.98, method="exact").high
    assert found.detail["probability_at_most"] == pytest.approx(ceiling, rel=1e-9)
    assert found.detail["broken"] == broken
    assert found.support is None


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.1, 0.5])
def test_size_and_power_in_closed_form(delta):
    claim = AtMostOne()
    claim.delta = delta
    counts = np.arange(301)
    threshold = bisect.bisect_left(
        range(301), True, key=lambda k: trial(flags(k, 300), claim).against <= ALPHA
    )
    size = stats.binom.pmf(counts, 300, delta)[threshold:].sum()
    assert ALPHA / 5 < size <= ALPHA
    power = stats.binom.pmf(counts, 300, min(delta + 0.15, 0.95))[threshold:].sum()
    assert power > 0.99


def test_the_wrong_side_is_another_claim():
    class Mutated(AtMostOne):
        def violates(self, rows):
            return rows["regret"] < 1.0

    assert trial(flags(20, 300)).against > 0.5
    assert trial(flags(20, 300), Mutated()).against < 1e-9


def test_any_checkpoint_breaks_a_bound_unless_only_the_last_counts():
    values = np.full((300, 4), 0.5)
    values[:100, 1] = 2.0
    assert trial(table(values)).detail["broken"] == 100
    last = AtMostOne().altered(Altered("last", checkpoints="last"))
    assert trial(table(values), last).detail["broken"] == 0


def test_use_of_the_bound_and_the_constant_that_just_holds():
    reached = np.linspace(0.01, 2.0, 400)
    found = trial(table(reached[:, None]))
    assert found.tightness == pytest.approx(2.0)
    assert found.detail["constant_at_delta"] == pytest.approx(np.quantile(reached, 0.9))
    sharpened = AtMostOne().altered(Altered("at the median", constant=float(np.median(reached))))
    assert trial(table(reached[:, None]), sharpened).detail["broken"] == 200


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (flags(0, 299), "299 runs; at least 300"),
        (flags(0, 300).assign(regret=np.nan), "measured side is NaN in 300 of 300"),
    ],
)
def test_too_little_is_no_evidence(rows, problem):
    assert problem in trial(rows).problem


def test_a_bound_that_says_nothing():
    claim = AtMostOne().altered(Altered("infinite", theory=lambda rows: np.inf))
    assert "says nothing" in trial(flags(0, 300), claim).problem


def test_settings_are_judged_one_by_one():
    several = pd.concat(
        [flags(k, 300).assign(setting=f"x={k}", **{"environment.x": k}) for k in (10, 50, 20)]
    )
    alone = trial(flags(50, 300))
    found = trial(several)
    assert found.against == pytest.approx(3 * alone.against)
    assert "worst of 3 settings, environment.x=50" in found.finding
    narrowed = AtMostOne()
    narrowed.where = {"environment.x": [10, 20]}
    assert trial(several, narrowed).against > 0.9
    narrowed.where = {"environment.y": 10}
    with pytest.raises(SimbenchError, match=r"environment\.x"):
        trial(several, narrowed)
    narrowed.where = {"environment.x": 11}
    with pytest.raises(SimbenchError, match="there are runs with 10, 50, 20"):
        trial(several, narrowed)


@pytest.mark.parametrize(
    ("side", "complaint"),
    [
        (lambda rows: rows["regrets"], "asks for the column 'regrets'; the table has .*regret"),
        (lambda rows: np.ones(7), r"returns shape \(7,\)"),
        (lambda rows: 1 / 0, "failed: ZeroDivisionError"),
    ],
)
def test_a_side_that_fails_is_named(side, complaint):
    with pytest.raises(SimbenchError, match=rf"claim 'at_most_one': measured\(rows\) {complaint}"):
        trial(flags(0, 300), AtMostOne().altered(Altered("broken", measured=side)))


def test_trials_are_records():
    assert dataclasses.asdict(trial(flags(3, 300)))["counts"] == {"runs": 300, "worlds": 1}


def in_worlds(shares, runs):
    """Runs of worlds in which the given shares break the bound."""
    values = np.where(np.arange(runs)[:, None] < np.round(np.array(shares) * runs), 2.0, 0.5)
    return table(values.reshape(-1, 1), instances=len(shares))


def test_a_share_over_the_family_is_tested_on_worlds():
    about_family = AtMostOne().altered(Altered("x", population="family"))
    some = [0.8] * 4 + [0.0] * 16  # a share .16, all of it in four worlds
    these, family = trial(in_worlds(some, 20)), trial(in_worlds(some, 20), about_family)
    assert these.against <= ALPHA < family.against
    assert "about these 20 worlds" in these.finding
    assert "about the family, by 20 worlds" in family.finding
    assert trial(in_worlds([0.5] * 20, 20), about_family).against <= 1e-6
    assert "8 worlds; a statement about their family" in trial(in_worlds([0.5] * 8, 50), about_family).problem


def test_single_runs_of_a_family_are_counted_as_coins():
    about_family = AtMostOne().altered(Altered("x", population="family"))
    rows = flags(45, 300).assign(instance=np.arange(300), run=0)
    assert trial(rows, about_family).against == trial(flags(45, 300)).against
