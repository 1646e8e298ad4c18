"""naive = JAX for TPO in the linear and the tabular class: the same draws, gaps, choices and distilled policy."""

import numpy as np
import pytest

import simbench as sb
from simbench.engine import run_block
from simbench.engine.run import choose_engine
from simbench.errors import SimbenchError
from simbench.learners.tpo import TPO
from simbench.tape import instance_key
from simbench.worlds.modifiers.sources import Sources
from tests import naive
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds

DEFAULT = {
    "block": 20,
    "share": 0.3,
    "online": "xpo",
    "online_alpha": 3e-3,
    "online_data": "own",
    "bonus_scale": 0.003,
    "pessimism_scale": 0.01,
    "delta": 0.1,
}
VARIANTS = {
    "theory": {"bonus_scale": 1.0, "pessimism_scale": 1.0},
    "all data": {"online_data": "all"},
    "vpo": {"online": "vpo"},
    "online dpo": {"online": "online_dpo", "block": 7, "share": 0.5},
    "no online rounds": {"share": 0.0},
    "only online rounds": {"share": 1.0},
    "no bonus, no doubt": {"bonus_scale": 0.0, "pessimism_scale": 0.0},
    "every 13": {"refresh_every": 13},
}
MODELS = ("linear", "tabular")


def world_of(sources=3, gaps=(0.05, 0.1, 0.15), **parameters):
    sizes = {"prompts": 3, "responses": 4, "dimension": 3, "beta": 0.2}
    world = sb.make("random_linear", **(sizes | parameters))
    return Sources(number=sources, gap=gaps).apply(world, instance_key(seed=0, instance=0))


def twins(model, **words):
    """Return the product's TPO and the oracle's."""
    words = DEFAULT | words
    every = words.pop("refresh_every", 0)
    schedule = naive.Every(every) if every else naive.Geometric(1.3)
    return (
        TPO(
            **words, model=model, refresh_growth=1.3, refresh_every=every,
            regularisation=0.5, radius=0.5, ridge=0.1,
        ),
        naive.NaiveEllipsoidTPO(
            **words, model=model, refresh=schedule, lam=0.5, radius=0.5, online_ridge=0.1
        ),
    )  # fmt: skip


def sampled(cases, kept):
    """Return all cases, marked as exhaustive but for those that CI keeps: each compiles for ten seconds."""
    return [case if case in kept else pytest.param(case, marks=pytest.mark.exhaustive) for case in cases]


def agree(model, world, rounds=200, **words):
    learner, slow = twins(model, **words)
    expected = naive_rounds(naive.naive_run, world, slow, rounds=rounds, run=1)
    fast = jax_rounds(world, learner, rounds=rounds, run=1)  # every fit is solved
    assert_same(expected, fast, world.reward_bound)
    return slow


@pytest.mark.parametrize("model", ["tabular", pytest.param("linear", marks=pytest.mark.thorough)])
def test_transfer_then_self_transfer(model):
    slow = agree(model, world_of())
    assert {"online", "off", 0} <= set(slow.chosen)  # the test sees every kind of round
    assert slow.pessimistic_value > 0.0


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
@pytest.mark.parametrize("variant", sampled(VARIANTS, ["theory", "every 13"]))
def test_variants(variant, model):
    agree(model, world_of(), rounds=100, **VARIANTS[variant])


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
@pytest.mark.parametrize("beta", sampled([0.01, 10.0], [0.01]))
def test_sharp_and_flat_policies(beta, model):
    # XPO's objective is not convex, and alpha / beta = 0.3 is enough for two descents to end in two minima
    agree(model, world_of(beta=beta, gaps=(1e-4, 2e-4, 3e-4)), rounds=100, online_alpha=1e-4)


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["tabular"]))
def test_prompts_without_weight_and_responses_without_support(model):
    world = world_of()
    log_ref = np.where(np.eye(3, 4) > 0, -np.inf, world.log_ref)
    log_ref -= np.log(np.sum(np.exp(log_ref), axis=1, keepdims=True))
    agree(model, world.replace(rho=[0.0, 0.4, 0.6], log_ref=log_ref))


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
def test_no_source_is_self_transfer_alone(model):
    slow = agree(model, world_of(sources=0), rounds=100)
    assert set(slow.chosen) == {"online", "off"}


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
def test_a_source_without_gap_is_played(model):
    slow = agree(model, world_of(sources=1, gaps=(0.0,)), rounds=100, share=0.0)
    assert slow.pulls[0] > 0


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
def test_a_single_response_leaves_the_reference(model):
    slow = agree(model, world_of(sources=0, responses=1), rounds=30)
    assert slow.pessimistic_value == 0.0


@pytest.mark.thorough
@pytest.mark.parametrize("model", sampled(MODELS, ["linear"]))
def test_columns_of_a_block_of_runs(model):
    """Choices, what is handed out, and no unsolved fit; three runs side by side."""
    world = world_of()
    learner, slow = twins(model)
    naive_rounds(naive.naive_run, world, slow, rounds=150, run=1)
    block = run_block(world, learner, rounds=150, runs=[0, 1, 2], checkpoints=np.array([150]), block=3)
    assert (block["unsolved_fits"] == 0).all()
    assert [block[f"pulls_{w}"][1] for w in range(3)] == list(slow.pulls)
    assert block["pulls_off"][1] == slow.chosen.count("off")
    expected = sb.measure(world, slow.distilled(), ["value_gap"])["value_gap"]
    assert block["value_gap"][1] == pytest.approx(float(expected), abs=1e-9)
    assert len(set(block["regret"])) == 3


def test_these_classes_run_on_jax():
    world = world_of(sources=2)
    for model in MODELS:
        learner, _ = twins(model)
        assert choose_engine("auto", learner, world) == "jax"
        with pytest.raises(SimbenchError, match="no numba kernel"):
            choose_engine("numba", learner, world)
        names = list(learner.named_diagnostics(world).items())
        assert names[:2] == [("unsolved_fits", "sum"), ("pulls_off", "last")]
    assert "unsolved_fits" not in TPO().named_diagnostics(world)  # a finite class is enumerated


def test_refusals():
    with pytest.raises(SimbenchError, match="features"):
        run_block(sb.make("random_tabular"), TPO(model="linear"), rounds=5, runs=[0])
    with pytest.raises(Exception, match="model 'tabular'"):
        TPO(model="tabular", pessimism="rpo")
