"""Interpret a jaxpr over the reals, in balls: what the program *means*, with an enclosure instead of rounding.

    enclose(closed_jaxpr, arguments, precision=256) -> outputs

A float array is a NumPy object array of `arb`, a boolean one holds True, False or None (undecided), an
integer one is an ordinary NumPy array, for integers are exact anyway. Arguments and constants are float64 and
are taken as the exact dyadic rationals they are. Rules are looked up by the primitive's name in `RULES`,
which the modules of this package fill (`@rule("exp", ...)`); a primitive without a rule is an error that
names it.

Calls (jit, custom_jvp, checkpoint) are interpreted through, with one exception: a jitted function of a known
name *and* program may have a better enclosure than its code (`named.py`).
"""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import flint
import jax
import numpy as np
from flint import arb
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from simbench.errors import SimbenchError
from simbench.verify.ball.extended import from_float

Value = np.ndarray
Rule = Callable[..., Any]

RULES: dict[str, Rule] = {}
_PRECISION_LOCK = threading.RLock()


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Compute with this many bits; Arb's precision is one global number, so one thread at a time."""
    with _PRECISION_LOCK, flint.ctx.workprec(bits):
        yield


class UnknownPrimitiveError(SimbenchError):
    """The program uses an operation that has no rule in ball arithmetic."""


class Undecided(Exception):  # noqa: N818 - a signal to raise the precision, not an error
    """An index, a loop or a branch hangs on a comparison that these balls do not decide."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorate the rule of the primitives called `names`: (equation, *values) -> value, or a list of values."""

    def enter(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise SimbenchError(f"primitive '{name}' already has a rule.")
            RULES[name] = function
        return function

    return enter


def enclose(program: ClosedJaxpr, arguments: Sequence[Any], *, precision: int) -> list[Value]:
    """Return enclosures of the program's outputs at float64 (or integer, boolean) arguments.

    Args:
        program: a closed jaxpr, such as `jax.make_jaxpr(function)(*arguments)` within `float64()`.
        arguments: arrays, flat, in the order of the jaxpr's inputs.
        precision: bits of the balls' midpoints.

    Raises:
        UnknownPrimitiveError: an operation without a rule.
        Undecided: the precision is too low for an index or a branch.
    """
    with working_precision(precision):
        return run(
            program.jaxpr, [exact(value) for value in program.consts], [exact(value) for value in arguments]
        )


def exact(array: Any) -> Value:
    """Return a concrete array as exact balls, truth values or integers, by its dtype."""
    if isinstance(array, np.ndarray) and array.dtype == object:
        return array
    concrete = np.asarray(array)
    if concrete.dtype == np.float64:
        return _objects([from_float(x) for x in concrete.ravel().tolist()], concrete.shape)
    if concrete.dtype == np.bool_:
        return _objects(concrete.ravel().tolist(), concrete.shape)
    if np.issubdtype(concrete.dtype, np.integer):
        return concrete
    raise SimbenchError(
        f"a claim's program holds a constant of type {concrete.dtype}; ball arithmetic needs float64."
    )


def run(jaxpr: Jaxpr, consts: Sequence[Value], arguments: Sequence[Value]) -> list[Value]:
    """Interpret an open jaxpr at the current precision."""
    values: dict[Any, Value] = {}

    def read(atom: Any) -> Value:
        if isinstance(atom, Literal):
            return _literal(np.asarray(atom.val).item(), atom.aval.dtype)  # type: ignore[attr-defined]
        return values[atom]

    values.update(zip(jaxpr.constvars, consts, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        outputs = apply(equation, operands)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


@functools.lru_cache(maxsize=4096)
def _literal(value: Any, dtype: Any) -> Value:
    """Return the value of a literal (always a scalar), the same object every time."""
    return exact(np.asarray(value, dtype=dtype))


def apply(equation: Any, operands: list[Value]) -> list[Value]:
    """Return the outputs of one equation."""
    name = equation.primitive.name
    known = RULES.get(name)
    if known is None:
        if (
            not all(isinstance(operand, np.ndarray) and operand.dtype != object for operand in operands)
            or not operands
        ):
            raise UnknownPrimitiveError(
                f"ball arithmetic has no rule for the operation '{name}'; write the side with another operation, "
                f"or add the rule (@rule('{name}') in simbench/verify/ball)."
            )
        return on_integers(equation, operands)
    result = known(equation, *operands)
    return result if isinstance(result, list) else [result]


def on_integers(equation: Any, operands: list[Value]) -> list[Value]:
    """Let JAX itself evaluate an equation of integers only: they are exact."""
    result = equation.primitive.bind(*[jax.numpy.asarray(operand) for operand in operands], **equation.params)
    results = result if equation.primitive.multiple_results else [result]
    return [exact(np.asarray(value)) for value in results]


def _objects(values: list[Any], shape: tuple[int, ...]) -> Value:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def filled(value: Any, shape: tuple[int, ...]) -> Value:
    """Return an object array of this shape whose every entry is `value`."""
    array = np.empty(shape, dtype=object)
    array[...] = value
    return array


def is_float(value: Value) -> bool:
    """Return whether a value holds balls (not truth values, not integers)."""
    return value.dtype == object and value.size > 0 and isinstance(value.flat[0], arb)
