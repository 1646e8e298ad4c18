"""DPO by stochastic gradients against a naive loop; one pass and many; where it ends."""

import numpy as np
import pytest

import simbench as sb
from simbench.errors import SimbenchError
from simbench.learners.offline.dpo_gradient import DPOGradient
from simbench.registry import configure
from simbench.tape import run_key
from tests.naive.dpo_gradient import dpo_gradient, drawn_label

WORLD = sb.make("random_tabular", prompts=3, responses=4, beta=0.5)
STEPS, RUNS = 60, 3
ASKED = {"rounds": STEPS, "runs": RUNS, "quantities": ["value_gap", "kl_ref"]}


def by_run(columns, name):
    return columns[name].reshape(RUNS, -1)


@pytest.mark.parametrize("data", [1000, 37])  # one pass; many, that end inside a batch
def test_it_steps_as_the_naive_loop_does(data):
    method = DPOGradient(data=data, batch=5, step_size=2.0, average=True)
    columns = sb.simulate(WORLD, method, **ASKED).columns
    steps = columns["round"].reshape(RUNS, -1)[0]
    for run in range(RUNS):
        trail = dpo_gradient(WORLD, steps=STEPS, run=run, data=data, batch=5, step_size=2.0)
        means = np.log(np.stack([np.exp(trail[:n]).mean(axis=0) for n in steps]))
        for prefix, policies in (("", trail[steps]), ("average_", means)):
            expected = sb.measure(WORLD, policies, ["value_gap", "kl_ref"])
            for name, values in expected.items():
                np.testing.assert_allclose(by_run(columns, prefix + name)[run], values, rtol=0, atol=1e-9)
    assert set(columns["labels"]) == {data}


def test_one_pass_and_many_begin_alike_until_the_smaller_data_set_is_read():
    one, many = (
        by_run(sb.simulate(WORLD, DPOGradient(data=n, batch=5), **ASKED).columns, "value_gap")
        for n in (1000, 100)
    )
    steps = sb.simulate(WORLD, "reference", rounds=STEPS, runs=1).columns["round"]
    np.testing.assert_array_equal(one[:, steps <= 20], many[:, steps <= 20])
    assert (one[:, -1] != many[:, -1]).all()


def test_full_batches_descend_to_the_minimum_of_the_data():
    """With every label in every step it is gradient descent, and stops where no pair's gradient is left."""
    world = sb.make("random_tabular", prompts=1, responses=3, beta=1.0, concentration=50.0)
    method = DPOGradient(data=300, batch=300, step_size=5.0)
    columns = sb.simulate(world, method, rounds=400, runs=1, quantities=["kl_ref"]).columns
    wins = np.zeros((1, 3, 3))

    for k in range(300):
        s, won, lost = drawn_label(world, run_key(seed=0, instance=0, run=0), k)
        wins[s, won, lost] += 1
    fit = sb.fit_tabular(wins, 1e-9)
    with sb.float64():
        gibbs = np.asarray(sb.quantities.gibbs(world, fit.rewards))
    expected = float(sb.measure(world, gibbs, ["kl_ref"])["kl_ref"])
    assert columns["kl_ref"][-1] == pytest.approx(expected, abs=1e-7)


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(SimbenchError, match="data is 4 and batch 8; data must be at least batch"):
        configure("learner", "dpo_gradient", {"data": 4, "batch": 8}, "here")
