"""naive = numba = JAX for sentences: every function class with every objective, every sampler and schedule."""

import numba
import pytest

import simbench as sb
from tests.engine.composed import MODELS, OBJECTIVES, SCHEDULES, SLOTS, checkerboard, compose, world_for
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.naive import naive_run

ROUNDS = 300  # each JAX case compiles for seconds: those of named learners, and one class for the other parts
NAMED = ("likelihood", "xpo", "vpo", "ipo")


def three_agree(model, rounds=ROUNDS, jax=True, run=1, **words):
    world = world_for(model, sb.make)
    learner, slow = compose(model, **words)
    expected = naive_rounds(naive_run, world, slow, rounds=rounds, run=run)
    numba = numba_rounds(world, learner, rounds=rounds, run=run)
    assert_same(expected, numba, world.reward_bound)
    if jax:
        assert_same(expected, jax_rounds(world, learner, rounds=rounds, run=run), world.reward_bound)


def test_xpo_in_a_finite_class():
    three_agree("finite", objective="xpo")


def test_xpo_in_the_tabular_class():
    three_agree("tabular", objective="xpo", jax=False)


@pytest.mark.thorough
@pytest.mark.parametrize(("model", "objective"), checkerboard(MODELS, OBJECTIVES))
def test_every_class_with_every_objective(model, objective):
    three_agree(model, objective=objective, jax=objective in NAMED or model == "tabular")


@pytest.mark.thorough
@pytest.mark.parametrize(("model", "slot"), checkerboard(["tabular", "finite"], SLOTS))
def test_every_sampler_in_both_slots(model, slot):
    three_agree(model, first=slot, second="own", jax=model == "tabular")
    three_agree(model, first="own", second=slot, jax=False)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("model", "schedule"), checkerboard(MODELS, [name for name in SCHEDULES if name != "every"])
)
def test_every_schedule(model, schedule):
    three_agree(model, objective="xpo", schedule=schedule, jax=model == "tabular")


@pytest.mark.skipif(not numba.config.DISABLE_JIT, reason="its coverage is what `make test-nojit` is for")
@pytest.mark.parametrize("model", ["tabular", "box", "linear", "finite"])
@pytest.mark.parametrize("objective", list(OBJECTIVES))
def test_kernels_as_plain_python(model, objective):
    words = list(SLOTS), list(SCHEDULES)
    for i, first in enumerate(words[0] if objective == "likelihood" else ["own"]):
        three_agree(
            model,
            objective=objective,
            first=first,
            schedule=words[1][(i + list(OBJECTIVES).index(objective)) % len(words[1])],
            rounds=80,
            jax=False,
        )
