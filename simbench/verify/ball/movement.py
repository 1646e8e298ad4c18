"""Primitives that move entries and compute nothing: NumPy does them on object arrays.

The irregular ones (gather, scatter, dynamic slices) are done by JAX itself on arrays of *positions*, and the
entries follow: its semantics, not a transcription of them.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from simbench.verify.ball.interpreter import Value, on_integers, rule


@rule("broadcast_in_dim")
def _broadcast_in_dim(equation: Any, x: Value, *dynamic: Value) -> Value:
    shape, dimensions = equation.params["shape"], equation.params["broadcast_dimensions"]
    aligned = [1] * len(shape)
    for axis, size in zip(dimensions, x.shape, strict=True):
        aligned[axis] = size
    return np.broadcast_to(x.reshape(aligned), shape)


@rule("reshape")
def _reshape(equation: Any, x: Value, *dynamic: Value) -> Value:
    return x.reshape(equation.params["new_sizes"])


@rule("squeeze")
def _squeeze(equation: Any, x: Value) -> Value:
    return np.squeeze(x, axis=tuple(equation.params["dimensions"]))


@rule("transpose")
def _transpose(equation: Any, x: Value) -> Value:
    return np.transpose(x, equation.params["permutation"])


@rule("rev")
def _reverse(equation: Any, x: Value) -> Value:
    return np.flip(x, axis=tuple(equation.params["dimensions"]))


@rule("slice")
def _slice(equation: Any, x: Value) -> Value:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * x.ndim
    return x[tuple(slice(a, b, step) for a, b, step in zip(starts, limits, strides, strict=True))]


@rule("concatenate")
def _concatenate(equation: Any, *operands: Value) -> Value:
    return np.concatenate(operands, axis=equation.params["dimension"])


@rule("stack")
def _stack(equation: Any, *operands: Value) -> Value:
    return np.stack(operands, axis=equation.params["axis"])


@rule("split")
def _split(equation: Any, x: Value) -> list[Value]:
    ends = np.cumsum(equation.params["sizes"])[:-1]
    return list(np.split(x, ends, axis=equation.params["axis"]))


@rule("iota")
def _iota(equation: Any) -> Value:
    shape, axis, dtype = equation.params["shape"], equation.params["dimension"], equation.params["dtype"]
    aligned = [1] * len(shape)
    aligned[axis] = shape[axis]
    counted = np.broadcast_to(np.arange(shape[axis]).reshape(aligned), shape)
    if np.dtype(dtype) == np.float64:
        from simbench.verify.ball.interpreter import exact

        return exact(counted.astype(np.float64))
    return counted.astype(dtype)


@rule("pad", "gather", "dynamic_slice", "dynamic_update_slice", "scatter", "tile")
def _by_position(equation: Any, *operands: Value) -> Value | list[Value]:
    moved = [i for i, operand in enumerate(operands) if operand.dtype == object]
    if not moved:
        return on_integers(equation, list(operands))
    entries = np.concatenate([operands[i].ravel() for i in moved])
    positions: list[Any] = [jnp.asarray(operand) if operand.dtype != object else None for operand in operands]
    start = 0
    for i in moved:
        size = operands[i].size
        positions[i] = jnp.arange(start, start + size, dtype=jnp.int64).reshape(operands[i].shape)
        start += size
    outcome = np.asarray(equation.primitive.bind(*positions, **_position_params(equation)))
    outside = (outcome < 0) | (outcome >= start)  # gather's fill value for indices out of bounds
    taken = np.empty(outcome.shape, dtype=object)
    taken[...] = entries[np.where(outside, 0, outcome)]
    if outside.any():
        taken[outside] = _fill_value(equation)
    return taken


def _position_params(equation: Any) -> dict[str, Any]:
    """Return the equation's parameters with -1 for gather's fill, which is no position."""
    params = dict(equation.params)
    if "fill_value" in params:
        params["fill_value"] = -1
    return params


def _fill_value(equation: Any) -> Any:
    from flint import arb

    from simbench.errors import SimbenchError

    fill = equation.params.get("fill_value")
    if equation.invars[0].aval.dtype == np.bool_:
        return bool(fill) if fill is not None else True
    if fill is None:
        raise SimbenchError("a claim's program reads an array out of bounds, which JAX fills with NaN.")
    return arb(float(fill))
