"""Rates: exponents against closed forms and an independent regression; size, power, and what a wrong bootstrap does.

Sizes are measured on SEEDED tables, the same in every run of the tests. For fresh tables: 150 tests of true size at
most .05 reject 22 times or more with probability 3e-6, which is where the assertions stand.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from simbench.verify.statistical import Altered, Rate, bootstrap, examine
from simbench.verify.statistical.exponents import Growth, Slope
from simbench.verify.statistical.runs import RunMatrix, run_matrix
from tests.verify.run_tables import ROUNDS, table

RNG = np.random.default_rng(np.random.PCG64(30))
TESTS, REJECTED_AT_MOST = 150, 21
X = np.geomspace(100, 3000, 9)


class Logarithmic(Rate):
    name = "logarithmic"
    study = "none"
    population = "worlds"
    growth = True
    at_least, at_most = -0.1, 0.1


class Falls(Rate):
    name = "falls"
    study = "none"
    population = "worlds"
    at_most = -0.95


@pytest.fixture
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 399)
    bootstrap._counts.cache_clear()
    yield
    bootstrap._counts.cache_clear()


def grown(curve, runs=100, rounds=ROUNDS):
    """Runs whose increments are gamma distributed around those of a curve, and whose scales are lognormal."""
    steps = np.diff(curve(rounds), prepend=0.0)
    return np.cumsum(
        steps * RNG.gamma(4.0, 0.25, (runs, rounds.size)) * RNG.lognormal(0.0, 0.5, (runs, 1)), axis=1
    )


def noisy(curve, runs=100):
    return table(grown(curve, runs), ROUNDS)


def at_x(values):
    return RunMatrix(rounds=X, values=values, instance=np.zeros(len(values), dtype=int))


def trial(claim, rows, **changes):
    return examine(claim.altered(Altered("x", **changes)) if changes else claim, rows, "test")


@pytest.mark.parametrize("p", [-3.0, -0.5, -1e-12, 0.0, 0.1, 0.5, 1.0, 2.0])
def test_pure_power_laws_of_growth(p):
    curve = 2.0 + (np.log(X) if abs(p) < 1e-9 else (X**p - X[0] ** p) / p)
    (statistic,) = Growth().read(X, curve[None]).statistic
    assert Growth().exponent(X, statistic) == pytest.approx(p, abs=1e-6)
    assert Growth().at(X, p) == pytest.approx(statistic, abs=1e-9)


def test_growth_within_one_interval_is_steeper_than_any_power():
    curve = np.ones((2, X.size))
    curve[0, 1:] += 1.0
    curve[1, -1] += 1.0
    read = Growth().read(X, np.vstack([curve, np.ones(X.size)])).statistic
    assert [Growth().exponent(X, one) for one in read[:2]] == [-np.inf, np.inf]
    assert np.isnan(read[2])


def test_slopes_are_least_squares_on_logs_of_what_is_positive():
    curve = X**-0.7 * RNG.lognormal(0.0, 0.3, X.size)
    curve[[2, 5]] = 0.0
    seen = curve > 0
    fit = sm.OLS(np.log(curve[seen]), sm.add_constant(np.log(X[seen]))).fit()
    assert Slope().read(X, curve[None]).statistic[0] == pytest.approx(fit.params[1], rel=1e-9)
    assert np.isnan(Slope().read(X, np.where(np.arange(X.size) < 2, 1.0, 0.0)[None]).statistic[0])


@pytest.mark.parametrize("reader", [Slope(), Growth()])
def test_influence_is_the_derivative(reader):
    curve = np.cumsum(RNG.gamma(1.0, 1.0, X.size))
    nudged = curve + 1e-6 * np.vstack([np.eye(X.size), -np.eye(X.size)])
    moved = reader.read(X, nudged).statistic
    derivative = (moved[: X.size] - moved[X.size :]) / 2e-6
    np.testing.assert_allclose(reader.read(X, curve[None]).influence[0], derivative, rtol=1e-5, atol=1e-8)


def test_the_standard_error_is_that_of_the_linearised_statistic_within_worlds():
    rows = noisy(np.log1p, runs=100).assign(instance=lambda t: t["run"] % 4)
    rows.loc[rows["instance"] == 2, "regret"] *= 50.0  # worlds differ; that is no uncertainty of theirs
    matrix = run_matrix(rows, "regret")
    found = bootstrap.spread_of(Growth(), matrix)
    moved = matrix.values @ Growth().read(matrix.rounds, matrix.values.mean(axis=0)[None]).influence[0]
    groups = [moved[matrix.instance == world] for world in range(4)]
    variance = sum(group.var(ddof=1) * group.size for group in groups) / 100**2
    assert found.error == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert found.statistics.std() == pytest.approx(found.error, rel=0.15)
    assert found.pseudo.mean() == pytest.approx(found.statistic)


def test_laws_are_told_apart(few_resamples):
    log, root, stops = (
        noisy(curve, runs=120) for curve in (np.log1p, np.sqrt, lambda t: 30 * -np.expm1(-t / 300))
    )
    assert trial(Logarithmic(), log).support < 0.01
    assert trial(Logarithmic(), root).against < 0.01
    assert trial(Logarithmic(), stops).against < 0.01
    assert trial(Logarithmic(), root, at_least=0.3, at_most=0.7).support < 0.01
    assert trial(Logarithmic(), stops, at_least=None, at_most=-0.2).support < 0.01
    assert trial(Logarithmic(), log, at_least=None, at_most=-0.2).against < 0.01, "the wrong side"


def test_the_finding_agrees_with_the_p_values():
    found = trial(Logarithmic(), noisy(np.log1p), at_least=None, at_most=0.02)
    low, high = found.detail["interval"]
    assert low < found.detail["exponent"] < high
    assert (high <= 0.02) == (found.support <= 0.01)
    assert f"exponent {found.detail['exponent']:.3f} in [{low:.3f}, {high:.3f}] (98%)" in found.finding
    assert found.detail["window"] == [422.0, 10_000.0]


def test_size_of_the_growth_test_on_either_side(few_resamples):
    spreads = [bootstrap.spread_of(Growth(), at_x(grown(np.log, rounds=X))) for _ in range(TESTS)]
    assert sum(spread.above(0.0) <= 0.05 for spread in spreads) <= REJECTED_AT_MOST
    assert sum(spread.below(0.0) <= 0.05 for spread in spreads) <= REJECTED_AT_MOST


def wandering(runs=50):
    """y_k = x_k^{-1} e^{w_k}, w a walk of standard deviation 1 over the window: points of a run hang together."""
    walk = np.cumsum(RNG.normal(0.0, 1 / np.sqrt(X.size), (runs, X.size)), axis=1)
    variance = np.arange(1, X.size + 1) / X.size
    return np.exp(walk - variance / 2) / X


def points_in_place_of_runs(values):
    """The mutated test: residuals of the points of the mean curve are resampled as if they were independent."""
    mean = values.mean(axis=0)
    fit = stats.linregress(np.log(X), np.log(mean))
    residual = np.log(mean) - fit.intercept - fit.slope * np.log(X)
    drawn = residual[RNG.integers(0, X.size, (399, X.size))]
    centred = np.log(X) - np.log(X).mean()
    slopes = fit.slope + drawn @ centred / np.sum(centred**2)
    return np.mean(slopes <= -1.0)


def test_runs_are_resampled_because_points_would_lie(few_resamples):
    studies = [wandering() for _ in range(TESTS)]
    ours = np.array([bootstrap.spread_of(Slope(), at_x(values)).above(-1.0) for values in studies])
    mutated = np.array([points_in_place_of_runs(values) for values in studies])
    assert np.sum(ours <= 0.05) <= REJECTED_AT_MOST
    assert np.sum(mutated <= 0.05) > REJECTED_AT_MOST


def test_zeros_are_counted_and_told():
    values = np.where(RNG.random((100, X.size)) < 0.3, 0.0, 1.0) / X
    values[:, 4] = 0.0
    found = trial(Falls(), table(values, X), decades=3)
    assert f"{np.sum(values == 0)} of {values.size} values are exactly zero" in found.notes[0]
    assert "1 of 9 points have mean zero" in found.notes[1]
    assert found.detail["exponent"] == pytest.approx(-1.0, abs=0.2)


def test_a_key_of_the_grid_may_stand_along_x():
    scale = RNG.lognormal(0.0, 0.4, (100, 1))
    rows = pd.concat(
        [
            table(scale * [1.0, 2.0 / beta], [1, 2]).assign(
                setting=f"beta={beta}", **{"environment.beta": beta}
            )
            for beta in (0.1, 0.2, 0.5, 1.0)
        ]
    )
    found = trial(Falls(), rows, x="environment.beta")
    assert found.detail["exponent"] == pytest.approx(-1.0, abs=1e-9)
    assert found.support < 0.01
    assert found.detail["window"] == [0.1, 1.0]


@pytest.mark.parametrize(
    ("rows", "changes", "problem"),
    [
        (lambda: noisy(np.log1p, runs=99), {}, "99 runs; at least 100"),
        (lambda: noisy(np.log1p).assign(regret=np.inf), {}, "not finite"),
        (lambda: noisy(np.log1p), {"decades": 0.2}, "points of round lie in the window"),
        (
            lambda: table(np.ones((100, ROUNDS.size)), ROUNDS),
            {},
            "0 of 100 runs grow from round 422 to 10000",
        ),
        (lambda: table(np.zeros((100, ROUNDS.size)), ROUNDS), {"growth": False}, "positive at 0 points"),
        (
            lambda: noisy(np.log1p).assign(round=lambda t: t["round"] - 1),
            {"window": (0, 10)},
            "needs positive",
        ),
    ],
)
def test_too_little_is_no_evidence(rows, changes, problem):
    found = trial(Logarithmic(), rows(), **changes)
    assert problem in found.problem
    assert (found.against, found.support) == (1.0, 1.0)


def test_the_exponent_of_a_family_is_as_sure_as_its_worlds(few_resamples):
    worlds = RNG.normal(1.0, 0.05, 20)
    shape = ROUNDS[None, :] ** np.tile(worlds, 10)[:, None]
    rows = table(shape * RNG.lognormal(0.0, 0.1, (200, 1)), ROUNDS, instances=20)
    changes = {"growth": False, "at_least": 0.95, "at_most": 1.2}
    these = trial(Logarithmic(), rows, **changes)
    family = trial(Logarithmic(), rows, population="family", **changes)
    low, high = zip(these.detail["interval"], family.detail["interval"], strict=True)
    assert (high[1] - low[1]) > 3.0 * (high[0] - low[0]), "spread between worlds is ten times that within"
    assert these.detail["exponent"] == pytest.approx(family.detail["exponent"])
    assert "about these 20 worlds" in these.finding
    assert "about the family, by 20 worlds" in family.finding
    fewer = rows[rows["instance"] < 15]
    assert "15 worlds" in trial(Logarithmic(), fewer, population="family", **changes).problem


def test_the_ends_of_what_was_not_read_are_infinite(few_resamples):
    nothing = bootstrap.spread_of(Slope(), at_x(np.zeros((20, X.size))))
    assert nothing.interval(0.01) == (-np.inf, np.inf)
