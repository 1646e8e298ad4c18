"""Symmetric positive definite systems in JAX: H = R' R, R upper triangular, a row at a time.

Written out, because a batch of jnp.linalg.cholesky is split by LAPACK's kernel among XLA's threads, and the thread
that asked waits for the others: two such calls that do not depend on each other, as in the two fits of TPO, wait for
each other for ever on a machine of two cores (jaxlib 0.10). A program of ours may hold one of LAPACK's at a time, which
is faster for large batches: that of the tabular fits. All others are these loops; XLA runs them along the batch.
"""

from typing import Any

import jax
import jax.numpy as jnp


def factorise(matrix: Any) -> Any:
    """Return R `[..., A, A]` of H; NaN from the first row on at which H is not positive definite."""
    place = jnp.arange(matrix.shape[-1])

    def row(k: Any, upper: Any) -> Any:
        above = upper[..., :, k]  # zeros from row k on
        rest = matrix[..., k, :] - jnp.sum(above[..., None] * upper, axis=-2)
        new = jnp.where(place >= k, rest / jnp.sqrt(rest[..., k, None]), 0.0)
        return upper.at[..., k, :].set(new)

    return jax.lax.fori_loop(0, matrix.shape[-1], row, jnp.zeros_like(matrix))


def forward(upper: Any, right: Any) -> Any:
    """Return R'^{-1} B for B `[..., A, W]`."""
    place = jnp.arange(upper.shape[-1])[:, None]

    def row(k: Any, left: Any) -> Any:
        beside = upper[..., k, :]
        solved = left[..., k, :] / beside[..., k, None]
        left = left - jnp.where(place > k, beside[..., None] * solved[..., None, :], 0.0)
        return left.at[..., k, :].set(solved)

    return jax.lax.fori_loop(0, upper.shape[-1], row, right)


def backward(upper: Any, right: Any) -> Any:
    """Return R^{-1} B for B `[..., A, W]`."""
    size = upper.shape[-1]
    place = jnp.arange(size)[:, None]

    def row(step: Any, left: Any) -> Any:
        k = size - 1 - step
        above = upper[..., :, k]
        solved = left[..., k, :] / above[..., k, None]
        left = left - jnp.where(place < k, above[..., None] * solved[..., None, :], 0.0)
        return left.at[..., k, :].set(solved)

    return jax.lax.fori_loop(0, size, row, right)


def solve(upper: Any, right: Any) -> Any:
    """Return H^{-1} B for B `[..., A, W]`, from R."""
    return backward(upper, forward(upper, right))


def solve_vector(upper: Any, right: Any) -> Any:
    """Return H^{-1} v for v `[..., A]`, from R."""
    return solve(upper, right[..., None])[..., 0]
