"""Sides that cannot be judged are told in one sentence: random numbers, loops of unknown length; sides of two signs."""

import jax
import jax.numpy as jnp
import pytest

from simbench.errors import SimbenchError
from simbench.verify import Control, Instance, Upper, claim, family, hunt, judge


@family(a=(0.0, 1.0))
def interval(a):
    return Instance(world=None, a=a)


def register(name, measured, theory=lambda x: jnp.asarray(1.0), constant=0.5):
    body = {
        "__doc__": "A statement.",
        "domain": interval,
        "measured": lambda self, x: measured(x),
        "theory": lambda self, x: theory(x),
        "controls": (Control("another", constant=constant),),
    }
    return claim(name, source="tests")(type(name, (Upper,), body))


def drawn(x):
    return x.a * jax.random.uniform(jax.random.key(0), dtype=jnp.float64)


def halved(x):
    return jax.lax.while_loop(lambda y: y > 0.1, lambda y: y / 2, x.a)


@pytest.mark.parametrize("ask", [judge, lambda one: hunt(one, seconds=0.1)])
@pytest.mark.parametrize(
    ("side", "words"), [(drawn, "a side draws random numbers"), (halved, "a loop of unknown length")]
)
def test_one_sentence(ask, side, words):
    with pytest.raises(SimbenchError, match=words) as error:
        ask(register("test_refused_side", side))
    assert "\n" not in str(error.value)


def test_sides_of_different_signs_are_told_as_a_distance():
    verdict = judge(register("test_two_signs", lambda x: -0.001 - x.a, lambda x: 1.0 + x.a, constant=-1.0))
    assert verdict.tightness is None
    assert any("stay apart by 1.001" in note for note in verdict.notes)
    assert "-0.0" not in str(verdict)
