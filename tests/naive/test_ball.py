"""The linear class in its ball against SciPy, statsmodels, the secular equation and the optimality conditions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from statsmodels.base._penalized import PenalizedMixin
from statsmodels.base._penalties import L2
from statsmodels.discrete.discrete_model import Logit

from tests.naive import RPO, VPO, XPO, Logistic, NoExtra, Squared
from tests.naive.ball import along_sphere, minimise_in_ball, multiplier
from tests.naive.instances import data_of, draw_labels, draw_world
from tests.naive.objective import LONG, LinearProblem


class RidgeLogit(PenalizedMixin, Logit):
    """statsmodels' logit with its own ridge penalty, pen_weight ||theta||^2."""


def problem_of(seed: int, loss, extra, *, labels=40, ridge=0.1):
    world = draw_world(seed)
    data = data_of(world, loss, extra, draw_labels(world, seed, labels))
    return LinearProblem(data=data, ridge=ridge, features=world.features)


def fit(problem, radius: float):
    return minimise_in_ball(problem, np.zeros(3), radius=radius)


@pytest.mark.parametrize("seed", range(3))
def test_the_inner_logistic_fit_is_the_ridge_logit_of_statsmodels(seed):
    world = draw_world(seed)
    labels = draw_labels(world, seed, 40)
    problem = problem_of(seed, Logistic(), NoExtra())
    design = np.array([world.features[s, w] - world.features[s, x] for s, w, x in labels])
    flip = np.random.default_rng(seed).random(len(labels)) < 0.5
    model = RidgeLogit(
        (~flip).astype(float), np.where(flip, -1, 1)[:, None] * design, penal=L2(), pen_weight=0.05
    )
    theirs = model.fit(method="newton", tol=1e-13, disp=False, skip_hessian=True).params
    assert_allclose(fit(problem, 50.0).x.astype(float), theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("extra", [NoExtra(), RPO(0.1)], ids=["none", "RPO"])
@pytest.mark.parametrize("loss", [Logistic(), Squared()], ids=["logistic", "squared"])
@pytest.mark.parametrize("seed", range(2))
def test_the_fit_on_the_sphere_is_slsqp(seed, loss, extra):
    problem = problem_of(seed, loss, extra)
    found = fit(problem, 0.3).x.astype(float)
    theirs = minimize(
        lambda theta: float(problem.value(theta.astype(LONG))),
        np.full(3, 0.01),
        jac=lambda theta: problem.derivatives(theta.astype(LONG))[0].astype(float),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda x: 0.09 - x @ x, "jac": lambda x: -2 * x},
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert_allclose(found, theirs.x, rtol=0, atol=1e-6)
    assert float(problem.value(found.astype(LONG))) <= theirs.fun + 1e-9  # SLSQP may step outside the ball


@pytest.mark.parametrize("seed", range(2))
def test_the_squared_fit_on_the_sphere_is_a_ridge_regression_with_a_larger_ridge(seed):
    problem = problem_of(seed, Squared(), NoExtra())
    theta = fit(problem, 0.2).x
    ridge = 0.1 + float(multiplier(problem, theta))
    world = draw_world(seed)
    design = np.array(
        [world.features[s, w] - world.features[s, x] for s, w, x in draw_labels(world, seed, 40)]
    )
    theirs = np.linalg.solve(2 * design.T @ design + ridge * np.eye(3), design.sum(axis=0))
    assert_allclose(theta.astype(float), theirs, rtol=0, atol=1e-12)
    assert np.linalg.norm(theirs) == pytest.approx(0.2, abs=1e-12)


@pytest.mark.parametrize("extra", [NoExtra(), XPO(0.5), VPO(0.5), RPO(0.2)], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("radius", [0.3, 30.0])
@pytest.mark.parametrize("labels", [2, 40])
def test_optimality_conditions_hold_in_the_ball(extra, radius, labels):
    """g + mu theta = 0 with mu >= 0, mu > 0 only on the sphere; nothing nearby in the ball is lower."""
    problem = problem_of(4, Logistic(), extra, labels=labels, ridge=1e-2)
    found = fit(problem, radius)
    theta, gradient = found.x, problem.derivatives(found.x)[0]
    norm = float(np.sqrt(np.sum(theta * theta)))
    inside = norm < radius * (1 - 1e-9)
    mu = 0.0 if inside else multiplier(problem, theta)
    assert mu >= 0
    assert norm <= radius * (1 + 1e-15)
    assert np.abs(gradient + mu * theta).max() < 1e-11 * (1 + radius)
    assert found.curvature > 0
    if not inside:
        matrix = problem.derivatives(theta)[1].astype(float) + float(mu) * np.eye(3)
        assert found.curvature == pytest.approx(along_sphere(theta, matrix), rel=1e-6)
    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-2):
        for _ in range(10):
            near = theta + size * radius * rng.normal(size=3)
            near = near * min(1.0, radius / float(np.linalg.norm(near.astype(float))))
            assert problem.value(near) >= problem.value(theta)
