"""The Python API: traces, labels, refusals, and what importing costs."""

import subprocess
import sys

import numpy as np
import pytest

import simbench as sb
from simbench.learners.online.online_dpo import OnlineDPO

WORLD = sb.make("random_tabular", prompts=2, responses=3, beta=1.0)


def test_simulate_returns_a_tidy_trace():
    trace = sb.simulate(WORLD, ["online_dpo", OnlineDPO(second="reference"), "reference"], rounds=50, runs=3)
    table = trace.to_pandas()
    assert table.groupby("learner").size().nunique() == 1
    assert set(table.learner) >= {"online_dpo", "reference"}
    assert table.groupby(["learner", "run"])["round"].max().eq(50).all()
    assert table.loc[table.learner == "reference", "unsolved_fits"].isna().all()
    assert "3 runs of 50 labels" in repr(trace)
    assert "<table" in trace._repr_html_()


def test_more_runs_than_a_block_are_the_same_runs():
    few = sb.simulate(WORLD, "reference", rounds=5, runs=2).to_pandas()
    many = sb.simulate(WORLD, "reference", rounds=5, runs=70).to_pandas()
    assert many.run.nunique() == 70
    np.testing.assert_array_equal(many[many.run < 2].regret, few.regret)


def test_repeated_learners_are_numbered():
    trace = sb.simulate(WORLD, ["reference", "reference"], rounds=3)
    assert set(trace.to_pandas().learner) == {"reference", "reference #2"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"learners": ["online_dop"]}, "online_dpo"),
        ({"learners": []}, "at least one"),
        ({"runs": 0}, "at least 1"),
        ({"rounds": -3}, "at least 1"),
        ({"world": "random_tabular"}, r"sb\.make"),
    ],
)
def test_refusals(arguments, words):
    options = {"world": WORLD, "learners": ["reference"], "rounds": 3, "runs": 1} | arguments
    with pytest.raises(sb.SimbenchError, match=words):
        sb.simulate(options.pop("world"), options.pop("learners"), **options)


def test_importing_is_light_and_leaves_jax_alone():
    code = (
        "import sys, simbench as sb\n"
        "assert not {'jax', 'numba', 'pandas', 'matplotlib'} & set(sys.modules), 'heavy import'\n"
        "import jax, jax.numpy as jnp\n"
        "sb.measure(sb.make('two_arms'), sb.make('two_arms').log_ref, ['value_gap'])\n"
        "assert jnp.zeros(1).dtype == jnp.float32, 'the 64-bit switch leaked'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_listed_and_unknown_ones_refused():
    assert {"make", "simulate", "measure", "Trace", "float64"} <= set(dir(sb))
    with pytest.raises(AttributeError, match="simulat"):
        _ = sb.simulat


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rounds", 1.5),
        ("rounds", True),
        ("runs", 2.0),
        ("runs", 0),
        ("seed", -1),
        ("checkpoints_per_decade", 0),
    ],
)
def test_a_size_that_is_no_count_is_refused_by_name(name, value):
    world = sb.make("two_arms")
    with pytest.raises(sb.SimbenchError, match=rf"{name} is {value!r}; it must be an integer"):
        sb.simulate(world, "reference", **({"rounds": 4} | {name: value}))


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(sb.SimbenchError, match=rf"workers is {workers!r}; it must be an integer"):
        sb.judge("kappa_increases", workers=workers)
