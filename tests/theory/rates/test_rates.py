"""What the claims about rates compute: the labels after which a finite class is known, and where runs are read."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from simbench.bandit import Bandit
from simbench.theory.rates.minimax_rate import MADE_FOR, TOGETHER, at_their_labels, together
from simbench.theory.rates.rates import labels_at_delta
from simbench.worlds import make


def two_hypotheses(gap):
    """Two arms, both equally likely; the truth says that arm 0 is better by `gap`, the other the contrary."""
    members = np.array([[[gap, 0.0]], [[0.0, gap]]])
    return Bandit(rho=[1.0], log_ref=np.log([[0.5, 0.5]]), reward=members[0], beta=0.5, reward_class=members)


@pytest.mark.parametrize("gap", [0.5, 1.0])
def test_labels_at_delta_by_hand_and_against_the_exact_law(gap):
    delta = 0.01
    n = labels_at_delta(two_hypotheses(gap), delta)
    p = 1.0 / (1.0 + np.exp(-gap))
    rho = 0.5 + 0.5 * 2.0 * np.sqrt(p * (1.0 - p))  # half of the labels are self-pairs
    assert rho**n / (1.0 - rho) <= delta < rho ** (n - 1) / (1.0 - rho)
    informative = np.arange(n + 1)
    wrong = binom.cdf(informative // 2, informative, p)  # ties count as wrong
    assert np.sum(binom.pmf(informative, n, 0.5) * wrong) <= rho**n


def test_more_certainty_takes_more_labels():
    world = make({"family": "random_finite", "parameters": {"members": 8, "prompts": 2, "responses": 3}})
    assert labels_at_delta(world, 1e-3) > labels_at_delta(world, 1e-2) > labels_at_delta(world, 0.5) > 1


def test_runs_are_read_at_the_labels_of_their_world():
    rows = pd.DataFrame(
        {"labels": [10, 100, 10, 100], MADE_FOR: [10, 10, 100, 100], "value_gap": [1, 2, 3, 4]}
    )
    assert at_their_labels(rows)["value_gap"].tolist() == [1, 4]


def test_runs_of_a_world_are_averaged_and_those_of_two_are_not():
    runs = np.tile(np.arange(2 * TOGETHER), 2)
    rows = pd.DataFrame({"instance": np.repeat([0, 1], 2 * TOGETHER), "run": runs, "round": 1, "labels": 10,
                         MADE_FOR: 10, "value_gap": runs + 1000.0 * np.repeat([0, 1], 2 * TOGETHER)})  # fmt: skip
    half = (TOGETHER - 1) / 2
    assert together(rows)["value_gap"].tolist() == [
        half,
        half + TOGETHER,
        1000 + half,
        1000 + half + TOGETHER,
    ]
