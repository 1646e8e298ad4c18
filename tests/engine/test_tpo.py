"""naive = numba = JAX for TPO: the same draws, gaps, choices and distilled policy on the same tape."""

import numba
import numpy as np
import pytest

import simbench as sb
from simbench.engine import run_block
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
    "pessimism_scale": 0.1,
    "delta": 0.1,
    "pessimism": "version_space",
    "eta": 1.0,
}
VARIANTS = {
    "theory": {"bonus_scale": 1.0, "pessimism_scale": 1.0},
    "all data": {"online_data": "all"},
    "vpo": {"online": "vpo"},
    "online dpo": {"online": "online_dpo", "block": 7, "share": 0.5},
    "rpo": {"pessimism": "rpo", "eta": 3.0},
    "rpo, no allowance": {"pessimism": "rpo", "pessimism_scale": 0.0, "eta": 0.1},
    "no online rounds": {"share": 0.0},
    "only online rounds": {"share": 1.0},
    "no bonus, no doubt": {"bonus_scale": 0.0, "pessimism_scale": 0.0},
    "every round": {"refresh_every": 1},
    "every 13": {"refresh_every": 13},
}


def world_of(members=8, sources=3, gaps=(0.05, 0.1, 0.15), **parameters):
    world = sb.make(
        "random_finite", members=members, **({"prompts": 3, "responses": 4, "beta": 0.2} | parameters)
    )
    return Sources(number=sources, gap=gaps).apply(world, instance_key(seed=0, instance=0))


def twins(**words):
    """Return the product's TPO and the oracle's."""
    words = DEFAULT | words
    every = words.pop("refresh_every", 0)
    schedule = naive.Every(every) if every else naive.Geometric(1.3)
    return (
        TPO(**words, refresh_growth=1.3, refresh_every=every),
        naive.NaiveTPO(**words, refresh=schedule),
    )


def agree(world, rounds=250, jax=True, run=1, **words):
    learner, slow = twins(**words)
    expected = naive_rounds(naive.naive_run, world, slow, rounds=rounds, run=run)
    assert_same(expected, numba_rounds(world, learner, rounds=rounds, run=run), world.reward_bound)
    if jax:
        assert_same(expected, jax_rounds(world, learner, rounds=rounds, run=run), world.reward_bound)
    block = run_block(
        world, learner, rounds=rounds, runs=[run], engine="numba", checkpoints=np.array([rounds])
    )
    assert [block[f"pulls_{w}"][0] for w in range(len(slow.pulls))] == list(slow.pulls)
    assert block["pulls_off"][0] == slow.chosen.count("off")
    expected_gap = sb.measure(world, slow.distilled(), ["value_gap"])["value_gap"]
    assert block["value_gap"][0] == pytest.approx(float(expected_gap), abs=1e-9)
    return slow


def test_transfer_then_self_transfer():
    slow = agree(world_of())
    assert {"online", "off", 0} <= set(slow.chosen)  # the test sees every kind of round


@pytest.mark.thorough
@pytest.mark.parametrize(
    "variant",
    [
        name if name in ("theory", "rpo", "all data") else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in VARIANTS
    ],
)
def test_variants(variant):
    agree(world_of(), **VARIANTS[variant])


def test_variants_without_jax():
    for words in VARIANTS.values():
        agree(world_of(), jax=False, rounds=120, **words)


def test_no_source_is_self_transfer_alone():
    slow = agree(world_of(sources=0), jax=False)
    assert set(slow.chosen) == {"online", "off"}


def test_a_source_without_gap_is_played():
    slow = agree(world_of(sources=1, gaps=(0.0,)), jax=False, share=0.0)
    assert slow.pulls[0] > 0


def test_many_sources_and_odd_sizes():
    world = world_of(sources=0, members=2)
    sources = np.random.default_rng(0).uniform(0, 1, size=(64, *world.log_ref.shape))
    agree(world.replace(sources=sources), jax=False, rounds=100, share=0.0)
    agree(world_of(sources=2, members=3, prompts=1, responses=2, beta=0.05, gaps=(0.01,)), jax=False)
    agree(world_of(sources=0, members=1, responses=1), jax=False, rounds=30)


def test_sources_outside_the_box():
    """A source of span 3 R is no member of the class of theory, and still a policy."""
    world = world_of()
    world = world.replace(sources=world.sources * 3.0 - 1.0)
    agree(world, jax=False)


@pytest.mark.thorough
def test_the_engines_agree_on_what_is_handed_out():
    world = world_of()
    learner, _ = twins()
    numba_columns, jax_columns = (
        run_block(world, learner, rounds=300, runs=range(3), engine=engine, block=3)
        for engine in ("numba", "jax")
    )
    for name, column in numba_columns.items():
        np.testing.assert_allclose(
            column, jax_columns[name], rtol=0, atol=1e-9 * max(1, np.abs(column).max())
        )


def test_runs_do_not_depend_on_the_horizon():
    """A horizon that no block divides is a prefix of a longer run."""
    world = world_of()
    learner, _ = twins()
    marks = np.array([47])
    short = run_block(world, learner, rounds=47, runs=range(2), engine="numba", checkpoints=marks)
    long = run_block(
        world, learner, rounds=100, runs=range(2), engine="numba", checkpoints=np.array([47, 100])
    )
    for name, column in short.items():
        np.testing.assert_array_equal(column, long[name][::2])


def test_refusals():
    with pytest.raises(SimbenchError, match="reward_class"):
        run_block(sb.make("random_tabular"), TPO(), rounds=5, runs=[0])
    with pytest.raises(Exception, match="delta is 1"):
        TPO(delta=1.0)
    with pytest.raises(Exception, match="growth"):
        TPO(refresh_growth=1.0)


@pytest.mark.skipif(not numba.config.DISABLE_JIT, reason="its coverage is what `make test-nojit` is for")
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_kernels_as_plain_python(variant):
    agree(world_of(), jax=False, rounds=80, **VARIANTS[variant])
