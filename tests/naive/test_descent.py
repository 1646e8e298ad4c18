"""Fits of one prompt against SciPy, closed forms and the gradient flow."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from tests.naive import RPO, VPO, XPO, Logistic, NoExtra, Squared
from tests.naive.descent import minimise
from tests.naive.fit import fit_rewards
from tests.naive.instances import data_of, draw_labels, draw_world
from tests.naive.objective import LONG, PromptProblem


def problem_of(seed: int, loss, extra, *, labels=30, responses=5, ridge=0.1, centre=0.0, beta=0.5):
    world = draw_world(seed, prompts=1, responses=responses, beta=beta)
    data = data_of(world, loss, extra, draw_labels(world, seed, labels))
    return PromptProblem(data=data, ridge=ridge, centre=centre)


def float_value(problem):
    return lambda r: float(problem.value(r.astype(LONG)))


def float_gradient(problem):
    return lambda r: problem.derivatives(r.astype(LONG))[0].astype(float)


@pytest.mark.parametrize("ridge", [1.0, 1e-3])
def test_the_plain_logistic_fit_is_the_bradley_terry_fit(ridge):
    problem = problem_of(0, Logistic(), NoExtra(), ridge=ridge)
    found = minimise(problem, np.zeros(5))
    theirs = fit_rewards(problem.data.wins[0], ridge, start=np.zeros(5))
    assert_allclose(found.x.astype(float), theirs, rtol=0, atol=1e-12 * (1 + np.abs(theirs).max()))
    assert found.convex


def test_the_squared_fit_solves_its_normal_equations():
    problem = problem_of(1, Squared(), NoExtra(), ridge=0.01)
    rows = [
        (np.eye(5)[a] - np.eye(5)[b])
        for (a, b), count in np.ndenumerate(problem.data.wins[0])
        for _ in range(int(count))
    ]
    design = np.vstack([*rows, np.sqrt(0.005) * np.eye(5)])
    target = np.append(np.full(len(rows), 0.5), np.zeros(5))
    theirs = np.linalg.lstsq(design, target, rcond=None)[0]
    assert_allclose(minimise(problem, np.zeros(5)).x.astype(float), theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", [Logistic(), Squared()], ids=["logistic", "squared"])
@pytest.mark.parametrize("seed", range(3))
def test_pessimism_is_convex_and_bfgs_finds_its_minimum_from_elsewhere(seed, loss):
    problem = problem_of(seed, loss, RPO(0.1))
    found = minimise(problem, np.zeros(5))
    start = np.random.default_rng(seed).normal(size=5)
    theirs = minimize(float_value(problem), start, jac=float_gradient(problem), options={"gtol": 1e-9})
    assert found.convex
    assert_allclose(found.x.astype(float), theirs.x, rtol=0, atol=1e-7)


@pytest.mark.parametrize("extra", [NoExtra(), RPO(0.2)], ids=["none", "RPO"])
@pytest.mark.parametrize("loss", [Logistic(), Squared()], ids=["logistic", "squared"])
@pytest.mark.parametrize("seed", range(3))
def test_the_fit_in_the_box_is_slsqp(seed, loss, extra):
    """r in [0, 0.15]^5, where bounds hold at the minimum, from the centre."""
    problem = problem_of(seed, loss, extra, centre=0.075, ridge=0.01)
    found = minimise(problem, np.full(5, 0.075), lower=0.0, upper=0.15).x.astype(float)
    theirs = minimize(
        float_value(problem),
        np.full(5, 0.1),
        jac=float_gradient(problem),
        method="SLSQP",
        bounds=[(0, 0.15)] * 5,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert_allclose(found, theirs.x, rtol=0, atol=3e-6)
    assert float_value(problem)(found) <= theirs.fun + 1e-13
    assert np.isin(found, [0.0, 0.15]).any()


@pytest.mark.parametrize("extra", [NoExtra(), XPO(0.05), VPO(0.3), RPO(0.2)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_optimality_conditions_hold_in_the_box(seed, extra):
    """The gradient vanishes at inner coordinates, points inwards at a bound; curvature is positive."""
    problem = problem_of(seed, Logistic(), extra, centre=0.5, ridge=1e-3)
    found = minimise(problem, np.full(5, 0.5), lower=0.0, upper=1.0)
    gradient, x = problem.derivatives(found.x)[0], found.x
    inner = (x > 0) & (x < 1)
    assert np.abs(gradient[inner]).max(initial=0.0) < 1e-11
    assert (gradient[x == 0] > 0).all()
    assert (gradient[x == 1] < 0).all()
    assert (inner | (x == 0) | (x == 1)).all()
    assert found.curvature > 0
    hessian = problem.derivatives(x)[1].astype(float)[np.ix_(inner, inner)]
    if inner.any():
        assert found.curvature == pytest.approx(np.linalg.eigvalsh(hessian)[0], rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_with_optimism_descent_ends_where_the_gradient_flow_ends(seed):
    """x' = -grad f from zero, by an implicit Runge-Kutta method; the objective is not convex on the way."""
    problem = problem_of(seed, Logistic(), XPO(0.1), labels=3, responses=4, ridge=0.05)
    found = minimise(problem, np.zeros(4))
    gradient = float_gradient(problem)
    flow = solve_ivp(
        lambda _, r: -gradient(r),
        (0, 2000.0),
        np.zeros(4),
        method="LSODA",
        rtol=1e-6,
        atol=1e-8,
    )
    assert_allclose(found.x.astype(float), flow.y[:, -1], rtol=0, atol=1e-4)
    assert np.abs(problem.derivatives(found.x)[0]).max() < 1e-11
    assert found.curvature > 0


def test_a_saddle_is_returned_and_reported():
    """Optimism calibrated on ref without a label: zero is stationary, and the ridge does not hold it."""
    problem = problem_of(0, Logistic(), VPO(0.3, weight="constant"), labels=0, ridge=1e-3)
    found = minimise(problem, np.zeros(5))
    assert np.abs(found.x).max() < 1e-12
    assert found.curvature < 0
    assert not found.convex


def test_a_rare_link_between_two_groups_is_resolved():
    """1e4 labels in each of two groups, none across: the groups' relative height has the ridge's curvature."""
    problem = problem_of(3, Logistic(), NoExtra(), responses=6, ridge=1e-3)
    rng = np.random.default_rng(0)
    problem.data.wins[:] = 0.0
    for group in ([0, 1, 2], [3, 4, 5]):
        problem.data.wins[0][np.ix_(group, group)] = rng.integers(1000, 2000, size=(3, 3))
    found = minimise(problem, np.zeros(6)).x
    assert np.abs(found.reshape(2, 3).sum(axis=1)).max() < 1e-12
