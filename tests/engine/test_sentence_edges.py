"""Sentences where nobody tunes: odd sizes, extreme beta, separable data, ties, many sources, a user's own parts."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import simbench as sb
from simbench.engine import run_block
from simbench.engine.run import choose_engine
from simbench.errors import SimbenchError
from simbench.learners.online.vpo import VPO
from simbench.learners.parts.bonuses import ReferenceDraws
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.losses import Loss
from simbench.learners.parts.samplers import BestOf, Own, Reference, Sampler, Source
from simbench.learners.parts.tabular import Tabular
from simbench.learners.sentence import Parts
from simbench.learners.transfer.sources import BestSource, OneSource, UniformSource, WorstSource
from simbench.registry import parameters
from tests.engine.composed import Composed, compose
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.naive import NaiveBestSource, NaiveOneSource, NaiveUniformSource, NaiveWorstSource, naive_run

MODELS = ("tabular", "box", "linear", "finite")


def world_of(model, *, prompts=2, responses=4, beta=0.3, members=8):
    name = {"finite": "random_finite", "linear": "random_linear"}.get(model, "random_tabular")
    sizes = {"members": members} if model == "finite" else {}
    return sb.make(name, prompts=prompts, responses=responses, beta=beta, **sizes)


def agree(world, model, *, rounds=300, **words):
    learner, slow = compose(model, **words)
    expected = naive_rounds(naive_run, world, slow, rounds=rounds, run=4)
    assert_same(expected, numba_rounds(world, learner, rounds=rounds, run=4), world.reward_bound)


@pytest.mark.thorough
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 7), (3, 1), (17, 3)])
def test_odd_sizes(model, shape):
    agree(world_of(model, prompts=shape[0], responses=shape[1]), model, objective="likelihood", rounds=200)


@pytest.mark.thorough
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("beta", [1e-3, 1e3])
def test_extreme_beta(model, beta):
    agree(world_of(model, beta=beta), model, objective="likelihood", second="own")


@pytest.mark.thorough
@pytest.mark.parametrize("model", MODELS)
def test_separable_data(model):
    """Every comparison has a sure winner: the likelihood alone has no minimiser, the class keeps it finite."""
    world = world_of(model)
    difference = world.reward[:, :, None] - world.reward[:, None, :]
    agree(world.replace(prefs=np.where(difference == 0, 0.5, np.where(difference > 0, 1.0, 0.0))), model)


@pytest.mark.thorough
@pytest.mark.parametrize("model", ["tabular", "box", "finite"])
def test_exact_ties(model):
    """Responses with the same reward under r* and under every hypothesis."""
    world = world_of(model)
    tied = world.reward[:, [0, 0, 2, 2]]
    twice = None if world.reward_class is None else world.reward_class[:, :, [0, 0, 2, 2]]
    agree(world.replace(reward=tied, reward_class=twice), model, first="best")


def test_a_class_of_one():
    """|Pi| = 1: the policy is G(r*) from the first label on."""
    world = world_of("finite", members=1)
    learner = Composed(Parts(model=Finite(), bonus=ReferenceDraws(alpha=1e-3), second=Reference()))
    columns = run_block(world, learner, rounds=50, runs=[0], engine="numba", checkpoints=np.array([1, 50]))
    np.testing.assert_allclose(columns["value_gap"], 0.0, atol=1e-12)
    np.testing.assert_allclose(columns["regret"][1], columns["regret"][0], rtol=1e-12)


def test_kernel_states_are_of_one_type():
    """A table that happens to be the world's own array would be read-only, and the loop be compiled once more."""
    for members in (1, 3):
        state = Composed(Parts(model=Finite())).kernel(world_of("finite", members=members)).fresh_state()
        assert all(part.flags.writeable for part in state if isinstance(part, np.ndarray))


def test_many_sources():
    """W = 64: fixed policies of sources as samplers, and the source baselines, against the oracle."""
    world = sb.make("random_tabular", prompts=2, responses=5, beta=0.3)
    rng = np.random.default_rng(3)
    world = world.replace(sources=rng.uniform(0.0, world.reward_bound, (64, 2, 5)))
    for learner, slow in (
        (BestSource(), NaiveBestSource()),
        (WorstSource(), NaiveWorstSource()),
        (UniformSource(), NaiveUniformSource()),
        (OneSource(index=63), NaiveOneSource(63)),
    ):
        expected = naive_rounds(naive_run, world, slow, rounds=50, run=0)
        assert_same(expected, numba_rounds(world, learner, rounds=50, run=0), world.reward_bound)


