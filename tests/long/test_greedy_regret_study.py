"""The study greedy_regret at its quick size says what theory says, in all three currencies.

Slope of log T: 96 runs fix it to 2.6 % (one sigma), the tolerance is 15 %, so a false alarm has probability below
1e-7 per learner; the exponent's sigma is .017 against a tolerance of .1.
"""

import sys

import numpy as np
import pandas as pd
import pytest

from simbench.engine import log_checkpoints, run_block
from simbench.show.curves import regret_curves
from simbench.show.figure_script import load_figure
from simbench.study.study import load_study

pytestmark = pytest.mark.long

STUDY = load_study("greedy_regret", "quick")
WORLDS = [STUDY.world(STUDY.settings[0], instance) for instance in range(STUDY.run.instances)]


@pytest.fixture(scope="module")
def table():
    frames = []
    for entry in STUDY.learners:
        for instance, world in enumerate(WORLDS):
            columns = run_block(
                world,
                STUDY.learner(entry, STUDY.settings[0]),
                rounds=STUDY.run.rounds,
                runs=range(STUDY.run.runs),
                seed=STUDY.run.seed,
                instance=instance,
                checkpoints=log_checkpoints(STUDY.run.rounds),
                quantities=("value_gap", "reward_gap", "argmax_gap"),
            )
            frames.append(pd.DataFrame(columns).assign(instance=instance, learner=entry.shown))
    return pd.concat(frames, ignore_index=True)


def laws(table, column):
    return {curve.learner: curve.law for curve in regret_curves(table, column)}


@pytest.mark.parametrize("second", ["self", "reference"])
def test_greedy_pays_the_predicted_log(table, second):
    load_figure("greedy_regret")
    predicted_slope = sys.modules["simbench_figure_greedy_regret"].predicted_slope
    law = laws(table, "regret")[f"greedy, {second}"]
    expected = np.mean([predicted_slope(world, self_sampling=second == "self") for world in WORLDS])
    assert law.law == "log"
    assert law.scale == pytest.approx(expected, rel=0.15)
    assert abs(law.free_exponent) < 0.1


@pytest.mark.parametrize("second", ["self", "reference"])
def test_greedy_stops_paying_at_temperature_zero(table, second):
    law = laws(table, "argmax_regret")[f"greedy, {second}"]
    assert law.law == "plateau"
    assert law.decided
    final = table[(table["learner"] == f"greedy, {second}") & (table["round"] == STUDY.run.rounds)]
    assert (final["argmax_gap"] < 1e-12).mean() > 0.9


@pytest.mark.parametrize(
    ("column", "gap"),
    [("regret", "value_gap"), ("reward_regret", "reward_gap"), ("argmax_regret", "argmax_gap")],
)
def test_the_reference_pays_for_ever(table, column, gap):
    rows = table[table["learner"] == "reference"]
    np.testing.assert_allclose(rows[column], rows["round"] * rows[gap], rtol=1e-9)
    law = laws(table, column)["reference"]
    assert law.law == "power"
    assert law.free_exponent == pytest.approx(1.0, abs=1e-3)
