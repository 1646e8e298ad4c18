"""Plays empirical TPO without the engine, so that the pairs can be seen, and holds it against the naive oracle."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.learners.transfer.annotation.collection import Pairs
from simbench.learners.transfer.empirical_tpo import EmpiricalTPO
from simbench.precision import float64
from simbench.tape import run_key
from tests.naive.empirical_tpo import NaiveEmpiricalTPO
from tests.naive.instances import draw_world

RUN, SEED = 2, 5
SHARED = (
    "prompts",
    "arms",
    "optimiser",
    "reference",
    "null_reward",
    "exploration",
    "refresh",
    "ridge",
    "alpha",
)
SHARED += ("source_policy", "source_samples")


class Iteration(NamedTuple):
    """After an iteration: the learner's pairs `[n]`, its pulls `[W + 1]`, its log-policy `[S, A]`, diagnostics."""

    pairs: Pairs
    pulls: np.ndarray
    log_policy: np.ndarray
    numbers: dict[str, Any]


def played(learner: EmpiricalTPO, world: Bandit, labels: int, steps: Any = None) -> list[Iteration]:
    """Play the learner on the tape of (SEED, RUN)."""
    key = run_key(seed=SEED, instance=0, run=RUN)
    init, step = steps or compiled(learner)
    iterations, start = [], 0
    with float64():
        state = init(world)
        for end in learner.iteration_ends(labels).tolist():
            data, state, numbers = step(world, state, key[0], key[1], start, end - start)
            of_learner = jax.tree.map(lambda leaf: np.asarray(leaf[0]), data.pairs)
            pairs = jax.tree.map(lambda leaf, seen=of_learner.counted: leaf[seen], of_learner)
            iterations.append(
                Iteration(pairs, np.asarray(data.tally.pulls[0]), np.asarray(state.log_policy[0]), numbers)
            )
            start = end
    return iterations


def compiled(learner: EmpiricalTPO) -> Any:
    """Return the jitted start and step of a learner; compiled anew, whatever was compiled before."""

    def step(world: Bandit, state: Any, key0: Any, key1: Any, start: Any, labels: Any) -> Any:
        data = learner.collect(state, world, (key0, key1), start, labels)
        state = learner.observe(state, world, data)
        return data, state, learner.diagnose(state)

    arrays = lambda world: jax.tree.map(jnp.asarray, world)  # noqa: E731
    start = jax.jit(lambda world: learner.init(arrays(world)))
    return start, jax.jit(lambda world, *rest: step(arrays(world), *rest))


def assert_same(learner: EmpiricalTPO, world: Bandit, labels: int, iterations: list[Iteration]) -> None:
    """Hold iterations against the oracle's: pairs, arms and payments exactly, policies to 1e-9."""
    same = {name: getattr(learner, name) for name in SHARED}
    expected = NaiveEmpiricalTPO(world, seed=SEED, run=RUN, **same).play(labels)
    assert len(expected) == len(iterations)
    for right, played_one in zip(expected, iterations, strict=True):
        pairs = played_one.pairs
        for theirs, ours in (
            (right.prompts, pairs.prompt),
            (right.arms, pairs.arm),
            (right.chosen, pairs.chosen),
            (right.rejected, pairs.rejected),
            (right.payments, pairs.payment),
        ):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(played_one.pulls, right.pulls(len(played_one.pulls)))
        np.testing.assert_allclose(np.exp(played_one.log_policy), np.exp(right.log_policy), rtol=0, atol=1e-9)
        np.testing.assert_array_equal(np.isneginf(played_one.log_policy), np.isneginf(right.log_policy))


def with_duplicates(world: Bandit) -> Bandit:
    """The same world in which the last response is a copy of the first, in every respect."""
    copy = {name: np.array(getattr(world, name)) for name in ("log_ref", "reward", "sources")}
    for table in copy.values():
        table[..., -1] = table[..., 0]
    copy["log_ref"] -= np.log(np.exp(copy["log_ref"]).sum(-1, keepdims=True))
    return Bandit(rho=world.rho, beta=world.beta, **copy)


def small_world(seed: int = 0) -> Bandit:
    """Three prompts, four responses, three sources."""
    world = draw_world(seed)
    return Bandit(
        rho=world.rho, beta=world.beta, log_ref=world.log_ref, reward=world.reward, sources=world.sources
    )
