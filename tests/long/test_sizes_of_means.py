"""Sizes and power of the tests of means, on skewed laws and clustered worlds; the table of docs/claims_about_runs.md.

SIMBENCH_LONG=full makes 100,000 tests of each law (20,000 at 512 units), and prints them. Each assertion allows what a
size of ALPHA exceeds with probability 1e-6.
"""

import os

import numpy as np
import pytest
from scipy import stats

from simbench.verify.statistical import ALPHA, bounded, means
from simbench.verify.statistical.population import LEAST_WORLDS
from tests.verify.null_laws import CLUSTERS, LAWS, SPREADS, clustered

pytestmark = pytest.mark.long

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
TESTS = 100_000 if FULL else 2000
AT_A_TIME = 2000
EFFECTS = (3, 4, 5, 6)  # in standard errors
CLAIMED = {  # units -> laws on which the size is claimed
    16: ("normal",),
    32: ("normal", "exponential"),
    100: tuple(LAWS),
    512: tuple(LAWS),
}


def at_most(tests):
    return stats.binom.ppf(1 - 1e-6, tests, ALPHA)


def refuted(law, units, tests, shift, rng):
    """How often the mean is called below and above zero, when it is `shift` standard errors from it."""
    counts = np.zeros(2, dtype=int)
    moved = shift * SPREADS[law] / np.sqrt(units)
    for first in range(0, tests, AT_A_TIME):
        values = LAWS[law](rng, (min(AT_A_TIME, tests - first), units))
        strata = np.zeros(units, dtype=int)
        counts += [
            np.count_nonzero(test(values + side * moved, strata, 0.0) <= ALPHA)
            for test, side in ((means.below, -1), (means.above, 1))
        ]
    return counts


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("units", CLAIMED)
def test_sizes_and_power(law, units):
    rng = np.random.default_rng(np.random.PCG64([units, len(law)]))
    tests = TESTS // 5 if units == 512 else TESTS
    alarms = refuted(law, units, tests, 0.0, rng)
    power = [refuted(law, units, 2000, effect, rng) / 2000 for effect in EFFECTS]
    told = "; ".join(f"{e} s.e. {p[0]:.2f} {p[1]:.2f}" for e, p in zip(EFFECTS, power, strict=True))
    print(f"{law}, {units}: size below {alarms[0] / tests:.4f}, above {alarms[1] / tests:.4f}; power {told}")
    if law in CLAIMED[units]:
        assert alarms.max() <= at_most(tests)


@pytest.mark.parametrize("law", ["normal", "exponential", "lognormal"])
@pytest.mark.parametrize(("worlds", "runs"), [*CLUSTERS, (32, 4)])
@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_clustered_worlds(worlds, runs, spread, law):
    rng = np.random.default_rng(np.random.PCG64([worlds, runs, len(law)]))
    counts, tests = {}, TESTS // 10
    for _ in range(0, tests, AT_A_TIME // 10):
        values = clustered(rng, AT_A_TIME // 10, worlds, runs, spread, law)
        by_world, flat = values.mean(axis=2), values.reshape(len(values), -1)
        drawn = by_world[
            np.arange(len(values))[:, None, None], rng.integers(0, worlds, (len(values), 999, worlds))
        ]
        seen = {
            "worlds' means": means.below(by_world, np.zeros(worlds, dtype=int), 0.0),
            "runs as if independent": means.below(flat, np.zeros(worlds * runs, dtype=int), 0.0),
            "runs within these worlds": means.below(flat, np.repeat(np.arange(worlds), runs), 0.0),
            "percentile bootstrap of worlds": np.mean(drawn.mean(axis=2) >= 0.0, axis=1),
        }
        for name, p in seen.items():
            counts[name] = counts.get(name, 0) + np.count_nonzero(p <= ALPHA)
    told = ", ".join(f"{name} {count / tests:.4f}" for name, count in counts.items())
    print(f"{worlds} x {runs}, {law}, spread between {spread:g} of that within: {told}")
    if worlds >= LEAST_WORLDS and law in CLAIMED[16 if worlds < 32 else 32]:
        assert counts["worlds' means"] <= at_most(tests)


@pytest.mark.parametrize("units", [4, 25, 100, 512])
def test_a_known_range(units):
    rng = np.random.default_rng(np.random.PCG64(units))
    tests = TESTS // 5
    for name, mean, values in (
        ("one in twenty", 0.05, (rng.random((tests, units)) < 0.05).astype(float)),
        ("beta(.2, 1.8)", 0.1, rng.beta(0.2, 1.8, (tests, units))),
        ("uniform", 0.5, rng.random((tests, units))),
    ):
        alarms = [
            np.count_nonzero(test(values, mean, 0.0, 1.0) <= ALPHA) for test in (bounded.below, bounded.above)
        ]
        moved = 4.0 * values.std() / np.sqrt(units)
        power = np.mean(bounded.above(values[:2000], mean - moved, 0.0, 1.0) <= ALPHA)
        print(
            f"{name}, {units}: below {alarms[0] / tests:.4f}, above {alarms[1] / tests:.4f}; 4 s.e. {power:.2f}"
        )
        assert max(alarms) <= at_most(tests)
