"""Elementwise primitives: arithmetic, comparisons, logic, selection, conversions of type."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from simbench.errors import SimbenchError
from simbench.verify.ball import extended
from simbench.verify.ball.interpreter import Undecided, Value, exact, on_integers, rule

UNARY: dict[str, Callable[[arb], Any]] = {
    "neg": lambda x: -x,
    "abs": extended.magnitude,
    "sign": extended.sign,
    "exp": lambda x: x.exp(),
    "exp2": extended.exponential_2,
    "expm1": lambda x: x.expm1(),
    "log": extended.logarithm,
    "log1p": extended.logarithm_1p,
    "logistic": extended.logistic,
    "tanh": lambda x: x.tanh(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "atan": lambda x: x.atan(),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "lgamma": extended.log_gamma,
    "digamma": lambda x: x.digamma(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": extended.inverse_root,
    "square": extended.square,
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "is_finite": extended.is_finite,
}

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": extended.add,
    "add_any": extended.add,
    "sub": extended.subtract,
    "mul": extended.multiply,
    "div": extended.divide,
    "pow": extended.power,
    "atan2": lambda y, x: arb.atan2(y, x),
    "max": extended.larger,
    "min": extended.smaller,
    "eq": extended.equal,
    "ne": lambda x, y: extended.negate(extended.equal(x, y)),
    "lt": extended.less,
    "le": extended.less_equal,
    "gt": lambda x, y: extended.less(y, x),
    "ge": lambda x, y: extended.less_equal(y, x),
}

LOGIC: dict[str, Callable[..., Any]] = {
    "and": extended.both,
    "or": extended.either,
    "xor": extended.exclusive,
    "not": extended.negate,
    "eq": lambda p, q: extended.negate(extended.exclusive(p, q)),
    "ne": extended.exclusive,
    "max": extended.either,
    "min": extended.both,
}


INTEGER: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def _arity(function: Callable[..., Any], count: int) -> Callable[..., Value]:
    ufunc = np.frompyfunc(function, count, 1)

    def over_arrays(*operands: Value) -> Value:
        return np.asarray(ufunc(*operands), dtype=object)  # frompyfunc returns a bare object at shape ()

    return over_arrays


_VECTORISED = {name: _arity(function, 1) for name, function in UNARY.items()}
_VECTORISED |= {name: _arity(function, 2) for name, function in BINARY.items()}
_LOGIC = {name: _arity(function, 1 if name == "not" else 2) for name, function in LOGIC.items()}


@rule(*sorted({*UNARY, *BINARY, *LOGIC}))
def _elementwise(equation: Any, *operands: Value) -> Value | list[Value]:
    if all(operand.dtype != object for operand in operands):
        same_in_numpy = INTEGER.get(equation.primitive.name)
        return exact(same_in_numpy(*operands)) if same_in_numpy else on_integers(equation, list(operands))
    table = _LOGIC if equation.invars[0].aval.dtype == np.bool_ else _VECTORISED
    return table[equation.primitive.name](*operands)


@rule("integer_pow")
def _integer_pow(equation: Any, x: Value) -> Value | list[Value]:
    if x.dtype != object:
        return on_integers(equation, [x])
    return _arity(lambda base: extended.integer_power(base, equation.params["y"]), 1)(x)


@rule("select_n")
def _select(equation: Any, which: Value, *cases: Value) -> Value:
    if which.dtype != object:
        return np.asarray(
            np.frompyfunc(lambda i, *options: options[int(i)], 1 + len(cases), 1)(which, *cases)
        )
    if cases[0].dtype != object:
        if any(p is None for p in which.flat):
            raise Undecided("an integer is selected by an undecided condition")
        return np.where(which.astype(bool), cases[1], cases[0])
    return (_SELECT_TRUTH if equation.outvars[0].aval.dtype == np.bool_ else _SELECT_BALL)(which, *cases)


def _selected_ball(p: extended.Truth, no: arb, yes: arb) -> arb:
    return extended.hull(no, yes) if p is None else (yes if p else no)


def _selected_truth(p: extended.Truth, no: extended.Truth, yes: extended.Truth) -> extended.Truth:
    if p is None:
        return no if no is yes else None
    return yes if p else no


_SELECT_BALL, _SELECT_TRUTH = _arity(_selected_ball, 3), _arity(_selected_truth, 3)


@rule("clamp")
def _clamp(equation: Any, low: Value, x: Value, high: Value) -> Value | list[Value]:
    if x.dtype != object:
        return on_integers(equation, [low, x, high])
    return _VECTORISED["min"](_VECTORISED["max"](x, low), high)


@rule("nextafter")
def _nextafter(equation: Any, x: Value, towards: Value) -> Value:
    raise SimbenchError(
        "a claim's program uses nextafter, which is about doubles; over the reals it means nothing."
    )


@rule("convert_element_type")
def _convert(equation: Any, x: Value) -> Value:
    old, new = equation.invars[0].aval.dtype, np.dtype(equation.params["new_dtype"])
    if new == np.float64:
        if x.dtype != object:
            return np.asarray(np.frompyfunc(lambda n: arb(int(n)), 1, 1)(x), dtype=object)
        return _arity(_truth_to_ball, 1)(x) if old == np.bool_ else x
    if np.issubdtype(new, np.floating):
        raise SimbenchError(
            f"a claim's program converts to {new}; ball arithmetic and claims are float64 throughout."
        )
    if old == np.bool_:
        if any(p is None for p in x.flat):
            raise Undecided("a truth value is used as an integer")
        return x if new == np.bool_ else x.astype(bool).astype(new)
    if old == np.float64:
        if new == np.bool_:
            return _arity(lambda y: extended.negate(extended.equal(y, extended.ZERO)), 1)(x)
        return np.asarray(_arity(_truncate, 1)(x)).astype(new)
    converted = x.astype(new)
    return _arity(bool, 1)(converted) if new == np.bool_ else converted


def _truth_to_ball(p: extended.Truth) -> arb:
    if p is None:
        return extended.hull(extended.ZERO, extended.ONE)
    return extended.ONE if p else extended.ZERO


def _truncate(x: arb) -> int:
    whole = x.floor().unique_fmpz() if x >= 0 else x.ceil().unique_fmpz()
    if whole is None:
        raise Undecided("a number is turned into an integer across a jump")
    return int(whole)


@rule("reduce_precision")
def _reduce_precision(equation: Any, x: Value) -> Value:
    if x.dtype == object and (equation.params["exponent_bits"], equation.params["mantissa_bits"]) != (11, 52):
        raise SimbenchError(
            "a claim's program rounds to fewer bits than float64; over the reals it means nothing."
        )
    return x


@rule("copy", "stop_gradient", "optimization_barrier")
def _unchanged(equation: Any, *operands: Value) -> list[Value]:
    return list(operands)
