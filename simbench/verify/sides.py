"""The two sides of a claim on worlds of one shape: compiled once for searching, traced once for proving.

    sides = Sides(claim, domain, shape)
    sides.values(U, constant)    points [n, d] -> measured, theory, whether the assumptions hold
    sides.climb(U, constant)     the same for one batch, with the gradient of the hunter's objective
    sides.program                the closed jaxpr (u, constant) -> (measured, theory, assumed), for proofs

Compilation, not arithmetic, is what judging a catalogue costs, hence: one function per claim and shape with
the constant as an argument, one batch size, compiler settings that favour compiling quickly (a third of the
usual time for code half as fast), and values taken from the climbing function where that exists already.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from simbench.compiling import quick_options
from simbench.errors import SimbenchError
from simbench.precision import float64
from simbench.verify.comparison import objective
from simbench.verify.domains.cube import Domain, Shape
from simbench.verify.protocol import Deterministic

BATCH = 128
RANDOM = ("random_", "threefry", "rng_")  # how the operations that draw are called


class Values(NamedTuple):
    """The sides at n instances: `measured [n]`, `theory [n]`, `assumed [n]` (whether the claim speaks about them)."""

    measured: np.ndarray
    theory: np.ndarray
    assumed: np.ndarray


class Climb(NamedTuple):
    """One evaluation of the hunter's: the `gradient [n, d]` of its objective, and the values.

    `margin [n]` is that of the claim's assumption and `inward [n, d]` its gradient; None without such an assumption.
    """

    gradient: np.ndarray
    values: Values
    margin: np.ndarray | None = None
    inward: np.ndarray | None = None


class Sides:
    """The sides of `claim` on instances of `domain` of one `shape`, as functions of the cube's points."""

    def __init__(self, claim: Deterministic, domain: Domain, shape: Shape) -> None:
        self.claim, self.domain, self.shape = claim, domain, shape
        self.dimension = domain.dimension(shape)

    def prepare_to_climb(self) -> None:
        """Compile the climbing function now, so that `values` uses it too and needs no compilation of its own."""
        with float64():
            _ = self._climb

    def values(self, points: np.ndarray, constant: float = 1.0) -> Values:
        """Return both sides at `points [n, d]` in the unit cube, the theory side with its constant altered."""
        climbing = "_climb" in self.__dict__
        parts = []
        with float64():
            for batch, count in _batches(points):
                out = self._climb(batch, constant)[1] if climbing else self._values(batch, constant)
                parts.append([np.asarray(side)[:count] for side in out])
        return Values(*(np.concatenate(side) for side in zip(*parts, strict=True)))

    def climb(self, points: np.ndarray, constant: float = 1.0) -> Climb:
        """Return gradient and values at `points [BATCH, d]`."""
        with float64():
            gradient, values = self._climb(points, constant)
            inward, margin = self._inward(points) if self.claim.has_margin else (None, None)
        return Climb(
            np.asarray(gradient),
            Values(*(np.asarray(side) for side in values)),
            None if margin is None else np.asarray(margin),
            None if inward is None else np.asarray(inward),
        )

    @functools.cached_property
    def program(self) -> Any:
        """The closed jaxpr (u [d], constant) -> (measured, theory, assumed)."""
        with float64():
            return self._require_sides(jax.make_jaxpr(self._sides)(np.zeros(self.dimension), 1.0))

    def _require_sides(self, program: Any) -> Any:
        random = sorted(name for name in primitives(program.jaxpr) if name.startswith(RANDOM))
        if random:
            raise SimbenchError(
                f"claim '{self.claim.name}': a side draws random numbers ({', '.join(random)}); a side is a function "
                "of the instance alone. Let the domain draw what varies, or state it about runs."
            )
        return program

    @functools.cached_property
    def _values(self) -> Any:
        return self._compile(jax.vmap(jaxpr_as_fun(self.program), in_axes=(0, None)))

    @functools.cached_property
    def _climb(self) -> Any:
        sides = jax.vmap(jaxpr_as_fun(self.program), in_axes=(0, None))

        def total(points: Any, constant: Any) -> tuple[Any, Any]:
            """Each height depends on its own point alone, so the gradient of their sum holds all gradients."""
            measured, theory, assumed = sides(points, constant)
            heights = objective(self.claim, measured, theory)
            # With a margin the hunter itself stays inside, and needs the slope outside.
            if not self.claim.has_margin:
                heights = jnp.where(assumed, heights, -jnp.inf)
            return jnp.sum(heights), (measured, theory, assumed)

        try:
            return self._compile(jax.grad(total, has_aux=True))
        except ValueError as error:
            if "Reverse-mode differentiation" not in str(error):
                raise
            raise SimbenchError(
                f"claim '{self.claim.name}': a side has a loop of unknown length (while_loop), which has no slope to "
                "climb; write it with lax.fori_loop between fixed bounds, or lax.scan."
            ) from None

    @functools.cached_property
    def _inward(self) -> Any:
        def total(points: Any) -> tuple[Any, Any]:
            margins = jax.vmap(lambda u: self._margin(self.domain.instance(self.shape, u)))(points)
            return jnp.sum(margins), margins

        return self._compile(jax.grad(total, has_aux=True), np.zeros((BATCH, self.dimension)))

    def _compile(self, function: Any, *arguments: Any) -> Any:
        lowered = jax.jit(function).lower(*(arguments or (np.zeros((BATCH, self.dimension)), 1.0)))
        return lowered.compile(compiler_options=quick_options())

    def _sides(self, u: Any, constant: Any) -> tuple[Any, Any, Any]:
        x = self.domain.instance(self.shape, u)
        measured = self._number("measured", lambda: self.claim.measured(x))
        theory = self._number("theory", lambda: self.claim.theory_at(x, constant))
        assumed = self._boolean(self.claim.assumes(x))
        return measured, theory, assumed & (self._margin(x) >= 0) if self.claim.has_margin else assumed

    def _margin(self, x: Any) -> Any:
        return self._number("assumes_margin", lambda: self.claim.assumes_margin(x))

    def _boolean(self, holds: Any) -> Any:
        if isinstance(holds, bool | np.bool_) or np.dtype(getattr(holds, "dtype", float)).kind == "b":
            if np.shape(holds) == ():
                return jnp.asarray(holds)
            raise SimbenchError(
                f"claim '{self.claim.name}': assumes returns an array of shape {np.shape(holds)}; it must return one "
                "boolean."
            )
        kind = getattr(holds, "dtype", type(holds).__name__)
        raise SimbenchError(
            f"claim '{self.claim.name}': assumes returns {kind}; it must return one boolean. By how much an assumption "
            "holds is said by assumes_margin, which is >= 0 where it does."
        )

    def _number(self, side: str, compute: Callable[[], Any]) -> Any:
        what = side if side.startswith("assumes") else f"its {side} side"
        where = f"claim '{self.claim.name}': {what}"
        try:
            value = compute()
        except SimbenchError as error:
            raise SimbenchError(f"{where}: {error}") from error
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise SimbenchError(f"{where} failed: {type(error).__name__}: {reason}") from error
        if isinstance(value, int | float):
            return jnp.asarray(value, dtype=jnp.float64)
        dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
        if dtype is None:
            raise SimbenchError(f"{where} returns {type(value).__name__}; it must return one float64 number.")
        if shape != ():
            raise SimbenchError(f"{where} returns an array of shape {shape}; it must return one number.")
        if dtype != jnp.float64:
            raise SimbenchError(f"{where} returns {dtype}; seven digits prove nothing: it must be float64.")
        return value


def primitives(jaxpr: Any) -> set[str]:
    """Return the names of all operations of a program, those of the programs inside it too."""
    names: set[str] = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, list | tuple) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    names |= primitives(inner)
    return names


def _batches(points: np.ndarray) -> Any:
    """Yield (batch [BATCH, d], how many of its rows count); the last one is padded with its own first row."""
    for start in range(0, len(points), BATCH):
        batch = points[start : start + BATCH]
        count = len(batch)
        if count < BATCH:
            batch = np.concatenate([batch, np.repeat(batch[:1], BATCH - count, axis=0)])
        yield np.ascontiguousarray(batch), count
