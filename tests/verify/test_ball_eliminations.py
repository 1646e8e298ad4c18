"""Determinants, inverses, solutions and eigenvalues in balls, against exact rationals, and mutated rules caught.

Entries are integers over 8, so that flint's rational matrices give the exact answer; a ball matrix holds the exact one.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from simbench.precision import float64
from simbench.verify.ball import eliminations, enclose, working_precision


def matrices(size, count=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(-40, 41, size=(count, size, size)) / 8.0


def rational(matrix):
    return fmpq_mat(len(matrix), len(matrix), [fmpq(int(8 * x), 8) for x in matrix.ravel()])


def enclosed(function, matrix, precision=128):
    with float64():
        program = jax.make_jaxpr(function)(jnp.asarray(matrix))
    return enclose(program, [matrix], precision=precision)[0]


def holds(ball, exact):
    return (ball - arb(int(exact.p)) / int(exact.q)).contains(0)


def wrong_entries(size):
    """How many of the enclosed answers of all programs miss the exact ones."""
    wrong = 0
    for matrix in matrices(size):
        exact = rational(matrix)
        if exact.det() == 0:
            continue
        inverse, right = exact.inv(), fmpq_mat(size, 1, [fmpq(1)] * size)
        wrong += not holds(enclosed(jnp.linalg.det, matrix).item(), exact.det())
        balls = enclosed(jnp.linalg.inv, matrix)
        wrong += sum(not holds(balls[i, j], inverse[i, j]) for i in range(size) for j in range(size))
        solution = exact.solve(right)
        balls = enclosed(lambda m: jnp.linalg.solve(m, jnp.ones(size)), matrix)
        wrong += sum(not holds(balls[i], solution[i, 0]) for i in range(size))
    return wrong


@pytest.mark.parametrize("size", [2, 4, 5])
def test_they_hold_the_exact_answers_and_are_narrow(size):
    assert wrong_entries(size) == 0
    matrix = matrices(size)[0]
    assert float(enclosed(jnp.linalg.det, matrix).item().rad()) < 1e-25


def test_a_mutated_elimination_is_caught(monkeypatch):
    true = eliminations.eliminated

    def mutated(matrix):
        work, pivots, order = true(matrix)
        work[-1, -1] = work[-1, -1] * (1 + arb(2) ** -60)
        return work, pivots, order

    monkeypatch.setattr(eliminations, "eliminated", mutated)
    assert wrong_entries(4) > 0


def test_a_singular_matrix_leaves_unknowns():
    balls = enclosed(jnp.linalg.inv, np.ones((3, 3)))
    assert not any(ball.is_finite() for ball in balls.ravel())


@pytest.mark.parametrize("size", [2, 3, 5])
def test_eigenvalues_are_roots_and_ascend(size):
    """Their sum, and the sum of their squares, are the trace and the Frobenius norm; NumPy's lie in wider balls."""
    for matrix in matrices(size):
        symmetric = matrix + matrix.T
        balls = enclosed(jnp.linalg.eigvalsh, symmetric)
        with working_precision(128):
            assert (sum(balls, arb(0)) - arb(float(np.trace(symmetric)))).contains(0)
            assert (sum((b * b for b in balls), arb(0)) - arb(float((symmetric**2).sum()))).contains(0)
        values = [float(ball.mid()) for ball in balls]
        np.testing.assert_allclose(values, np.linalg.eigvalsh(symmetric), atol=1e-12)
        assert max(float(ball.rad()) for ball in balls) < 1e-20


def test_eigenvalues_that_cannot_be_isolated_are_unknown():
    balls = enclosed(jnp.linalg.eigvalsh, np.diag([2.0, 1.0, 2.0]))
    assert not any(ball.is_finite() for ball in balls)


@pytest.mark.parametrize(
    ("function", "reference"),
    [
        (jax.lax.lgamma, lambda x: arb(x).gamma().__abs__().log()),
        (jnp.arctan, lambda x: arb(x).atan()),
        (jnp.arctan, lambda x: (arb(x) / (1 + arb(x) ** 2).sqrt()).asin()),
        (jax.lax.digamma, lambda x: arb(x).digamma()),
    ],
)
def test_special_functions_hold_their_values(function, reference):
    for x in (-2.5, -0.3, 0.25, 1.0, 7.5, 60.0):
        ball = enclosed(function, np.float64(x)).item()
        with working_precision(256):
            assert (ball - reference(x)).contains(0), x


def test_a_pole_is_unknown():
    assert not enclosed(jax.lax.lgamma, np.float64(-2.0)).item().is_finite()
