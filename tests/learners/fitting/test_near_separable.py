"""Fits that a small ridge alone holds together, against Newton steps at 60 digits: both dialects, one rule.

Without exact flows numba refused 129 of the 3000 fields at a ridge of 1e-9, and JAX called 3e-8 of error solved.
"""

import warnings

import jax
import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from simbench.learners import UnidentifiedWarning, fit_tabular
from simbench.learners.parts.bradley_terry import fit_tabular_jax
from simbench.precision import entry_point

side_by_side = entry_point(jax.jit(jax.vmap(fit_tabular_jax, (0, 0, None))))
QUOTED = np.array([[0, 0, 0, 0], [5, 0, 2, 2], [5, 3, 0, 1], [5, 3, 4, 0]], dtype=float)


def minimiser(wins, ridge):
    """Damped Newton in 60 digits, written from the objective."""
    size, digits = len(wins), ctx.dps
    ctx.dps = 60
    try:
        reward, penalty = [arb(0)] * size, arb(ridge)
        for _ in range(2_000):
            gradient = [penalty * r for r in reward]
            hessian = [[penalty * (a == b) for b in range(size)] for a in range(size)]
            for a, b in zip(*np.nonzero(wins), strict=True):
                won, lost = (1 / (1 + (sign * (reward[b] - reward[a])).exp()) for sign in (1, -1))
                n = arb(wins[a, b])
                gradient[a] -= n * lost
                gradient[b] += n * lost
                for i, j, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
                    hessian[i][j] += sign * n * won * lost
            step = arb_mat(hessian).solve(arb_mat(size, 1, [-g for g in gradient]))
            moves = [step[a, 0].mid() for a in range(size)]
            spread = float(max(moves, key=float)) - float(min(moves, key=float))
            length = 1.0 if spread <= 0.25 else np.log1p(spread) / spread
            reward = [(r + length * move).mid() for r, move in zip(reward, moves, strict=True)]
            if spread < 1e-25:
                return np.array([float(r) for r in reward])
        raise AssertionError("the oracle did not converge")
    finally:
        ctx.dps = digits


def fields(number, seed, size=4):
    """Few labels; one response that never wins or never loses, or two groups with wins one way or none."""
    rng = np.random.default_rng(np.random.PCG64(seed))
    for kind in np.arange(number) % 4:
        wins = rng.integers(0, 6, (size, size)).astype(float)
        np.fill_diagonal(wins, 0.0)
        one, low, high = rng.integers(size), slice(0, size // 2), slice(size // 2, size)
        if kind == 0:
            wins[one] = 0.0
        elif kind == 1:
            wins[:, one] = 0.0
        else:
            wins[low, high] = 0.0
        if kind == 3:
            wins[high, low] = 0.0
        yield wins


def check(fitted, solved, true):
    assert solved
    np.testing.assert_allclose(fitted, true, rtol=0, atol=1e-11 * (1.0 + np.abs(true).max()))


def check_both_dialects(tables, ridge):
    tables = np.stack(list(tables))
    traced, solved = side_by_side(tables, np.zeros(tables.shape[:2]), ridge)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnidentifiedWarning)
        fitted = fit_tabular(tables, ridge).rewards  # or an error
    for i, wins in enumerate(tables):
        true = minimiser(wins, ridge)
        check(fitted[i], True, true)
        check(traced[i], solved[i], true)


@pytest.mark.parametrize("ridge", [1e-9, 1e-12])
@pytest.mark.parametrize("number", [40, pytest.param(3_000, marks=pytest.mark.thorough)])
def test_fields_that_hardly_hold_together(number, ridge):
    check_both_dialects([QUOTED, *fields(number, seed=number)], ridge)


# Kernels without the JIT: IEEE, as with it.
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
@pytest.mark.parametrize("ridge", [1e-12, 1e-6, 1.0])
def test_a_million_to_none(ridge):
    """Closed form: r_0 = -r_1 = x with 1e6 sigmoid(-2 x) = ridge x."""
    wins = np.array([[0.0, 1e6], [0.0, 0.0]])
    check_both_dialects([wins, np.array([[0.0, 1e9], [1.0, 0.0]])], ridge)
    with pytest.warns(UnidentifiedWarning):
        x = fit_tabular(wins[None], ridge).rewards[0, 0]
    assert 1e6 / (1 + np.exp(2 * x)) == pytest.approx(ridge * x, rel=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize("ridge", [1e-12, 1e-3])
def test_more_responses_than_are_unrolled(ridge):
    """Three groups of five that never met, ten thousand labels each; and a chain of a million wins."""
    rng = np.random.default_rng(np.random.PCG64(5))
    member = np.arange(15) % 3
    apart = 1e4 * rng.integers(0, 5, (15, 15)) * (member[:, None] == member[None])
    check_both_dialects([apart * (1 - np.eye(15)), np.diag(np.full(14, 1e6), 1)], ridge)
