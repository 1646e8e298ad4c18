"""The written-out factorisation against LAPACK's, also of what is not positive definite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.learners.parts.cholesky import backward, factorise, forward, solve, solve_vector
from simbench.precision import float64

RNG = np.random.default_rng(np.random.PCG64(17))


@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_as_lapack(batch, size):
    root = RNG.normal(size=(*batch, size, size))
    matrix = root @ np.swapaxes(root, -1, -2) + np.eye(size)
    right, vector = RNG.normal(size=(*batch, size, 3)), RNG.normal(size=(*batch, size))
    lower = np.linalg.cholesky(matrix)
    upper = np.swapaxes(lower, -1, -2)
    with float64():
        factor = jax.jit(factorise)(jnp.asarray(matrix))
        np.testing.assert_allclose(factor, upper, rtol=1e-10, atol=1e-12)
        for function, wanted in (
            (solve, np.linalg.solve(matrix, right)),
            (forward, np.linalg.solve(lower, right)),
            (backward, np.linalg.solve(upper, right)),
        ):
            np.testing.assert_allclose(jax.jit(function)(factor, right), wanted, rtol=1e-9, atol=1e-10)
        alone = solve_vector(factor, jnp.asarray(vector))
    np.testing.assert_allclose(
        alone, np.linalg.solve(matrix, vector[..., None])[..., 0], rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("eigenvalue", [-1.0, 0.0])
def test_what_is_not_positive_definite_is_not_a_number(eigenvalue):
    """In a batch it spoils its own factor alone."""
    bad = np.diag([2.0, eigenvalue, 3.0])
    with float64():
        factors = factorise(jnp.stack([bad, np.eye(3)]))
    assert np.isnan(factors[0]).any()
    np.testing.assert_array_equal(factors[1], np.eye(3))
