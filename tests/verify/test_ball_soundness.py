"""Enclosures enclose: random programs on exact numbers and on fat balls, infinities, undecided comparisons."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from simbench.verify.ball import Undecided, enclose, extended
from simbench.verify.ball.interpreter import run, working_precision
from tests.verify.ball_agreement import disagreement

STEPS = {
    "sin": jnp.sin,
    "cosine": jnp.cos,
    "squash": jnp.tanh,
    "logistic": lambda x: jax.nn.sigmoid(3 * x),
    "exponential": lambda x: jnp.exp(-jnp.abs(x)),
    "logarithm": lambda x: jnp.log1p(x * x),
    "root": lambda x: jnp.sqrt(0.1 + x * x),
    "power": lambda x: jnp.power(0.5 + jnp.abs(x), 1.3),
    "cube": lambda x: x**3 / (1 + x**2),
    "neighbours": lambda x: x * jnp.roll(x, 1) - x[::-1],
    "larger": lambda x: jnp.maximum(x, jnp.roll(x, 2)),
    "switch": lambda x: jnp.where(x > x[::-1], x, 0.5 * x[::-1]),
    "jump": lambda x: jnp.where(x > 0, x, 1.0),
    "sign": lambda x: jnp.sign(x) + x,
    "softmax": lambda x: jax.nn.softmax(x) - 0.1 * x,
    "running": lambda x: jnp.cumsum(x) / 4,
    "running_logs": lax.cumlogsumexp,
    "sorted": jnp.sort,
    "centred": lambda x: x - jnp.mean(x),
    "norm": lambda x: x / (1e-3 + jnp.linalg.norm(x)),
    "outer": lambda x: jnp.einsum("i,j,j->i", x, x, jnp.cos(x)),
    "expm1": lambda x: jnp.expm1(0.3 * x) - 0.3 * x,
}
NUMBERS = st.floats(-2, 2, allow_nan=False).map(lambda x: float(np.float32(x)))


def _program(names):
    def function(x):
        for name in names:
            x = STEPS[name](x)
        return x, x.sum(), x.max() > 1

    return function


@settings(max_examples=60, deadline=None, derandomize=True)
@given(names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6), seed=st.integers(0, 1000))
@pytest.mark.thorough
def test_random_programs_agree_with_float64(names, seed):
    x = np.random.default_rng(seed).normal(size=4)
    function = _program(names)
    assert disagreement(function, x, numbers=function(jnp.asarray(x))) <= 1e-10


def _meets_a_sort_without_order(names, fat):
    """Whether what the first sort that declines is given holds a ball that is no number."""
    for place in [i for i, name in enumerate(names) if name == "sorted"]:
        before = jax.make_jaxpr(_program(names[:place]))(np.zeros(4))
        try:
            vector, *_ = run(before.jaxpr, [np.asarray(c) for c in before.consts], [fat])
        except Undecided:
            return False  # an earlier sort declined, and was given numbers
        if any(ball.is_nan() for ball in vector):
            return True
    return False


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5),
    centre=st.lists(NUMBERS, min_size=4, max_size=4),
    radius=st.sampled_from([1e-12, 1e-3, 0.3]),
    seed=st.integers(0, 1000),
)
def test_the_result_of_a_ball_contains_the_results_of_its_points(names, centre, radius, seed):
    program = jax.make_jaxpr(_program(names))(np.zeros(4))
    inside = np.asarray(centre) + radius * np.random.default_rng(seed).uniform(-1, 1, size=(4, 4))
    with working_precision(128):
        fat = np.array(
            [arb(c).union(arb(c) + arb(radius)).union(arb(c) - arb(radius)) for c in centre], dtype=object
        )
        try:
            vector, total, above = run(program.jaxpr, [np.asarray(c) for c in program.consts], [fat])
        except Undecided:
            # The norm of a ball around zero is no number and has no order: there a sort declines, and only there.
            assert _meets_a_sort_without_order(names, fat)
            return
    for point in inside:
        point_vector, point_total, point_above = enclose(program, [point], precision=512)
        for ball, exact in zip([*vector, total.item()], [*point_vector, point_total.item()], strict=True):
            assert ball.is_nan() or not ball.is_finite() or ball.overlaps(exact)
            assert not extended.less(ball, exact)
            assert not extended.less(exact, ball)
        assert above.item() is None or above.item() is point_above.item()


def _at(function, *balls):
    program = jax.make_jaxpr(function)(*[np.float64(0.5)] * len(balls))
    arguments = [np.array(ball, dtype=object) for ball in balls]
    with working_precision(128):
        return [
            value.item() for value in run(program.jaxpr, [np.asarray(c) for c in program.consts], arguments)
        ]


OVER_ZERO = arb(0, 0.25)


def test_an_undecided_selection_is_the_hull_of_both_branches():
    (kink,) = _at(lambda x: jnp.where(x > 0, x, -x), OVER_ZERO)
    (jump,) = _at(lambda x: jnp.where(x > 0, 1.0, 5.0), OVER_ZERO)
    assert [kink.contains(arb(x)) for x in (0, 0.25, 0.75)] == [True, True, False]
    assert [jump.contains(arb(x)) for x in (1, 5, 6)] == [True, True, False]


def test_nothing_is_proved_from_an_undecided_selection_with_an_infinite_branch():
    (value,) = _at(lambda x: jnp.where(x > 0, x, -jnp.inf), OVER_ZERO)
    assert extended.less(value, arb(1)) is None
    assert extended.is_finite(value) is None


def test_undecided_indices_and_branches_ask_for_more_precision():
    hanging = [
        lambda x: jnp.argmax(jnp.stack([x, 0.0 * x])),
        lambda x: lax.cond(x > 0, lambda y: y, lambda y: -y, x),
        lambda x: (3 * x + 1).astype(int),
        lambda x: lax.while_loop(lambda y: y > 0, lambda y: y - 1, x),
        lambda x: (x > 0).astype(int),
        lambda x: jnp.where(x > 0, 1, 2),
        lambda x: jnp.argsort(jnp.stack([x, 0.0 * x])),
    ]
    for function in hanging:
        with pytest.raises(Undecided):
            _at(function, OVER_ZERO)


def test_infinities_are_exact_and_doubtful_results_unknown():
    infinity, minus = extended.INFINITY, extended.NEGATIVE_INFINITY
    (shifted,) = _at(lambda x, y: x + y, minus, arb(1, 0.5))
    assert shifted == minus
    assert extended.is_known(shifted)
    doubtful = [(lambda x, y: x - y, infinity, infinity), (lambda x, y: x * y, arb(0), infinity)]
    doubtful += [(lambda x, y: x / y, infinity, infinity), (lambda x, y: x / y, arb(1), arb(0))]
    doubtful += [
        (lambda x, y: jnp.log(x) + y, arb(-1), arb(0)),
        (lambda x, y: jnp.log(x) + y, OVER_ZERO, arb(0)),
    ]
    doubtful += [(lambda x, y: x * y, OVER_ZERO, infinity)]
    for function, *balls in doubtful:
        (value,) = _at(function, *balls)
        assert not extended.is_known(value)
        assert extended.less(arb(-1), value) is None


def test_the_same_number_is_equal_to_itself_and_its_copy_is_not():
    root = arb(2).sqrt()
    same, isnan = _at(lambda x: (x == x, jnp.isnan(x)), root)
    assert (same, isnan) == (True, False)
    (difference,) = _at(lambda x, y: x == y, root, arb(2).sqrt())
    assert difference is None, "two enclosures of the same number never prove equality"
    (unknown,) = _at(lambda x: x == x, extended.UNKNOWN)
    assert unknown is None


def test_even_powers_are_never_negative():
    square, fourth = _at(lambda x: (x * x, x**4), OVER_ZERO)
    assert min(square, fourth) >= 0
    assert square.contains(arb(0.0625))


def test_doubles_are_the_dyadic_rationals_they_are():
    (difference,) = _at(lambda x: 10 * (x * 0 + 0.1) - 1, arb(1))
    assert difference == arb(2) ** -54  # 0.1 is not a tenth


def test_order_statistics_of_overlapping_balls():
    program = jax.make_jaxpr(jnp.sort)(np.zeros(3))
    balls = np.array([arb(1, 0.5), arb(1.25, 0.5), arb(0, 0.125)], dtype=object)
    with working_precision(128):
        (sorted_balls,) = run(program.jaxpr, [], [balls])
    for permuted in np.random.default_rng(0).uniform(-1, 1, size=(50, 3)):
        exact = np.sort(np.array([1.0, 1.25, 0.0]) + permuted * np.array([0.5, 0.5, 0.125]))
        assert all(ball.contains(arb(x)) for ball, x in zip(sorted_balls, exact, strict=True))
