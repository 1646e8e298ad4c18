"""Descent to a local minimum inside a ball, ||theta|| <= radius.

**Descent.** At theta, with B the (shifted, positive definite) Hessian, the quadratic model

    g . (y - theta) + (1/2) (y - theta)' B (y - theta)      over ||y|| <= radius

has its minimum at theta - B^{-1} g if that lies in the ball, and otherwise at y(mu) = (B + mu I)^{-1} (B theta
- g) with the multiplier mu > 0 that solves the secular equation ||y(mu)|| = radius. Armijo's rule along the
segment from theta to y keeps it in the ball.

**Polish, on the sphere.** Newton's method on the optimality conditions themselves, in (theta, mu):

    g(theta) + mu theta = 0        [ H + mu I   theta ] [ d theta ]     [ g + mu theta                   ]
    ||theta||^2 = radius^2         [ theta'       0   ] [ d mu    ] = - [ (||theta||^2 - radius^2) / 2   ]

It needs no convexity of H, and its residual is evaluated in long double. Accepted only if it stays where
descent had come, with mu > 0 and positive curvature of H + mu I along the sphere.
"""

import numpy as np
from scipy.optimize import brentq

from tests.naive.descent import MAX_ITERATIONS, Local, Minimum, advance, shifted, tolerance
from tests.naive.objective import LONG

POLISH = 1e-3  # the polish may begin when descent takes steps shorter than this times the radius


def model_minimum(theta: np.ndarray, gradient: np.ndarray, model: np.ndarray, radius: float) -> np.ndarray:
    """Return the minimum of the positive definite quadratic model over the ball, `[d]`."""
    inside = theta + np.linalg.solve(model, -gradient)
    if np.linalg.norm(inside) <= radius:
        return inside
    eigenvalues, basis = np.linalg.eigh(model)
    coefficients = basis.T @ (model @ theta - gradient)

    def excess(mu: float) -> float:
        return 1 / radius - 1 / float(np.linalg.norm(coefficients / (eigenvalues + mu)))

    most = float(np.linalg.norm(coefficients)) / radius  # ||y(mu)|| <= ||coefficients|| / mu
    mu = brentq(excess, 0.0, most * (1 + 1e-9), xtol=1e-300, rtol=1e-14)
    y = basis @ (coefficients / (eigenvalues + mu))
    return y * (radius / np.linalg.norm(y))


def along_sphere(theta: np.ndarray, matrix: np.ndarray) -> float:
    """Return the lowest eigenvalue of `matrix` on the directions orthogonal to theta; +inf in d = 1."""
    normal = (theta / np.linalg.norm(theta.astype(float))).astype(float)
    tangent = np.linalg.svd(normal[None, :])[2][1:]  # [d - 1, d]
    return float(np.linalg.eigvalsh(tangent @ matrix @ tangent.T)[0]) if len(tangent) else np.inf


def multiplier(problem, theta: np.ndarray) -> np.longdouble:
    """Return the mu that makes g + mu theta smallest."""
    return -np.sum(theta * problem.derivatives(theta)[0]) / np.sum(theta * theta)


def polish(problem, theta: np.ndarray, radius: float) -> tuple[np.ndarray, float] | None:
    """Return the solution of the optimality conditions near theta and its curvature, or None."""
    size, start = len(theta), theta
    mu = multiplier(problem, theta)
    for _ in range(50):
        bordered = np.zeros((size + 1, size + 1))
        gradient, hessian = problem.derivatives(theta)
        matrix = hessian.astype(float) + float(mu) * np.eye(size)
        bordered[:size, :size] = matrix
        bordered[:size, size] = bordered[size, :size] = theta
        residual = gradient + mu * theta
        missed = (np.sum(theta * theta) - LONG(radius) ** 2) / 2
        step = np.linalg.solve(bordered, -np.append(residual, missed).astype(float))
        theta, mu = theta + step[:size], mu + step[size]
        if np.abs(theta - start).max() > 10 * POLISH * radius:
            return None
        curvature = along_sphere(theta, matrix)
        if np.abs(step[:size]).max() <= tolerance(problem, theta, abs(curvature)):
            return (theta, curvature) if mu > 0 and curvature > 0 else None
    return None


def minimise_in_ball(problem, start: np.ndarray, *, radius: float) -> Minimum:
    """Return the local minimum of `problem` in the ball that descent from `start` reaches.

    Raises:
        RuntimeError: the step is still above the rule after `MAX_ITERATIONS`.
    """
    theta, convex, reach = start.astype(LONG), True, problem.data.scale
    here = Local.at(problem, theta)
    for _ in range(MAX_ITERATIONS):
        model, lowest = shifted(here.hessian)
        convex = convex and lowest > 0
        y = model_minimum(theta, here.gradient.astype(float), model, radius)
        step = y - theta
        longest = float(np.abs(step).max())
        on_sphere = float(np.linalg.norm(y)) > radius * (1 - 1e-9)
        if on_sphere and longest <= POLISH * radius:
            polished = polish(problem, y.astype(LONG), radius)
            if polished is not None:
                return Minimum(*polished, convex)
        if longest <= tolerance(problem, theta, lowest):
            return Minimum(y.astype(LONG), lowest, convex)
        length = max(float(np.abs(problem.reward(step)).max()), 1e-300)
        theta, here, reach = advance(
            problem, theta, here, lambda t, x=theta, d=step: x + t * d, length, reach
        )
    raise RuntimeError(f"no minimum after {MAX_ITERATIONS} steps: the last one was {longest:.3g}.")
