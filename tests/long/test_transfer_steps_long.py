"""TPS's bounds where they say something: horizons at which the bound on the regret is below R T, and fresh tapes.

Up to T = 6500 the bound on the total regret of rounds that pull sources exceeds R T, so that no mistake in their choice
could break it. Beyond, one does: who reads the pulls of another source plays the bad one for ever.

SIMBENCH_LONG=full plays 600 runs of 20 000 rounds (some minutes); small 10 runs of 9000. Shares of runs are held to
their binomial bounds, which fail by chance with probability at most 1e-5 each.
"""

import os

import numpy as np
import pytest
from scipy import stats

from simbench.learners.confidence.version_space import source_bonus
from simbench.precision import float64
from simbench.theory.transfer import huang2025_transfer_steps as steps

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
pytestmark = pytest.mark.long

RUNS, ROUNDS = (600, 20_000) if FULL else (10, 9000)
SEED = 77
VARIANTS = {"c = 1": steps.RIGHT, "c = 0.3": steps.CHEAP, "miscounted": steps.DISPLACED}


@pytest.fixture(scope="module", params=steps.SECOND)
def table(request):
    """All variants, one after the other, so that the widths of blocks stay small."""
    world = steps.needles(request.param)
    found = steps.tabled(VARIANTS, world, ROUNDS, range(RUNS), SEED, 0)
    return found.assign(bound=found["allowed"] + found["price"], second=request.param)


def of(table, *settings):
    return table[table["setting"].isin(settings)]


def test_right_learners_keep_their_bounds(table):
    right = of(table, "c = 1", "c = 0.3").assign(total=lambda rows: rows["regret_tps"] / rows["bound"])
    largest = right.groupby(["setting", "run"])[["share", "late_share", "total", "truth_behind"]].max()
    print(largest.groupby("setting").describe(percentiles=[0.5, 0.95]).T.to_string())
    for _, runs in largest.groupby("setting"):
        broken = (runs[["share", "late_share", "total"]] > 1.0).any(axis=1).sum()
        assert broken <= stats.binom.ppf(1 - 1e-5, len(runs), steps.DELTA)
        lost = (runs["truth_behind"] > 1.0).sum()
        assert lost <= stats.binom.ppf(1 - 1e-5, len(runs), steps.DELTA / 2)


def test_the_bound_on_the_regret_says_something(table):
    last = table[table["round"] == ROUNDS]
    assert (of(last, "c = 1", "c = 0.3")["bound"] < steps.BOUND * ROUNDS).all()


def test_the_wrong_counts_break_every_bound(table):
    """With a good second source; where both are bad, no rule of choice loses much by playing one of them."""
    last = of(table, "miscounted")
    last = last[last["round"] == ROUNDS]
    assert np.array_equal(np.unique(last["pulls"]), [0.9 * ROUNDS])
    if table["second"].iloc[0] == steps.SECOND[0]:
        assert (last["share"] > 1.0).all()
        assert (last["late_share"] > 1.0).all()
        assert (last["regret_tps"] > last["bound"]).all()


def test_the_needles_where_the_bound_starts_to_speak():
    """4 c_R sqrt(2 L W T) = R T at T = 32 c_R^2 L W / R^2, 6500 in the docstring of `tps_total_regret`."""
    world = steps.needles(steps.SECOND[0])
    with float64():
        once = float(source_bonus(world, steps.DELTA))
    assert (4 * once) ** 2 * len(world.sources) / steps.BOUND**2 == pytest.approx(6500, rel=0.01)
