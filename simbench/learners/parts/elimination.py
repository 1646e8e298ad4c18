"""Many small symmetric systems at once: elimination that XLA turns into loops along the runs.

For few unknowns, up to UNROLLED. Batches come last, `[A, B]`, and everything here is elementwise along them: a run's
bits depend on no other run. XLA's own sums over a short axis, and what it fuses across a concatenation, stay scalar or
are computed again for every entry; unrolled sums and rows kept apart are not.
"""

from typing import Any

import jax.numpy as jnp

UNROLLED = (
    12  # up to this many unknowns the elimination is unrolled; beyond, a program would take long to compile
)


def added(terms: Any) -> Any:
    """Return the sum over the first axis; of few terms in order, for every run the same way."""
    if len(terms) > UNROLLED:
        return jnp.sum(terms, axis=0)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def largest(terms: Any) -> Any:
    """Return the maximum over the first axis."""
    if len(terms) > UNROLLED:
        return jnp.max(terms, axis=0)
    top = terms[0]
    for term in terms[1:]:
        top = jnp.maximum(top, term)
    return top


def solve_laplacian(stiffness: Any, curvature: Any, vector: Any) -> Any:
    """Return x `[A, B]` with stiffness_a x_a - sum_{b != a} curvature_ab x_b = vector_a, in each of B runs.

    Args:
        stiffness: the diagonal `[A, B]`; it exceeds the row sums of curvature, so the matrix is positive definite.
        curvature: symmetric, `[A, A, B]`, not negative; its diagonal is not read.
        vector: right-hand sides `[A, B]`.
    """
    rows = [jnp.concatenate([stiffness[a][None], -curvature[a, a + 1 :]]) for a in range(len(stiffness))]
    return _eliminate(rows, list(vector))


def _eliminate(rows: list[Any], right: list[Any]) -> Any:
    """Solve for a symmetric matrix given by its rows from the diagonal on, `[A - a, B]`: LDL' without pivoting."""
    size = len(rows)
    for k in range(size):
        pivot = rows[k]
        inverse = 1.0 / pivot[0]
        rows[k] = pivot * inverse
        for i in range(k + 1, size):
            factor = pivot[i - k] * inverse
            rows[i] = rows[i] - factor * pivot[i - k :]
            right[i] = right[i] - factor * right[k]
        right[k] = right[k] * inverse
    for k in range(size - 2, -1, -1):
        for j in range(k + 1, size):
            right[k] = right[k] - rows[k][j - k] * right[j]
    return jnp.stack(right)
