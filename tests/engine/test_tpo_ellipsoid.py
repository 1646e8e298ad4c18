"""naive = numba = JAX for TPO in the linear and the tabular class: the same draws, gaps, choices, distilled policy."""

import numba
import numpy as np
import pytest

import simbench as sb
from simbench.engine import loop_name, run_block
from simbench.engine.run import choose_engine
from simbench.errors import SimbenchError
from simbench.learners.transfer.tpo import TPO
from simbench.tape import instance_key
from simbench.worlds.modifiers.sources import Sources
from tests import naive
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds

DEFAULT = {
    "block": 20,
    "share": 0.3,
    "online": "xpo",
    "online_alpha": 3e-3,
    "online_data": "own",
    "bonus_scale": 0.003,
    "pessimism_scale": 0.01,
    "delta": 0.1,
    "regularisation": 0.5,
    "radius": 0.5,
    "ridge": 0.1,
}
VARIANTS = {
    "theory": {"bonus_scale": 1.0, "pessimism_scale": 1.0},
    "all data": {"online_data": "all"},
    "vpo": {"online": "vpo"},
    "online dpo": {"online": "online_dpo", "block": 7, "share": 0.5},
    "no online rounds": {"share": 0.0},
    "only online rounds": {"share": 1.0},
    "sources by their bonus": {"bonus_scale": 0.1},
    "no bonus, no doubt": {"bonus_scale": 0.0, "pessimism_scale": 0.0},
    "every round": {"refresh_every": 1},
    "every 13": {"refresh_every": 13},
    "another ridge": {"regularisation": 2.0, "ridge": 1.0},
    "a larger ball": {"radius": 2.0, "bonus_scale": 1e-4, "pessimism_scale": 1e-3},
}
MODELS = ("linear", "tabular")


def world_of(sources=3, gaps=(0.05, 0.1, 0.15), **parameters):
    sizes = {"prompts": 3, "responses": 4, "dimension": 3, "beta": 0.2}
    world = sb.make("random_linear", **(sizes | parameters))
    return Sources(number=sources, gap=gaps).apply(world, instance_key(seed=0, instance=0))


def world_with_gaps():
    """A prompt that never comes, and responses that the reference never draws."""
    world = world_of()
    log_ref = np.where(np.eye(3, 4) > 0, -np.inf, world.log_ref)
    log_ref -= np.log(np.sum(np.exp(log_ref), axis=1, keepdims=True))
    return world.replace(rho=[0.0, 0.4, 0.6], log_ref=log_ref)


def twins(model, oracle=naive.NaiveEllipsoidTPO, **words):
    """Return the product's TPO and the oracle's."""
    words = DEFAULT | words
    every = words.pop("refresh_every", 0)
    schedule = naive.Every(every) if every else naive.Geometric(1.3)
    fast = TPO(**words, model=model, refresh_growth=1.3, refresh_every=every)
    words |= {"lam": words.pop("regularisation"), "online_ridge": words.pop("ridge")}
    return fast, oracle(**words, model=model, refresh=schedule)


def compiled(test):
    """Mark a test whose kernels take half a minute to compile, and none as plain Python."""
    return test if numba.config.DISABLE_JIT else pytest.mark.thorough(test)


def sampled(cases, kept):
    """Return all cases, marked as exhaustive but for those that CI keeps: each compiles for ten seconds."""
    return [case if case in kept else pytest.param(case, marks=pytest.mark.exhaustive) for case in cases]


def agree(model, world, rounds=200, engines=(numba_rounds, jax_rounds), **words):
    learner, slow = twins(model, **words)
    expected = naive_rounds(naive.naive_run, world, slow, rounds=rounds, run=1)
    for play in engines:
        fast = play(world, learner, rounds=rounds, run=1)  # every fit is solved
        assert_same(expected, fast, world.reward_bound)
    if numba_rounds in engines:
        block = run_block(
            world, learner, rounds=rounds, runs=[1], engine="numba", checkpoints=np.array([rounds])
        )
        assert_same_choices(block, 0, world, slow)
    return slow


def assert_same_choices(block, run, world, slow):
    """The columns of a run say what the oracle chose and what it hands out."""
    assert [block[f"pulls_{w}"][run] for w in range(len(slow.pulls))] == list(slow.pulls)
    assert block["pulls_off"][run] == slow.chosen.count("off")
    expected = sb.measure(world, slow.distilled(), ["value_gap"])["value_gap"]
    assert block["value_gap"][run] == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("model", ["tabular", pytest.param("linear", marks=pytest.mark.thorough)])
