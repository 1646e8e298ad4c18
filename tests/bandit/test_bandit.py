"""The world as a value: read-only, picklable, a pytree; and every malformed field is one sentence."""

import copy
import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.precision import float64
from simbench.quantities import measure

REQUIRED = ("rho", "log_ref", "reward", "beta", "reward_bound")
FIELDS = (*REQUIRED, "features", "sources", "prefs", "reward_class", "train_rho")


def full_world() -> Bandit:
    """S = 2, A = 3, every field given, one cell without support, one prompt without weight."""
    generator = np.random.default_rng(0)
    with np.errstate(divide="ignore"):
        log_ref = np.log([[0.2, 0.3, 0.5], [0.0, 0.6, 0.4]])
    scores = generator.normal(size=(2, 3))
    return Bandit(
        rho=[1.0, 0.0],
        log_ref=log_ref,
        reward=[[0.0, 1.0, 2.0], [0.5, 0.25, 1.5]],
        beta=0.1,
        reward_bound=2,
        features=generator.normal(size=(2, 3, 4)),
        sources=generator.normal(size=(5, 2, 3)),
        prefs=1 / (1 + np.exp(scores[:, None, :] - scores[:, :, None])),
        reward_class=generator.uniform(size=(7, 2, 3)),
        train_rho=[0.25, 0.75],
    )


WORLD = full_world()


def assert_same(one: Bandit, other: Bandit):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_shapes_and_types():
    assert (WORLD.prompts, WORLD.responses) == (2, 3)
    for name in FIELDS:
        array = getattr(WORLD, name)
        assert isinstance(array, np.ndarray)
        assert array.dtype == np.float64
    assert WORLD.beta.shape == WORLD.reward_bound.shape == ()


@pytest.mark.parametrize("name", FIELDS)
def test_arrays_are_read_only_and_fields_frozen(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(WORLD, name)[...] = 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(WORLD, name, 0.0)


def test_a_world_does_not_share_memory_with_what_it_was_built_from():
    reward = np.array([[0.0, 1.0]])
    world = Bandit(rho=[1.0], log_ref=np.log([[0.5, 0.5]]), reward=reward, beta=1.0)
    reward[0, 0] = 0.7
    assert world.reward[0, 0] == 0.0
    assert reward.flags.writeable


def test_one_prompt_one_response():
    world = Bandit(rho=[1], log_ref=[[0]], reward=[[1]], beta=1)
    assert (world.prompts, world.responses) == (1, 1)


@pytest.mark.parametrize(
    "duplicate",
    [lambda w: pickle.loads(pickle.dumps(w)), copy.deepcopy, copy.copy, lambda w: w.replace()],
    ids=["pickle", "deepcopy", "copy", "replace"],
)
def test_copies_are_the_same_world_and_read_only(duplicate):
    twin = duplicate(WORLD)
    assert_same(twin, WORLD)
    assert all(not getattr(twin, name).flags.writeable for name in FIELDS)


def test_equality_is_identity_so_that_a_world_can_be_a_key():
    twin = WORLD.replace()
    assert twin != WORLD
    assert {WORLD: "a", twin: "b"}[WORLD] == "a"


def test_replace_changes_one_field_and_validates():
    assert float(WORLD.replace(beta=0.5).beta) == 0.5
    assert_same(WORLD.replace(beta=0.5).replace(beta=WORLD.beta), WORLD)
    with pytest.raises(SimbenchError, match=r"beta is -1\.0"):
        WORLD.replace(beta=-1)
    with pytest.raises(TypeError, match="gamma"):
        WORLD.replace(gamma=1)


def test_repr_says_what_matters():
    assert repr(WORLD) == (
        "Bandit(S=2, A=3, beta=0.1, R=2, features (2, 3, 4), sources (5, 2, 3), prefs (2, 3, 3), "
        "reward_class (7, 2, 3), train_rho (2,), 1 cells without support)"
    )
    assert repr(jax.eval_shape(lambda world: world, WORLD)).startswith("Bandit(log_ref=ShapeDtypeStruct")


# ---- as a pytree


def objective(world):
    """Any smooth function of all the numbers: E_rho sum_a e^{log_ref} reward^2 / beta."""
    return jnp.sum(world.rho[:, None] * jnp.exp(world.log_ref) * world.reward**2) / world.beta


def by_numpy(world):
    return float(np.sum(world.rho[:, None] * np.exp(world.log_ref) * world.reward**2) / world.beta)


def test_flatten_and_unflatten_are_inverse():
    leaves, structure = jax.tree.flatten(WORLD)
    assert len(leaves) == len(FIELDS)
    assert_same(jax.tree.unflatten(structure, leaves), WORLD)
    bare = WORLD.replace(features=None, sources=None, prefs=None, reward_class=None, train_rho=None)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(bare)]
    assert paths == [f".{name}" for name in REQUIRED]


