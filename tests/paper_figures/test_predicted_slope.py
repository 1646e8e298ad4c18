"""The predicted slope of greedy regret: closed forms and invariances. `tests/long` holds it against simulation."""

import sys

import numpy as np
import pytest

from simbench.bandit import Bandit
from simbench.show.figure_script import load_figure
from simbench.worlds import make

load_figure("greedy_regret")
predicted_slope = sys.modules["simbench_figure_greedy_regret"].predicted_slope


def flat_world(prompts, responses, beta):
    return Bandit(
        rho=np.full(prompts, 1 / prompts),
        log_ref=np.full((prompts, responses), -np.log(responses)),
        reward=np.full((prompts, responses), 0.5),
        beta=beta,
    )


@pytest.mark.parametrize("self_sampling", [True, False])
@pytest.mark.parametrize(("prompts", "responses", "beta"), [(1, 2, 1.0), (3, 7, 0.2)])
def test_equal_rewards_cost_one_parameter_each(prompts, responses, beta, self_sampling):
    # Every pair tells 1/4; the trace is 2 (A - 1) per prompt.
    slope = predicted_slope(flat_world(prompts, responses, beta), self_sampling=self_sampling)
    assert slope == pytest.approx(prompts * (responses - 1) / beta)


@pytest.mark.parametrize("self_sampling", [True, False])
def test_two_responses_by_hand(self_sampling):
    ref, gap, beta = 0.3, 0.8, 0.5
    odds = ref / (1 - ref) * np.exp(gap / beta)
    p = odds / (1 + odds)
    q = p if self_sampling else ref
    win = 1 / (1 + np.exp(-gap))
    information = (p * (1 - q) + (1 - p) * q) * win * (1 - win)  # of the reward difference, per label
    world = Bandit(rho=[1.0], log_ref=np.log([[ref, 1 - ref]]), reward=[[gap, 0.0]], beta=beta)
    expected = p * (1 - p) / information / (2 * beta)
    assert predicted_slope(world, self_sampling=self_sampling) == pytest.approx(expected)


def test_prompts_add_and_their_weights_do_not_matter():
    world = make({"family": "random_tabular", "parameters": {"prompts": 3, "responses": 4, "beta": 0.7}})
    whole = predicted_slope(world.replace(rho=np.array([0.7, 0.2, 0.1])), self_sampling=True)
    parts = [
        predicted_slope(
            world.replace(rho=np.ones(1), log_ref=world.log_ref[s : s + 1], reward=world.reward[s : s + 1]),
            self_sampling=True,
        )
        for s in range(3)
    ]
    assert whole == pytest.approx(sum(parts))