def test_transfer_then_self_transfer(model):
    slow = agree(model, world_of(), engines=(jax_rounds,))
    assert {"online", "off", 0} <= set(slow.chosen)  # the test sees every kind of round
    assert slow.pessimistic_value > 0.0


@pytest.mark.parametrize("model", MODELS, ids=str)
@pytest.mark.parametrize("variant", ["as it is", *VARIANTS])
@compiled
def test_the_kernel_in_all_variants(variant, model):
    agree(model, world_of(), rounds=120, engines=(numba_rounds,), **VARIANTS.get(variant, {}))


@pytest.mark.parametrize("model", MODELS)
@compiled
def test_the_kernel_in_other_worlds(model):
    for sources, parameters in (
        (0, {}),
        (0, {"responses": 2, "dimension": 1, "prompts": 1, "beta": 0.05}),
        (0, {"responses": 1}),
        (2, {"beta": 0.01, "gaps": (1e-4,)}),
        (2, {"beta": 10.0, "gaps": (1e-4,)}),
    ):
        world = world_of(sources=sources, **parameters)
        agree(model, world, rounds=60, engines=(numba_rounds,), online_alpha=1e-4)
    agree(model, world_with_gaps(), rounds=120, engines=(numba_rounds,))
    many = np.random.default_rng(0).uniform(-1, 2, size=(40, *world_of().log_ref.shape))
    agree(model, world_of().replace(sources=many), rounds=60, engines=(numba_rounds,), share=0.0)


@pytest.mark.parametrize("model", MODELS)
@compiled
def test_runs_do_not_depend_on_the_horizon(model):
    """A horizon that no block divides is a prefix of a longer run."""
    world, (learner, _) = world_of(), twins(model)
    short, long = (
        run_block(
            world, learner, rounds=marks[-1], runs=range(2), engine="numba", checkpoints=np.array(marks)
        )
        for marks in ([47], [47, 100])
    )
    for name, column in short.items():
        np.testing.assert_array_equal(column, long[name][::2])


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
    agree(model, world_with_gaps())


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
    """Choices, what is handed out, and no unsolved fit; three runs side by side, the same on both engines."""
    world = world_of()
    learner, slow = twins(model)
    naive_rounds(naive.naive_run, world, slow, rounds=150, run=1)
    on_numba, on_jax = (
        run_block(
            world, learner, rounds=150, runs=[0, 1, 2], engine=engine, checkpoints=np.array([150]), block=3
        )
        for engine in ("numba", "jax")
    )
    assert (on_jax["unsolved_fits"] == 0).all()
    assert len(set(on_jax["regret"])) == 3
    assert_same_choices(on_jax, 1, world, slow)
    for name, column in on_numba.items():
        np.testing.assert_allclose(column, on_jax[name], rtol=0, atol=1e-9 * max(1, np.abs(column).max()))


@pytest.mark.parametrize("model", MODELS)
def test_names_and_engine(model):
    world, (learner, _) = world_of(sources=2), twins(model)
    names = list(learner.named_diagnostics(world).items())
    assert names == [
        ("unsolved_fits", "sum"),
        ("pulls_off", "last"),
        ("pulls_0", "last"),
        ("pulls_1", "last"),
    ]
    assert "unsolved_fits" not in TPO().named_diagnostics(world)  # a finite class is enumerated
    assert choose_engine("numba", learner, world) == "numba"
    assert loop_name(world, learner) == f"simbench_loop_simbench_learners_transfer_kernels_tpo_{model}_sum"


@pytest.mark.parametrize("model", MODELS)
def test_runs_share_tables_and_nothing_else(model):
    """What a run writes is its own; arrays that a state holds under two names stay one."""
    kernel = twins(model)[0].kernel(world_of())
    one, other = kernel.fresh_state(), kernel.fresh_state()
    assert one.transfer.tables is other.transfer.tables
    assert one.transfer.known is other.transfer.known
    assert one.transfer.played.log is one.log_policy is not other.log_policy
    assert one.transfer.off.log is one.deployed
    assert one.transfer.diagnostics is one.diagnostics
    assert one.transfer.own.cdf is one.online.slots.cdf
    assert one.transfer.search.y is not other.transfer.search.y


def test_refusals():
    with pytest.raises(SimbenchError, match="features"):
        run_block(sb.make("random_tabular"), TPO(model="linear"), rounds=5, runs=[0])
    with pytest.raises(Exception, match="model 'tabular'"):
        TPO(model="tabular", pessimism="rpo")
