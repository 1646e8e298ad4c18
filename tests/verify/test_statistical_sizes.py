"""How often tests of true claims refute them: skewed laws, clustered worlds, planted nulls. Small; large in tests/long.

SEEDED, hence the same in every run; with fresh numbers each assertion would fail by chance with probability below 1e-6.
"""

import numpy as np
import pytest
from scipy import stats

from simbench.verify.statistical import ALPHA, bounded, examine, means
from simbench.verify.statistical.population import LEAST_WORLDS
from tests.verify.null_laws import CLUSTERS, LAWS, Null, clustered, refused
from tests.verify.run_tables import table

TESTS = 4000
AT_MOST = stats.binom.ppf(1 - 1e-6, TESTS, ALPHA)  # of tests whose size is ALPHA


@pytest.mark.parametrize("law", LAWS)
def test_a_skewed_law_does_not_fool_a_hundred_pairs(law):
    values = LAWS[law](np.random.default_rng(np.random.PCG64(40)), (TESTS, 100))
    strata = np.zeros(100, dtype=int)
    for test in (means.above, means.below):
        assert np.count_nonzero(test(values, strata, 0.0) <= ALPHA) <= AT_MOST


def test_signs_flipped_on_25_pairs_were_fooled_and_are_refused():
    """The law of the worst case, one in twenty: all pairs below the mean in 28 % of samples of 25."""
    claim = Null()
    values = LAWS["one in twenty"](np.random.default_rng(np.random.PCG64(41)), (50, 25))
    assert np.mean((values < 0).all(axis=1)) > 0.1
    assert all(refused(claim, differences) for differences in values)


@pytest.mark.parametrize(("worlds", "runs"), CLUSTERS)
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_runs_of_one_world_are_not_taken_for_worlds(worlds, runs, spread):
    rng = np.random.default_rng(np.random.PCG64([42, worlds]))
    values = clustered(rng, TESTS, worlds, runs, spread)
    by_world = values.mean(axis=2)
    one = np.zeros(worlds, dtype=int)
    ours = means.below(by_world, one, 0.0) <= ALPHA
    pooled = means.below(values.reshape(TESTS, -1), np.zeros(worlds * runs, dtype=int), 0.0) <= ALPHA
    assert pooled.sum() > 10 * AT_MOST, "the mutated test, which takes every run for a draw from the family"
    assert ours.sum() <= AT_MOST
    frame = table(values[0].T.reshape(-1, 1), instances=worlds)
    problem = examine(Null(), frame.assign(learner="mine"), "test").problem if worlds < LEAST_WORLDS else None
    assert (problem is None) == (worlds >= LEAST_WORLDS)


@pytest.mark.parametrize("law", ["shares", "one in twenty"])
def test_a_known_range_holds_at_any_number_of_worlds(law):
    rng = np.random.default_rng(np.random.PCG64(43))
    for worlds in (4, 16, 25):
        values = (
            rng.beta(0.2, 1.8, (TESTS, worlds))
            if law == "shares"
            else (LAWS[law](rng, (TESTS, worlds)) + 1.0) / 20.0
        )
        mean = 0.1 if law == "shares" else 0.05
        for test in (bounded.above, bounded.below):
            assert np.count_nonzero(test(values, mean, 0.0, 1.0) <= ALPHA) <= AT_MOST