def test_it_passes_through_jit():
    with float64():
        assert float(jax.jit(objective)(WORLD)) == pytest.approx(by_numpy(WORLD), rel=1e-14)
        returned = jax.jit(lambda world: world)(WORLD)
    assert_same(returned, WORLD)
    assert repr(returned).startswith("Bandit(")


def test_it_is_mapped_over_a_stack_of_worlds():
    worlds = [WORLD.replace(beta=beta) for beta in (0.1, 0.2, 0.4)]
    with float64():
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *worlds)
        assert (stacked.prompts, stacked.responses) == (2, 3)
        mapped = jax.vmap(objective)(stacked)
    np.testing.assert_allclose(mapped, [by_numpy(world) for world in worlds], rtol=1e-14)


def test_the_gradient_in_a_world_is_a_world():
    with float64():
        gradient = jax.grad(objective)(WORLD)
    assert isinstance(gradient, Bandit)
    weight = WORLD.rho[:, None] * np.exp(WORLD.log_ref) / WORLD.beta
    np.testing.assert_allclose(gradient.reward, 2 * weight * WORLD.reward, rtol=1e-14)
    np.testing.assert_allclose(gradient.beta, -by_numpy(WORLD) / WORLD.beta, rtol=1e-14)


def test_replace_takes_tracers():
    """grad, vmap and jit of a function that replaces the reward agree with its closed form."""

    def in_reward(reward):
        return objective(WORLD.replace(reward=reward))

    with float64():
        reward = jnp.asarray(WORLD.reward)
        gradient = jax.jit(jax.grad(in_reward))(reward)
        mapped = jax.vmap(in_reward)(jnp.stack([reward, 2 * reward]))
    weight = WORLD.rho[:, None] * np.exp(WORLD.log_ref) / WORLD.beta
    np.testing.assert_allclose(gradient, 2 * weight * WORLD.reward, rtol=1e-14)
    np.testing.assert_allclose(mapped, [by_numpy(WORLD), 4 * by_numpy(WORLD)], rtol=1e-14)


def test_replace_validates_concrete_jax_arrays():
    with float64():
        world = WORLD.replace(reward=jnp.asarray(WORLD.reward) / 2)
        assert isinstance(world.reward, np.ndarray)
        with pytest.raises(SimbenchError, match="reward ranges over"):
            WORLD.replace(reward=jnp.asarray(WORLD.reward) * 2)


# ---- refusals


def entry(name, at, value):
    array = np.array(getattr(WORLD, name))
    array[at] = value
    return {name: array}


TILTED = np.array(WORLD.prefs)
TILTED[0, 1, 2] += 1e-3

