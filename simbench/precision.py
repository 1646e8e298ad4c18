"""float64, scoped: importing simbench changes nothing in the user's own JAX.

JAX's 64-bit switch is opened only by entry points (`measure`, `simulate`, `hunt`, `judge`), at the outermost
call, and by users who compose quantities themselves::

    with sb.float64():
        jax.grad(lambda log_policy: sb.quantities.value(world, log_policy))(log_policy)

Inside, everything is float64; outside, a simbench quantity handed float32 refuses (`require_float64`) instead
of silently losing nine digits.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from simbench.errors import SimbenchError

P = ParamSpec("P")
T = TypeVar("T")


class Float32Error(SimbenchError):
    """A quantity was handed float32 arrays; results would carry seven digits where claims need fifteen."""


@contextmanager
def float64() -> Iterator[None]:
    """Open a scope in which JAX computes in float64; nested scopes are harmless."""
    import jax

    with jax.enable_x64(True):
        yield


def entry_point(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate an outermost call: it runs in float64 and returns NumPy arrays, never jax arrays."""

    @functools.wraps(function)
    def scoped(*args: P.args, **kwargs: P.kwargs) -> T:
        with float64():
            return to_numpy(function(*args, **kwargs))

    return scoped


def to_numpy(tree: Any) -> Any:
    """Replace every jax array in a pytree by the NumPy array of the same values; leave other leaves alone."""
    import jax
    import numpy as np

    return jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, tree)


def require_float64(*arrays: Any) -> None:
    """Raise `Float32Error` unless every floating array has 64 bits (works on tracers: dtypes are static)."""
    import jax.numpy as jnp

    for array in arrays:
        dtype = jnp.asarray(array).dtype
        if jnp.issubdtype(dtype, jnp.floating) and dtype != jnp.float64:
            raise Float32Error(
                f"a quantity was handed {dtype}; simbench computes in float64 only. "
                "Give its arrays 64 bits (dtype float64); where JAX makes them, do so inside `with sb.float64(): ...`."
            )
