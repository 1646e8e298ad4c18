"""Levels on made-up runs: a plateau is told from growth, and the errors are those of means."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench.errors import SimbenchError
from simbench.verify import claim
from simbench.verify.statistical.bootstrap import spread_of
from simbench.verify.statistical.level import Gained, Level
from simbench.verify.statistical.runs import RunMatrix

X = np.array([1.0, 10.0, 100.0, 1000.0])


def matrix(curve, *, runs=120, noise=0.1):
    rng = np.random.default_rng(0)
    scale = 1.0 + noise * rng.standard_normal((runs, 1))
    return RunMatrix(rounds=X, values=np.asarray(curve) * scale, instance=np.zeros(runs, dtype=int))


@pytest.mark.parametrize(("curve", "share"), [([1, 2, 3, 4], 0.75), ([5, 5, 5, 5], 0.0)])
def test_gained_is_a_ratio_of_means(curve, share):
    spread = spread_of(Gained(), matrix(curve))
    assert spread.exponent == pytest.approx(share)
    assert max(spread.below(share + 0.05), spread.above(share - 0.05)) < 1e-3
    assert min(spread.above(share + 0.05), spread.below(share - 0.05)) > 0.99


def test_gained_moves_with_its_influence():
    curves = np.array([[1.0, 2.0, 4.0]])
    reading = Gained().read(X[:3], curves)
    for k in range(3):
        moved = curves.copy()
        moved[0, k] += 1e-6
        change = (Gained().read(X[:3], moved).statistic - reading.statistic) / 1e-6
        assert change[0] == pytest.approx(reading.influence[0, k], abs=1e-5)


def test_a_statistic_that_is_none_is_refused():
    with pytest.raises(SimbenchError, match="over = 'median'"):

        @claim("level_of_no_kind", source="me")
        class Bad(Level):
            """None."""

            study = "slopes"
            at_most = 1.0
            over = "median"


def table(curve):
    runs = matrix(curve)
    return pd.DataFrame(
        {
            "instance": 0, "run": np.repeat(np.arange(runs.runs), X.size), "learner": "one", "setting": "base",
            "round": np.tile(X, runs.runs), "labels": np.tile(X, runs.runs), "regret": runs.values.ravel(),
        }
    )  # fmt: skip


class Stops(Level):
    """Regret gains less than a tenth over the last decade."""

    name = "stops"
    study = "none"
    population = "worlds"
    over = "gained"
    decades = 1.0
    at_most = 0.1


def test_a_plateau_is_told_from_growth():
    plateau = Stops().test({"one": table([1, 8, 9.9, 10.0])}, "a plateau")
    growth = Stops().test({"one": table([1, 4, 7, 10.0])}, "growth")
    assert (plateau.against, growth.support) == pytest.approx((1.0, 1.0), abs=0.01)
    assert max(plateau.support, growth.against) < 1e-3
    assert "problem" not in plateau.detail
    assert Stops().test({"one": table([0, 0, 0, 0])}, "nothing").problem is not None


class Stays(Level):
    """The mean at the end is between 8 and 12."""

    name = "stays"
    study = "none"
    population = "worlds"
    at_least, at_most = 8.0, 12.0


def test_a_mean_is_tested_from_both_sides():
    rows = table([1, 4, 7, 10.0])
    at_end = rows.loc[rows["round"] == X[-1], "regret"]
    student = stats.ttest_1samp(at_end, 0.0).confidence_interval(0.98)
    inside = Stays().test({"one": rows}, "inside")
    assert inside.detail["interval"] == pytest.approx(list(student), rel=0.01)
    assert inside.support < 1e-3 < inside.against
    assert "mean 10.0" in inside.finding
    assert Stays().test({"one": table([1, 4, 7, 13.0])}, "above").against < 1e-3


def test_a_mean_of_known_range():
    stays = Stays()
    stays.bounds = (0.0, 20.0)
    assert "size guaranteed" in stays.test({"one": table([1, 4, 7, 10.0])}, "inside").finding
    assert "beyond the claim's bounds" in stays.test({"one": table([1, 4, 7, 19.0])}, "outside").problem


def test_a_share_gained_has_no_use_for_bounds():
    with pytest.raises(SimbenchError, match="no use for"):

        @claim("level_of_bounded_share", source="me")
        class Bad(Level):
            """None."""

            study = "slopes"
            over = "gained"
            at_most = 0.5
            bounds = (0.0, 1.0)