FAULTS = {
    "rho nan": (entry("rho", 1, np.nan), r"rho\[1\] is nan; every entry must be a finite number"),
    "rho negative": ({"rho": [1.5, -0.5]}, r"rho\[1\] is -0\.5; prompt weights are >= 0 and sum to 1"),
    "rho sum": ({"rho": [0.5, 0.4]}, "rho sums to 0.9; prompt weights must sum to 1"),
    "rho shape": (
        {"rho": [1.0]},
        r"rho has shape \(1,\); with log_ref of shape \(2, 3\) it must have shape \(2,\)",
    ),
    "rho text": ({"rho": ["1", "0"]}, r"rho is \['1', '0'\]; it must be an array of real numbers"),
    "rho none": ({"rho": None}, "rho is None; it must be an array of real numbers"),
    "log_ref probabilities": (
        {"log_ref": np.exp(WORLD.log_ref)},
        r"log_ref\[0, 0\] is 0\.2.*numbers <= 0.*\(take np\.log",
    ),
    "log_ref nan": (entry("log_ref", (1, 1), np.nan), r"log_ref\[1, 1\] is nan"),
    "log_ref inf": (entry("log_ref", (1, 1), np.inf), r"log_ref\[1, 1\] is inf"),
    "log_ref row": (entry("log_ref", (1, 1), -np.inf), r"log_ref\[1\] has probabilities that sum to 0\.4"),
    "log_ref no support": (entry("log_ref", 0, -np.inf), r"log_ref\[0\] has probabilities that sum to 0;"),
    "log_ref flat": ({"log_ref": [0.0]}, r"log_ref has shape \(1,\); it must be \[S, A\]"),
    "log_ref empty": ({"log_ref": np.zeros((2, 0))}, r"log_ref has shape \(2, 0\); it must be \[S, A\]"),
    "log_ref ragged": ({"log_ref": [[0.0], [0.0, 1.0]]}, "log_ref is ragged: its rows differ in length"),
    "reward nan": (entry("reward", (0, 2), np.nan), r"reward\[0, 2\] is nan"),
    "reward infinite": (entry("reward", (0, 2), np.inf), r"reward\[0, 2\] is inf"),
    "reward low": (
        entry("reward", (0, 2), -0.1),
        r"reward ranges over \[-0\.1, 1\.5\].*= \[0, 2\]\. Shift and scale",
    ),
    "reward high": ({"reward_bound": 1.9}, r"reward ranges over \[0, 2\].*= \[0, 1\.9\]"),
    "reward shape": ({"reward": [[0, 1]]}, r"reward has shape \(1, 2\).*it must have shape \(2, 3\)"),
    "reward complex": (
        {"reward": WORLD.reward * 1j},
        "reward is array.*; it must be an array of real numbers",
    ),
    "reward objects": ({"reward": [[object()] * 3] * 2}, "reward is .*; it must be an array of real numbers"),
    "beta zero": ({"beta": 0}, r"beta is 0\.0; it must be a finite number > 0"),
    "beta negative": ({"beta": -0.5}, r"beta is -0\.5; it must be a finite number > 0"),
    "beta nan": ({"beta": np.nan}, "beta is nan; it must be a finite number > 0"),
    "beta infinite": ({"beta": np.inf}, "beta is inf; it must be a finite number > 0"),
    "beta vector": ({"beta": [0.1]}, r"beta has shape \(1,\).*it must be one number"),
    "beta none": ({"beta": None}, "beta is None; it must be an array of real numbers"),
    "beta tiny": (
        {"beta": 1e-310},
        "beta is 1e-310, too small for reward_bound 2: reward_bound / beta must be",
    ),
    "beta small": ({"beta": 1.98e-8}, r"beta is 1\.98e-08, .* must be at most 1e\+08"),
    "bound zero": ({"reward_bound": 0}, r"reward_bound is 0\.0; it must be a finite number > 0"),
    "bound infinite": ({"reward_bound": np.inf}, "reward_bound is inf; it must be a finite number > 0"),
    "bound vector": ({"reward_bound": [2, 2]}, r"reward_bound has shape \(2,\).*it must be one number"),
    "features flat": (
        {"features": WORLD.reward},
        r"features has shape \(2, 3\); it must be \[S, A, d\] = \(2, 3, d\) with d >= 1",
    ),
    "features cells": ({"features": np.zeros((3, 2, 4))}, r"features has shape \(3, 2, 4\)"),
    "features empty": ({"features": np.zeros((2, 3, 0))}, r"features has shape \(2, 3, 0\).*d >= 1, or None"),
    "features nan": (entry("features", (1, 0, 2), np.nan), r"features\[1, 0, 2\] is nan"),
    "sources flat": (
        {"sources": WORLD.reward},
        r"sources has shape \(2, 3\); it must be \[W, S, A\] = \(W, 2, 3\) with W >= 1",
    ),
    "sources empty": ({"sources": np.zeros((0, 2, 3))}, r"sources has shape \(0, 2, 3\).*W >= 1, or None"),
    "sources nan": (entry("sources", (4, 1, 0), np.inf), r"sources\[4, 1, 0\] is inf"),
    "class flat": (
        {"reward_class": WORLD.reward},
        r"reward_class has shape \(2, 3\); it must be \[M, S, A\] = \(M, 2, 3\) with M >= 1",
    ),
    "class empty": (
        {"reward_class": np.zeros((0, 2, 3))},
        r"reward_class has shape \(0, 2, 3\).*M >= 1, or None",
    ),
    "class nan": (entry("reward_class", (6, 1, 2), np.nan), r"reward_class\[6, 1, 2\] is nan"),
    "train_rho nan": (entry("train_rho", 1, np.nan), r"train_rho\[1\] is nan; every entry must be a finite"),
    "train_rho negative": ({"train_rho": [1.5, -0.5]}, r"train_rho\[1\] is -0\.5; prompt weights are >= 0"),
    "train_rho sum": ({"train_rho": [0.5, 0.4]}, "train_rho sums to 0.9; prompt weights must sum to 1"),
    "train_rho shape": (
        {"train_rho": [1.0]},
        r"train_rho has shape \(1,\).*it must have shape \(2,\)",
    ),
    "prefs shape": (
        {"prefs": np.full((2, 3), 0.5)},
        r"prefs has shape \(2, 3\).*must have shape \(2, 3, 3\)",
    ),
    "prefs nan": (entry("prefs", (0, 1, 2), np.nan), r"prefs\[0, 1, 2\] is nan"),
    "prefs range": (
        {"prefs": np.full((2, 3, 3), 1.5)},
        r"prefs ranges over \[1\.5, 1\.5\]; probabilities lie in",
    ),
    "prefs asymmetric": ({"prefs": TILTED}, r"prefs\[0, 1, 2\] \+ prefs\[0, 2, 1\] is 1\.001; .* must be 1"),
    "prefs diagonal": (
        entry("prefs", (1, 2, 2), 0.4),
        r"prefs\[1, 2, 2\] \+ prefs\[1, 2, 2\] is 0\.8.*P\(a > a\) 1/2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_malformed_fields_are_refused(fault):
    changes, sentence = FAULTS[fault]
    with pytest.raises(SimbenchError, match=sentence) as error:
        WORLD.replace(**changes)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250


def test_rounding_is_forgiven():
    """Rows that sum to one within 1e-9 and rewards beyond the bound by rounding are no errors."""
    WORLD.replace(log_ref=np.log1p(5e-10) + WORLD.log_ref, reward=WORLD.reward * (1 + 4e-16))


def test_probabilities_are_normalised_and_exact_ones_keep_every_bit():
    off = 1 + np.array([7e-10, -5e-10])
    world = WORLD.replace(
        rho=WORLD.rho * off[0],
        log_ref=WORLD.log_ref + np.log(off)[:, None],
        train_rho=WORLD.rho[::-1] * off[1],
    )
    for sums in (world.rho.sum(), np.exp(world.log_ref).sum(axis=1), world.train_rho.sum()):
        np.testing.assert_allclose(sums, 1.0, rtol=0, atol=4e-16)
    np.testing.assert_allclose(np.exp(world.log_ref), np.exp(WORLD.log_ref), rtol=0, atol=1e-15)
    assert np.isneginf(world.log_ref).tolist() == np.isneginf(WORLD.log_ref).tolist()
    assert not world.log_ref.flags.writeable
    again = world.replace(beta=2.0)
    for name in ("rho", "log_ref", "train_rho"):
        np.testing.assert_array_equal(getattr(again, name), getattr(world, name))


def test_the_gap_is_a_divergence_however_the_rows_were_rounded():
    """J(pi*) - J(pi) = beta KL(pi || pi*), to rounding: rows that sum to 1 + 1e-9 would leave beta 1e-9."""
    reward, reference = np.array([[0.3, 0.9, 0.0]]), np.array([[0.5, 0.3, 0.2]])
    world = Bandit(
        rho=[1.0], log_ref=np.log(reference * (1 + 9e-10)), reward=reward, beta=1e3, reward_bound=1.0
    )
    tilted = reference * np.exp(reward / 1e3)
    optimal, policy = tilted / tilted.sum(), np.array([[0.2, 0.2, 0.6]])
    divergence = 1e3 * float(np.sum(policy * np.log(policy / optimal)))
    gap = measure(world, np.log(policy), ["value_gap", "kl_ref"])
    assert float(gap["value_gap"]) == pytest.approx(divergence, rel=1e-13)
    value = float(np.sum(policy * reward)) - 1e3 * float(gap["kl_ref"])
    assert 1e3 * np.log(tilted.sum()) - value == pytest.approx(divergence, rel=1e-12)


def test_there_are_no_positional_fields():
    with pytest.raises(TypeError):
        Bandit([1.0], [[0.0]], [[0.0]], 1.0)
