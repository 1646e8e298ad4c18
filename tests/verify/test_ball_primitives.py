"""Every primitive of the interpreter against XLA: the float64 result lies within 1e-12 of the ball."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from simbench.compiling import QUICK_COMPILE
from simbench.verify.ball import RULES, control_flow, extended, interpreter
from tests.verify.ball_agreement import disagreement, widths

TOLERANCE = 1e-12
RNG = np.random.default_rng(7)
X = RNG.normal(size=(3, 4))
Y = RNG.normal(size=(3, 4))
POSITIVE = RNG.uniform(0.01, 3.0, size=(3, 4))
UNIT = RNG.uniform(-0.99, 0.99, size=(3, 4))
TIED = np.round(X)
EDGES = np.array([-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf])
INDEX = np.array([[2, 0], [1, 1]])
SYMMETRIC = X @ X.T + np.eye(3)
ANY_SQUARE = RNG.normal(size=(4, 4))
TRIANGLE = np.linalg.cholesky(SYMMETRIC)

INTEGER_OPERATIONS = (jnp.add, jnp.subtract, jnp.multiply, jnp.maximum, jnp.minimum, lax.eq, lax.ne, lax.lt)
INTEGER_OPERATIONS += (lax.le, lax.gt, lax.ge)

CASES = {
    "neg": (lambda x: -x, X),
    "abs": (jnp.abs, X),
    "sign": (jnp.sign, TIED),
    "exp": (jnp.exp, X),
    "exp2": (jnp.exp2, X),
    "expm1": (jnp.expm1, X * 1e-3),
    "log": (jnp.log, POSITIVE),
    "log1p": (jnp.log1p, UNIT),
    "logistic": (jax.nn.sigmoid, 30 * X),
    "tanh": (jnp.tanh, X),
    "sin": (jnp.sin, X),
    "cos": (jnp.cos, X),
    "tan": (jnp.tan, UNIT),
    "asin": (jnp.arcsin, UNIT),
    "acos": (jnp.arccos, UNIT),
    "atan": (jnp.arctan, X),
    "atan2": (lambda x, y: jnp.arctan2(x, y), X, Y),
    "sinh": (jnp.sinh, X),
    "cosh": (jnp.cosh, X),
    "lgamma": (lambda x: (lax.lgamma(x), lax.lgamma(-1.5 * x - 0.3)), POSITIVE),
    "digamma": (lax.digamma, POSITIVE),
    "lu": (lambda x: (jnp.linalg.det(x), jnp.linalg.slogdet(x)[1]), ANY_SQUARE),
    "custom_linear_solve": (lambda x: jnp.linalg.solve(x, x[0]), ANY_SQUARE),
    "eigh": (lambda x: jnp.linalg.eigvalsh(x), SYMMETRIC),
    "erf": (jax.scipy.special.erf, X),
    "erfc": (jax.scipy.special.erfc, X),
    "sqrt": (jnp.sqrt, POSITIVE),
    "rsqrt": (lax.rsqrt, POSITIVE),
    "square": (lambda x: lax.square(x) + x * x, X),
    "integer_pow": (lambda x: (x**3, x**-2, x**4), X),
    "floor": (jnp.floor, 3 * X),
    "ceil": (jnp.ceil, 3 * X),
    "is_finite": (jnp.isfinite, EDGES),
    "isnan": (jnp.isnan, EDGES),
    "add": (lambda x, y: x + y, X, Y),
    "sub": (lambda x, y: (x - y, x - x), X, Y),
    "mul": (lambda x, y: x * y, X, Y),
    "div": (lambda x, y: x / y, X, Y),
    "pow": (lambda x, y: (jnp.power(x, y), jnp.power(2.0, y), jnp.power(x, 3.0)), POSITIVE, Y),
    "max": (jnp.maximum, X, TIED),
    "min": (jnp.minimum, X, TIED),
    "eq": (lambda x, y: (x == y, x != y), TIED, TIED[::-1]),
    "lt": (lambda x, y: (x < y, x <= y, x > y, x >= y), TIED, TIED[::-1]),
    "and": (lambda x, y: ((x > 0) & (y > 0), (x > 0) | (y > 0), (x > 0) ^ (y > 0), ~(x > 0)), X, Y),
    "truth_order": (lambda x, y: (jnp.maximum(x > 0, y > 0), (x > 0) == (y > 0), (x > 0) != (y > 0)), X, Y),
    "select_n": (lambda x, y: jnp.where(x > 0, x, y), X, Y),
    "select_truth": (lambda x, y: jnp.where(x > 0, x > y, y > 0), X, Y),
    "select_case": (lambda x: lax.select_n(jnp.array([0, 2, 1]), x[0, :3], x[1, :3], x[2, :3]), X),
    "select_integer": (lambda x: jnp.where(x > 0, 3, 5), X),
    "clamp": (lambda x: lax.clamp(-0.3, x, 0.4), X),
    "convert": (
        lambda x: ((x > 0).astype(float), (3 * x).astype(int), x.astype(bool), (x > 0).astype(int)),
        X,
    ),
    "integer_arithmetic": (
        lambda x: [f(jnp.arange(4), jnp.array([2, 2, 1, 1])) for f in INTEGER_OPERATIONS] + [x],
        X,
    ),
    "integers": (lambda x: (jnp.arange(4) * 3 % 5 + jnp.argmax(x, axis=1)[0], jnp.arange(4) > 1), X),
    "integer_to_float": (lambda x: x + jnp.arange(4), X),
    "integer_pow_of_integers": (lambda x: jnp.arange(4) ** 2 + 0 * x.astype(int), X),
    "integer_order": (
        lambda x: (jnp.cumsum(jnp.arange(4)), jnp.sort(-jnp.arange(4)), jnp.arange(4).max(), x),
        X,
    ),
    "integer_clamp": (lambda x: (jnp.clip(jnp.arange(4), 1, 2), jnp.dot(jnp.arange(4), jnp.arange(4)), x), X),
    "stop_gradient": (lambda x: lax.stop_gradient(x) + jnp.array(x), X),
    "copy": (lambda x: lax.optimization_barrier(jnp.copy(x)), X),
    "reduce_precision": (lambda x: lax.reduce_precision(x, 11, 52), X),
    "broadcast_in_dim": (lambda x: jnp.broadcast_to(x[:, None, :], (3, 5, 4)), X),
    "reshape": (lambda x: x.reshape(2, 6), X),
    "squeeze": (lambda x: jnp.squeeze(x[None, :, :1], axis=(0, 2)), X),
    "expand_dims": (lambda x: jnp.expand_dims(x, 1), X),
    "transpose": (lambda x: jnp.transpose(x[None], (2, 0, 1)), X),
    "rev": (lambda x: x[::-1, ::-1], X),
    "slice": (lambda x: x[1:, ::2], X),
    "concatenate": (lambda x, y: jnp.concatenate([x, y[:1]], axis=0), X, Y),
    "stack": (lambda x, y: jnp.stack([x, y], axis=1), X, Y),
    "split": (lambda x: jnp.split(x, [1, 3], axis=1), X),
    "pad": (lambda x: lax.pad(x, 7.0, [(1, 0, 1), (0, 2, 0)]), X),
    "pad_integers": (lambda x: jnp.pad(jnp.arange(3), 1) + x.astype(int)[0, 0], X),
    "iota": (lambda x: x * lax.iota(float, 4) + lax.broadcasted_iota(float, (3, 4), 0), X),
    "gather": (lambda x: x[INDEX], X),
    "gather_along": (lambda x: jnp.take_along_axis(x, jnp.argsort(x, axis=1), axis=1), X),
    "gather_truths": (lambda x: (x > 0)[INDEX], X),
    "gather_filled": (lambda x: x.at[jnp.array([0, 9])].get(mode="fill", fill_value=-2.5), X),
    "dynamic_slice": (lambda x: lax.dynamic_slice(x, (jnp.argmax(x[:, 0]), 1), (1, 2)), X),
    "dynamic_update_slice": (lambda x: lax.dynamic_update_slice(x, x[:1, :2] * 2, (1, 1)), X),
    "scatter": (lambda x: x.at[1, 2].set(9.0), X),
    "tile": (lambda x: jnp.tile(x, (2, 1)), X),
    "reduce_sum": (lambda x: (x.sum(), x.sum(0), x.sum((0, 1), keepdims=True), x[:0].sum(0)), X),
    "reduce_prod": (lambda x: x.prod(1), X),
    "reduce_max": (lambda x: (x.max(0), x.min(1)), TIED),
    "reduce_truth": (lambda x: ((x > 0).any(0), (x > -1).all(1)), X),
    "cumsum": (lambda x: (jnp.cumsum(x, 1), jnp.cumprod(x, 0), lax.cumsum(x, 0, reverse=True)), X),
    "cummax": (lambda x: (lax.cummax(x, 1), lax.cummin(x, 0, reverse=True)), X),
    "cumlogsumexp": (lambda x: lax.cumlogsumexp(x, 1), X),
    "argmax": (lambda x: (jnp.argmax(x, 1), jnp.argmin(x, 0)), TIED),
    "sort": (lambda x: jnp.sort(x, axis=1), TIED),
    "sort_infinite": (lambda x: jnp.sort(jnp.where(x > 0, x, -jnp.inf), axis=1), X),
    "sort_pairs": (lambda x, y: lax.sort((x, y), dimension=1, num_keys=2), TIED, Y),
    "argsort": (lambda x: jnp.argsort(x, axis=1), TIED),
    "dot_general": (
        lambda x, y: (x @ y.T, jnp.einsum("sa,sa->s", x, y), jnp.einsum("sa,sb->sab", x, y)),
        X,
        Y,
    ),
    "dot_integers": (lambda x: jnp.dot(x[0], jnp.arange(4.0)), X),
    "cholesky": (jnp.linalg.cholesky, SYMMETRIC),
    "triangular_solve": (
        lambda t, b: (
            lax.linalg.triangular_solve(t, b, left_side=True, lower=True),
            lax.linalg.triangular_solve(t, b.T, left_side=False, lower=True, transpose_a=True),
            lax.linalg.triangular_solve(t.T, b, left_side=True, lower=False, unit_diagonal=True),
        ),
        TRIANGLE,
        X,
    ),
    "jit": (lambda x: jax.jit(jnp.sin)(x), X),
    "custom_jvp_call": (lambda x: (jax.nn.relu(x), jax.nn.softplus(x), jnp.logaddexp(x, 1.0)), X),
    "custom_vjp_call": (lambda x: _doubled(x), X),
    "remat2": (lambda x: jax.checkpoint(jnp.exp)(x), X),
    "cond": (lambda x: lax.cond(x[0, 0] > 0, jnp.exp, jnp.sin, x), X),
    "while": (lambda x: lax.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * 0.5), (0, x)), X),
    "while_on_balls": (lambda x: lax.while_loop(lambda v: jnp.sum(v) > 1e-3, lambda v: v / 3.0, x), POSITIVE),
    "scan": (lambda x: lax.scan(lambda c, row: (c + row, c * row), x[0], x), X),
    "scan_reverse": (lambda x: lax.scan(lambda c, row: (c - row, c), x[0], x, reverse=True), X),
    "fori_loop": (lambda x: lax.fori_loop(0, 4, lambda i, c: c + i * x, x), X),
    "softmax": (
        lambda x: (jax.nn.softmax(x), jax.nn.log_softmax(x), jax.scipy.special.logsumexp(x, axis=0)),
        9 * X,
    ),
    "infinite_logs": (
        lambda x: (jnp.exp(x), x + 1.0, x * 2.0, 1.0 / x, jnp.maximum(x, 0.0), -x, jnp.abs(x)),
        EDGES[[0, 1, 4, 5]],
    ),
    "log_of_zero": (lambda x: (jnp.log(x - x), jnp.log1p(x * 0 - 1.0)), X),
    "double_where": (
        lambda x: jnp.where(x > -jnp.inf, jnp.exp(x) * jnp.where(x > -jnp.inf, x, 0.0), 0.0).sum(),
        np.array([-np.inf, -1.0, 0.5]),
    ),
    "linalg_norm": (jnp.linalg.norm, X),
    "variance": (lambda x: (jnp.mean(x), jnp.var(x, axis=0)), X),
}

# rules that a jaxpr of this JAX release never shows, or that only refuse
NOT_SHOWN = {"pjit", "closed_call", "core_call", "nextafter", "add_any"}


@jax.custom_vjp
def _doubled(x):
    return 2 * x


_doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))


@functools.cache
def _by_xla():
    """All cases in one compilation."""
    arguments = {name: case[1:] for name, case in CASES.items()}
    everything = jax.jit(lambda given: {name: CASES[name][0](*given[name]) for name in CASES})
    return everything.lower(arguments).compile(compiler_options=QUICK_COMPILE)(arguments)


@pytest.mark.parametrize("name", CASES)
def test_float64_lies_within_the_ball(name):
    function, *arguments = CASES[name]
    assert disagreement(function, *arguments, numbers=_by_xla()[name]) <= TOLERANCE
    assert max(widths(function, *arguments), default=0.0) <= 1e-60, "256 bits should leave hardly any radius"


def test_every_rule_is_compared_with_xla():
    seen = set()
    for function, *arguments in CASES.values():
        _collect(jax.make_jaxpr(function)(*arguments).jaxpr, seen)
    assert set(RULES) - seen <= NOT_SHOWN


def _collect(jaxpr, seen):
    for equation in jaxpr.eqns:
        seen.add(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    _collect(inner, seen)


@pytest.mark.parametrize("name", ["exp", "reduce_sum", "select_n", "integer_pow", "sort"])
def test_a_broken_rule_is_noticed(name, monkeypatch):
    """The comparison itself must be able to fail: a rule off by one part in 10^9, or with swapped branches."""
    right = RULES[name]

    def broken(equation, *operands):
        if name == "select_n":
            which, *cases = operands
            return right(equation, which, *reversed(cases))
        value = right(equation, *operands)
        return [
            np.asarray(v * (1 + extended.from_float(1e-9)))
            for v in (value if isinstance(value, list) else [value])
        ]

    monkeypatch.setitem(interpreter.RULES, name, broken)
    function, *arguments = CASES[name]
    assert disagreement(function, *arguments, numbers=_by_xla()[name]) > 1e-10


def test_an_unknown_primitive_is_named():
    with pytest.raises(interpreter.UnknownPrimitiveError, match="'erf_inv'"):
        disagreement(lambda x: lax.erf_inv(x), UNIT)


def test_float32_is_refused():
    with pytest.raises(ValueError, match="float32"):
        disagreement(lambda x: x.astype(jnp.float32).astype(float), X)


def test_rounding_to_fewer_bits_is_refused():
    with pytest.raises(ValueError, match="fewer bits"):
        disagreement(lambda x: lax.reduce_precision(x, 8, 7), X)


def test_an_endless_loop_is_refused(monkeypatch):
    monkeypatch.setattr(control_flow, "LONGEST_LOOP", 50)
    program = jax.make_jaxpr(lambda x: lax.while_loop(lambda v: v > 0.0, lambda v: v + 1.0, x))(1.0)
    with pytest.raises(ValueError, match="50 turns"):
        interpreter.enclose(program, [np.float64(1.0)], precision=64)
