"""Compiling quickly: for programs that run for less time than XLA would take to optimise them.

What fits counts of labels runs a few dozen times per unit, for less than a second, while XLA optimises it for ten;
claims, and what is measured at checkpoints, are of the same kind. With these settings it compiles in a third of the
time to code half as fast. Numbers may differ in the last bits from those of optimised code, and are as reproducible.
The loop over rounds is another matter: it is compiled with all optimisation.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

QUICK_COMPILE: dict[str, str | bool] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": "0",
    "xla_cpu_parallel_codegen_split_count": "1",  # 32 parts of a small program cost more than they gain
}


@functools.cache
def quick_options() -> dict[str, str | bool]:
    """Return the settings, or none on an accelerator, and where this release of XLA does not know them."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(_identity).lower(0.0).compile(compiler_options=QUICK_COMPILE)
    except jax.errors.JaxRuntimeError:
        return {}
    return QUICK_COMPILE


def quickly(function: Callable[..., Any], *, static: tuple[int, ...] = ()) -> Callable[..., Any]:
    """Return `jax.jit(function)`, compiled quickly, with the arguments at the positions `static` as constants."""

    @functools.cache
    def jitted() -> Callable[..., Any]:
        return jax.jit(function, static_argnums=static, compiler_options=quick_options())

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return jitted()(*arguments)

    call.jitted = jitted  # type: ignore[attr-defined]
    return call


def strong(tree: Any) -> Any:
    """Return the same arrays without weak types.

    A learner's `jnp.where(solved, 0.0, 1.0)` is of a weak type. What goes round a loop would then not be of the types
    that it started from, and the loop be compiled a second time.
    """
    arrays = jax.tree.map(jnp.asarray, tree)
    return jax.tree.map(lambda array: array.astype(array.dtype), arrays)


def _identity(x: Any) -> Any:
    return x
