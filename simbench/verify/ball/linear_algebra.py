"""Cholesky factors and triangular systems in balls: exact algorithms, so enclosures of the exact results."""

from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.ball.extended import ZERO
from simbench.verify.ball.interpreter import Value, filled, rule


@rule("cholesky")
def _cholesky(equation: Any, matrix: Value) -> Value:
    """Return L with L L' = M, of the lower triangle; a pivot that may be negative leaves unknowns."""
    result = np.empty(matrix.shape, dtype=object)
    for place in np.ndindex(matrix.shape[:-2]):
        result[place] = _factor(matrix[place])
    return result


def _factor(matrix: Value) -> Value:
    size = matrix.shape[0]
    lower = filled(ZERO, (size, size))
    for j in range(size):
        pivot = matrix[j, j] - sum((lower[j, k] ** 2 for k in range(j)), ZERO)
        lower[j, j] = pivot.sqrt()
        for i in range(j + 1, size):
            rest = matrix[i, j] - sum((lower[i, k] * lower[j, k] for k in range(j)), ZERO)
            lower[i, j] = rest / lower[j, j]
    return lower


@rule("triangular_solve")
def _triangular_solve(equation: Any, matrix: Value, right: Value) -> Value:
    """Return X with T X = B (left_side) or X T = B, T the named triangle of `matrix`, possibly transposed."""
    p = equation.params
    if p.get("conjugate_a"):
        raise SimbenchError("ball arithmetic solves real triangular systems only.")
    result = np.empty(right.shape, dtype=object)
    for place in np.ndindex(matrix.shape[:-2]):
        triangle, columns = matrix[place], right[place]
        lower = bool(p["lower"])
        if p["transpose_a"]:
            triangle, lower = triangle.T, not lower
        if not p["left_side"]:  # X T = B  is  T' X' = B'
            triangle, columns, lower = triangle.T, columns.T, not lower
        solved = _substitute(triangle, columns, lower, bool(p["unit_diagonal"]))
        result[place] = solved if p["left_side"] else solved.T
    return result


def _substitute(triangle: Value, right: Value, lower: bool, unit: bool) -> Value:
    size = triangle.shape[0]
    solved = np.array(right, dtype=object, copy=True)
    order = range(size) if lower else range(size - 1, -1, -1)
    for i in order:
        done = range(i) if lower else range(i + 1, size)
        for k in done:
            solved[i] = solved[i] - triangle[i, k] * solved[k]
        if not unit:
            solved[i] = solved[i] / triangle[i, i]
    return solved
