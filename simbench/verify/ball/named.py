"""Functions whose enclosure is not read off their code: series that stand for a function, and roots.

Code that sums nine terms of a series, or runs forty bisections, computes a number near the one it stands for.
A proof needs the number itself. Such a function is jitted, so that its name survives in a jaxpr, and declared
here:

    encloses(exp_remainder)(scalar_rule)                             an exact formula in its place
    encloses_root(binary_kl_root, residual=..., low=..., high=...)   the root of an increasing function

A root is approximated between its brackets; then its residual is evaluated in balls a little below and a
little above, and where the signs are proved to differ the root lies between (the residual is continuous and
increasing). What the code computes plays no part. A claim file declares its own roots the same way.

A jitted function that merely bears a declared name is refused: the operations of its program must be those of
the declared function, so neither a namesake nor a derivative is ever replaced.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import flint
import jax
import numpy as np
from flint import arb

from simbench.compiling import quickly
from simbench.errors import SimbenchError
from simbench.precision import float64
from simbench.verify.ball import extended
from simbench.verify.ball.interpreter import Value, filled, run

MOVES = frozenset(
    {"broadcast_in_dim", "convert_element_type", "reshape", "squeeze", "transpose", "expand_dims"}
)
WIDEST = 1.0  # a root not enclosed more tightly than this is left unknown


@dataclasses.dataclass(frozen=True)
class Named:
    """A declared function and the rule that encloses it, entry by entry."""

    function: Callable[..., Any]
    rule: Callable[..., arb]


NAMED: dict[str, Named] = {}


def encloses(function: Callable[..., Any]) -> Callable[[Callable[..., arb]], Callable[..., arb]]:
    """Decorate a scalar rule on balls that encloses the exact value of an elementwise jitted `function`."""

    def enter(scalar: Callable[..., arb]) -> Callable[..., arb]:
        name = function.__name__
        known = NAMED.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise SimbenchError(
                f"'{name}' of {known.function.__module__} has an enclosure already; rename yours."
            )
        NAMED[name] = Named(function, scalar)
        return scalar

    return enter


def encloses_root(
    function: Callable[..., Any],
    *,
    residual: Callable[..., Any],
    low: Callable[..., Any],
    high: Callable[..., Any],
) -> None:
    """Declare that an elementwise jitted `function(*p)` is the root x in [low(*p), high(*p)] of `residual(x, *p)`.

    The residual is continuous and increasing in x. Where it stays <= 0 up to high(*p), the function is
    high(*p); where it starts >= 0 at low(*p), it is low(*p). All are jax.numpy functions of scalars.
    """
    encloses(function)(_RootRule(function, residual, low, high))


def enclosure_of(equation: Any, inner: Any) -> Callable[..., list[Value]] | None:
    """Return the declared enclosure of a call, or None; raise for a namesake with another program."""
    named = NAMED.get(equation.params.get("name", ""))
    if named is None:
        return None
    _require_same_program(named, getattr(inner, "jaxpr", inner))
    vectorised = np.frompyfunc(named.rule, len(equation.invars), 1)
    return lambda *operands: [np.asarray(vectorised(*operands), dtype=object)]


@functools.lru_cache(maxsize=4096)
def _require_same_program(named: Named, program: Any) -> None:
    inputs = [jax.ShapeDtypeStruct(var.aval.shape, var.aval.dtype) for var in program.invars]
    if len(inputs) == _arity(named.function):
        with float64():
            (call,) = jax.make_jaxpr(named.function)(*inputs).jaxpr.eqns
        if list(_skeleton(call.params["jaxpr"].jaxpr)) == list(_skeleton(program)):
            return
    name = named.function.__name__
    raise SimbenchError(
        f"a claim's program calls a jitted function '{name}' that is not {named.function.__module__}.{name} "
        "(or a derivative of it); ball arithmetic encloses that function only. Rename yours."
    )


def _arity(function: Any) -> int:
    return len(inspect.signature(function).parameters)


def _skeleton(jaxpr: Any) -> Iterator[tuple[str, ...]]:
    """Yield the operations of a program with their literals, without the moves that batching adds."""
    moved: dict[Any, str] = {}  # variables that are but a literal, broadcast
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        operands = [str(a.val) if hasattr(a, "val") else moved.get(a) for a in equation.invars]
        literals = [operand for operand in operands if operand is not None]
        if name in MOVES and literals:
            moved[equation.outvars[0]] = literals[0]
        elif name not in MOVES and name not in ("jit", "pjit"):
            yield name, *literals
        for value in equation.params.values():
            program = getattr(value, "jaxpr", value)
            if hasattr(program, "eqns"):
                yield from _skeleton(program)


class _RootRule:
    """Encloses one root from the number its function finds, by a sign change proved in balls."""

    def __init__(self, function: Any, residual: Any, low: Any, high: Any) -> None:
        self.function = function
        self.compiled: Callable[..., Any] | None = None
        self.count = _arity(function)
        self.sources = {"residual": residual, "low": low, "high": high}
        self.programs: dict[str, Any] = {}

    def __call__(self, *parameters: arb) -> arb:
        if not all(p.is_finite() for p in parameters):
            return self._at_infinity(parameters)
        low, high = self._evaluate("low", *parameters), self._evaluate("high", *parameters)
        at_high = self._evaluate("residual", high, *parameters)
        if at_high <= 0:
            return high
        if self._evaluate("residual", low, *parameters) >= 0:
            return low
        return self._between(low, high, at_high > 0, parameters)

    def _at_infinity(self, parameters: tuple[arb, ...]) -> arb:
        high = self._evaluate("high", *parameters)
        return high if self._evaluate("residual", high, *parameters) <= 0 else extended.UNKNOWN

    def _between(self, low: arb, high: arb, root_below_high: bool, parameters: tuple[arb, ...]) -> arb:
        centre = self._approximate(low.mid(), high.mid(), tuple(p.mid() for p in parameters))
        if not centre.is_finite():
            return extended.UNKNOWN
        width = arb(2) ** (10 - flint.ctx.prec)
        below = above = None
        while width < WIDEST and (below is None or above is None):
            if below is None:
                below = self._proved(centre - width, low, parameters, sign=-1)
            if above is None:
                above = self._proved(centre + width, high, parameters, sign=1)
            width *= 16
        below = low if below is None else below
        above = high if above is None else above
        return extended.hull(below, above)

    def _proved(self, x: arb, end: arb, parameters: tuple[arb, ...], *, sign: int) -> arb | None:
        """Return x if the residual has the sign there, the end of the bracket if x lies beyond it, else None."""
        if (end - x) * sign <= 0:
            return end
        return (
            x
            if (end - x) * sign > 0 and self._evaluate("residual", x.mid(), *parameters) * sign > 0
            else None
        )

    def _approximate(self, low: arb, high: arb, middles: tuple[arb, ...]) -> arb:
        """Close in on the root by secants, halving the bracket where they leave it; nothing is proved from it.

        The start is what the function itself says in float64, and a neighbour of it.
        """
        x = self._in_float64(low, high, middles)
        last = (x - (x - low) * arb(2) ** -40).mid()
        before = self._evaluate("residual", last, *middles).mid()
        for turn in range(8 * flint.ctx.prec):
            here = self._evaluate("residual", x, *middles).mid()
            if here == 0:
                break
            low, high = (x, high) if here < 0 else (low, x)
            step = (here * (x - last) / (before - here)).mid() if before != here else arb(0)
            guess, last, before = (x + step).mid(), x, here
            halve = not (low < guess and guess < high) or turn % 8 == 7
            x = ((low + high) / 2).mid() if halve else guess
            if abs(x - last) <= abs(x) * arb(2) ** (6 - flint.ctx.prec):
                break
        return x

    def _in_float64(self, low: arb, high: arb, middles: tuple[arb, ...]) -> arb:
        """Return the function's own float64 value where it lies between the brackets, else their middle."""
        if self.compiled is None:
            self.compiled = quickly(self.function)
        with float64():
            value = arb(float(self.compiled(*(np.float64(float(p)) for p in middles))))
        return value if low < value and value < high else ((low + high) / 2).mid()

    def _evaluate(self, which: str, *arguments: arb) -> arb:
        if which not in self.programs:
            with float64():
                count = self.count + (which == "residual")
                self.programs[which] = jax.make_jaxpr(self.sources[which])(*[np.float64(0.5)] * count)
        program = self.programs[which]
        (value,) = run(
            program.jaxpr, [np.asarray(c) for c in program.consts], [filled(x, ()) for x in arguments]
        )
        return value.item()
