"""LU factors, linear solves and eigenvalues of small symmetric matrices in balls.

Any order of rows gives an exact factorisation of the matrix in that order, so whatever does not depend on the order
(det, slogdet, inv, solve) is enclosed, whichever pivots were taken: those with the largest middle, as LAPACK would.
Eigenvalues are certified enclosures of Arb's (Rump; van der Hoeven and Mourrain), disjoint or of one cluster, so that
sorting them by their middles sorts the eigenvalues. Eigenvectors are unknown: nothing is proved from them.
"""

from typing import Any

import numpy as np
from flint import acb_mat, arb, arb_mat

from simbench.verify.ball.extended import UNKNOWN, ZERO
from simbench.verify.ball.interpreter import Value, exact, filled, rule, run


@rule("lu")
def _lu(equation: Any, matrix: Value) -> list[Value]:
    """Return L and U packed into one matrix, the pivots, and the order of the rows."""
    packed = np.empty(matrix.shape, dtype=object)
    least = min(matrix.shape[-2:])
    pivots = np.zeros((*matrix.shape[:-2], least), dtype=np.int32)
    orders = np.zeros(matrix.shape[:-1], dtype=np.int32)
    for place in np.ndindex(matrix.shape[:-2]):
        packed[place], pivots[place], orders[place] = eliminated(matrix[place])
    return [packed, exact(pivots), exact(orders)]


def eliminated(matrix: Value) -> tuple[Value, np.ndarray, np.ndarray]:
    """Return L and U of one matrix in the order of rows that was chosen, the pivots, and that order."""
    rows, columns = matrix.shape
    work = np.array(matrix, dtype=object, copy=True)
    order, pivots = np.arange(rows), np.zeros(min(rows, columns), dtype=np.int32)
    for k in range(min(rows, columns)):
        sizes = [abs(work[i, k].mid()) if work[i, k].is_finite() else ZERO for i in range(k, rows)]
        pivot = k + max(range(rows - k), key=lambda i: float(sizes[i]))
        pivots[k] = pivot
        work[[k, pivot]], order[[k, pivot]] = work[[pivot, k]], order[[pivot, k]]
        for i in range(k + 1, rows):
            factor = work[i, k] / work[k, k]
            work[i, k] = factor
            for j in range(k + 1, columns):
                work[i, j] = work[i, j] - factor * work[k, j]
    return work, pivots, order


@rule("custom_linear_solve")
def _linear_solve(equation: Any, *operands: Value) -> list[Value]:
    """Return the solution as the program's own solver finds it."""
    lengths, programs = equation.params["const_lengths"], equation.params["jaxprs"]
    start = lengths.matvec + lengths.vecmat
    constants = operands[start : start + lengths.solve]
    right = operands[sum(lengths) :]
    solve = programs.solve
    return run(solve.jaxpr, [exact(value) for value in solve.consts], [*constants, *right])


@rule("eigh")
def _eigh(equation: Any, matrix: Value) -> list[Value]:
    """Return eigenvectors, unknown, and the eigenvalues of symmetric matrices in ascending order."""
    lower = equation.params.get("lower", True)
    values = np.empty(matrix.shape[:-1], dtype=object)
    for place in np.ndindex(matrix.shape[:-2]):
        values[place] = eigenvalues(matrix[place], lower=bool(lower))
    unknown = filled(UNKNOWN, matrix.shape)
    return (
        [unknown, values]
        if equation.outvars[0].aval.ndim > equation.outvars[1].aval.ndim
        else [values, unknown]
    )


def eigenvalues(matrix: Value, *, lower: bool) -> Value:
    """Return the eigenvalues `[n]` of the symmetric matrix in that triangle, ascending; unknown where not isolated."""
    size = len(matrix)
    entries: list[arb] = []
    for i in range(size):
        for j in range(size):
            inside = (i >= j) is lower or i == j
            entries.append(matrix[i, j] if inside else matrix[j, i])
    result = filled(UNKNOWN, (size,))
    try:
        found = acb_mat(arb_mat(size, size, entries)).eig(multiple=True)
    except (ValueError, ZeroDivisionError):
        return result
    real = sorted((one.real for one in found), key=lambda one: float(one.mid()))
    if len(real) == size and all(one.is_finite() for one in real):
        result[:] = real
    return result