def test_parts_that_do_not_fit_are_refused():
    world = sb.make("random_tabular", prompts=2, responses=3)
    refused = {
        "needs the reference in slot 2": Parts(model=Tabular(), bonus=ReferenceDraws(alpha=1e-3)),
        "reward_class": Parts(model=Finite()),
        "source 0 is asked for; the world has 0": Parts(model=Tabular(), second=Source(index=0)),
    }
    for complaint, parts in refused.items():
        with pytest.raises(SimbenchError, match=complaint):
            run_block(world, Composed(parts), rounds=5, runs=[0], engine="numba")
    with pytest.raises(SimbenchError, match="sources"):
        run_block(world, BestSource(), rounds=5, runs=[0], engine="numba")
    one = world.replace(sources=world.reward[None])
    with pytest.raises(SimbenchError, match="index is 1; this world has sources 0 to 0"):
        run_block(one, OneSource(index=1), rounds=5, runs=[0], engine="numba")


@parameters
class Exponential(Loss):
    """A loss of a user's own: e^{-u}."""

    def value(self, u: Any) -> Any:
        return jnp.exp(-u)

    def slope(self, u: Any) -> Any:
        return -jnp.exp(-u)

    def curvature(self, u: Any) -> Any:
        return jnp.exp(-u)


@parameters
class Sharpened(Sampler):
    """A sampler of a user's own: the square of the own policy."""

    def log_policy(self, world: Any, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        doubled = 2.0 * log_own
        return doubled - jnp.log(jnp.sum(jnp.exp(doubled), axis=-1, keepdims=True))


def test_a_users_own_parts_run_on_jax():
    """One part without a numba twin, and the sentence runs on JAX; on data that allow it, it does what it says."""
    world = sb.make("random_tabular", prompts=1, responses=3, beta=1.0)
    parts = Parts(model=Tabular(ridge=1.0), loss=Exponential(), second=Sharpened())
    learner = Composed(parts)
    assert learner.kernel(world) is None
    assert choose_engine("auto", learner, world) == "jax"
    columns = run_block(world, learner, rounds=200, runs=[0, 1], block=2, checkpoints=np.array([200]))
    assert (columns["unsolved_fits"] == 0).all()
    assert (columns["value_gap"] < float(sb.measure(world, world.log_ref)["value_gap"])).all()


@pytest.mark.thorough
def test_prompts_of_labels_have_their_own_weights():
    """train_rho decides where labels come from; gaps stay with rho."""
    world = world_of("tabular", prompts=3)
    shifted = world.replace(train_rho=np.array([0.8, 0.2, 0.0]))
    learner, slow = compose("tabular", second="own")
    expected = naive_rounds(naive_run, shifted, slow, rounds=200, run=1)
    assert set(expected.drawn[:, 0]) == {0, 1}
    assert_same(expected, numba_rounds(shifted, learner, rounds=200, run=1), 1.0)
    assert_same(expected, jax_rounds(shifted, learner, rounds=200, run=1), 1.0)


@pytest.mark.thorough
def test_vpo_without_weight_is_online_dpo():
    world = world_of("tabular")
    plain, _ = compose("tabular", second="reference")
    assert_same(
        numba_rounds(world, VPO(alpha=0.0, ridge=0.5), rounds=300, run=2),
        numba_rounds(world, plain, rounds=300, run=2),
        1.0,
    )


@pytest.mark.thorough
def test_nested_samplers_are_programs():
    """best of 3 of the worst of 2 of ref is the same law in both dialects."""
    world = world_of("tabular")
    nested = BestOf(n=3, of=BestOf(n=2, of=Own()))
    one = Composed(Parts(model=Tabular(ridge=0.5), second=nested))
    other = Composed(Parts(model=Tabular(ridge=0.5), second=BestOf(n=6)))
    assert_same(
        numba_rounds(world, one, rounds=300, run=2), numba_rounds(world, other, rounds=300, run=2), 1.0
    )
