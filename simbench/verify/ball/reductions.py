"""Sums, products, extremes, orders: primitives that run along axes."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from simbench.verify.ball import extended
from simbench.verify.ball.interpreter import Undecided, Value, exact, on_integers, rule

FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "reduce_sum": extended.add,
    "reduce_prod": extended.multiply,
    "reduce_max": extended.larger,
    "reduce_min": extended.smaller,
    "reduce_and": extended.both,
    "reduce_or": extended.either,
}
STARTS: dict[str, Any] = {
    "reduce_sum": extended.ZERO,
    "reduce_prod": extended.ONE,
    "reduce_max": extended.NEGATIVE_INFINITY,
    "reduce_min": extended.INFINITY,
    "reduce_and": True,
    "reduce_or": False,
}
RUNNING: dict[str, Callable[[Any, Any], Any]] = {
    "cumsum": extended.add,
    "cumprod": extended.multiply,
    "cummax": extended.larger,
    "cummin": extended.smaller,
}


@rule(*FOLDS)
def _reduce(equation: Any, x: Value) -> Value | list[Value]:
    if x.dtype != object:
        return on_integers(equation, [x])
    name = equation.primitive.name
    rows = _axes_last(x, equation.params["axes"])
    fold, start = FOLDS[name], STARTS[name]
    # Starting from the first entry keeps it the same object where it is the only one or the largest.
    return _per_row(rows, lambda row: functools.reduce(fold, row) if len(row) else start)


@rule(*RUNNING)
def _cumulate(equation: Any, x: Value) -> Value | list[Value]:
    if x.dtype != object:
        return on_integers(equation, [x])
    return _running(x, equation, RUNNING[equation.primitive.name])


@rule("cumlogsumexp")
def _cumlogsumexp(equation: Any, x: Value) -> Value:
    return _running(x, equation, _log_add)


def _log_add(x: Any, y: Any) -> Any:
    top, low = extended.larger(x, y), extended.smaller(x, y)
    if low == extended.NEGATIVE_INFINITY:
        return top
    return top + (low - top).exp().log1p()


def _running(x: Value, equation: Any, fold: Callable[[Any, Any], Any]) -> Value:
    axis, backwards = equation.params["axis"], equation.params["reverse"]
    ordered = np.flip(x, axis) if backwards else x
    result = np.array(ordered, dtype=object, copy=True)
    lanes = np.moveaxis(result, axis, 0)
    for i in range(1, lanes.shape[0]):
        lanes[i] = np.frompyfunc(fold, 2, 1)(lanes[i - 1], lanes[i])
    return np.flip(result, axis) if backwards else result


@rule("argmax", "argmin")
def _argmax(equation: Any, x: Value) -> Value | list[Value]:
    if x.dtype != object:
        return on_integers(equation, [x])
    rows = _axes_last(x, equation.params["axes"])
    largest = equation.primitive.name == "argmax"
    return _per_row(rows, lambda row: _first_best(row, largest)).astype(equation.params["index_dtype"])


def _first_best(row: Value, largest: bool) -> int:
    best = 0
    for i in range(1, len(row)):
        worse = extended.less(row[best], row[i]) if largest else extended.less(row[i], row[best])
        if worse is None:
            raise Undecided("an argmax hangs on a comparison")
        best = i if worse else best
    return best


@rule("sort")
def _sort(equation: Any, *operands: Value) -> list[Value]:
    """Sort by the first operands; a lone one needs no decision, for order statistics are monotone in every entry."""
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    if all(operand.dtype != object for operand in operands):
        return on_integers(equation, list(operands))
    lanes = [np.moveaxis(np.array(operand, copy=True), axis, -1) for operand in operands]
    for place in np.ndindex(lanes[0].shape[:-1]):
        rows = [lane[place] for lane in lanes]
        if len(rows) == 1:
            lanes[0][place] = _order_statistics(rows[0])
            continue
        order = sorted(range(len(rows[0])), key=functools.cmp_to_key(_by_keys(rows[:keys])))
        for lane, row in zip(lanes, rows, strict=True):
            lane[place] = row[order]
    return [np.moveaxis(lane, -1, axis) for lane in lanes]


def _order_statistics(row: Value) -> Value:
    if not all(x.is_finite() for x in row):
        return np.array(sorted(row, key=functools.cmp_to_key(_by_keys([row], direct=True))), dtype=object)
    low = sorted((x.lower() for x in row), key=functools.cmp_to_key(_exact_order))
    high = sorted((x.upper() for x in row), key=functools.cmp_to_key(_exact_order))
    return np.array([extended.hull(a, b) for a, b in zip(low, high, strict=True)], dtype=object)


def _exact_order(x: Any, y: Any) -> int:
    return -1 if x < y else int(x > y)


def _by_keys(keys: list[Value], direct: bool = False) -> Callable[[Any, Any], int]:
    def compare(i: Any, j: Any) -> int:
        for key in keys:
            x, y = (i, j) if direct else (key[i], key[j])
            if key.dtype != object:
                before, after = bool(x < y), bool(y < x)
            else:
                before, after = extended.less(x, y), extended.less(y, x)  # type: ignore[assignment]
            if before is None or after is None:
                raise Undecided("a sort hangs on a comparison")
            if before or after:
                return -1 if before else 1
        return 0

    return compare


@rule("dot_general")
def _dot_general(equation: Any, x: Value, y: Value) -> Value | list[Value]:
    if x.dtype != object and y.dtype != object:
        return on_integers(equation, [x, y])
    (x_sum, y_sum), (x_batch, y_batch) = equation.params["dimension_numbers"]
    left = _batch_free_sum(exact(x), x_batch, x_sum)
    right = _batch_free_sum(exact(y), y_batch, y_sum)
    product = _PRODUCT(left[:, :, None, :], right[:, None, :, :])
    summed = _per_row(product, lambda row: functools.reduce(extended.add, row) if len(row) else extended.ZERO)
    return summed.reshape(equation.outvars[0].aval.shape)


_PRODUCT = np.frompyfunc(extended.multiply, 2, 1)


def _batch_free_sum(x: Value, batch: Any, contracted: Any) -> Value:
    free = [axis for axis in range(x.ndim) if axis not in batch and axis not in contracted]
    sizes = [int(np.prod([x.shape[axis] for axis in axes], dtype=int)) for axes in (batch, free, contracted)]
    return np.transpose(x, (*batch, *free, *contracted)).reshape(sizes)


def _axes_last(x: Value, axes: Any) -> Value:
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*kept, *axes))
    return moved.reshape(*[x.shape[axis] for axis in kept], -1)


def _per_row(rows: Value, function: Callable[[Value], Any]) -> Value:
    result = np.empty(rows.shape[:-1], dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = function(rows[place])
    return result
