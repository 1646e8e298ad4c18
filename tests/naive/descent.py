"""Descent to a local minimum inside a box, lower <= x <= upper, by projected Newton steps.

At x, with gradient g and Hessian H, a coordinate is held if it lies on a bound that -g pushes it through; the
others are free, and there

    d = -(H_FF + shift I)^{-1} g_F,     x(t) = clip(x + t d),     t = 1, 1/2, 1/4, ... until
    f(x(t)) <= f(x) + 1e-4 g . (x(t) - x)                          (Armijo on the projected arc)

shift = 0 where H_FF is positive definite: Newton's method, quadratic near a minimum. Otherwise shift =
16 |lowest eigenvalue|, and the step is one linearised backward-Euler step, of length 1/shift, of the gradient
flow x' = -g. Where the objective is not convex, steps are also no longer than a reach: the scale on which it
changes to begin with, twice the last step where that one found the gradient that H predicts. So the
iteration ends where the flow ends, but for starts near the border of two basins (a test integrates the flow;
1 of 90 random fits with XPO ended elsewhere). A stationary start is returned, saddle or not.

**Stopping.** When the whole step clip(x + d) - x is at most 1e-12 (1 + max|x|), or below what the rounding
of g resolves, after it is taken. Then -d is the residual of the optimality conditions, in units of x.
"""

import dataclasses

import numpy as np

from tests.naive.objective import LONG

TOLERANCE = 1e-12
ROUNDING = float(np.finfo(LONG).eps)
MAX_ITERATIONS = 2000
SHIFT = 16.0
GOOD, BAD = (
    0.1,
    0.3,
)  # error of the predicted gradient, relative to the gradient, for a longer or shorter reach


@dataclasses.dataclass(frozen=True)
class Minimum:
    x: np.ndarray  # where descent ended, long double
    curvature: float  # lowest eigenvalue of the Hessian there, in the free directions; <= 0: a saddle
    convex: bool  # the Hessian was positive definite at every point on the way


@dataclasses.dataclass(frozen=True)
class Local:
    """An objective at a point: value, gradient, Hessian."""

    value: np.longdouble
    gradient: np.ndarray
    hessian: np.ndarray

    @classmethod
    def at(cls, problem, x: np.ndarray, value: np.longdouble | None = None) -> "Local":
        gradient, hessian = problem.derivatives(x)
        return cls(problem.value(x) if value is None else value, gradient, hessian.astype(float))


def shifted(hessian: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a positive definite matrix near the Hessian, itself if it is one, and its lowest eigenvalue."""
    eigenvalues = np.linalg.eigvalsh(hessian)
    lowest = float(eigenvalues[0])
    if lowest > 0:
        return hessian, lowest
    shift = max(-SHIFT * lowest, 1e-12 * float(np.abs(eigenvalues).max()), 1e-300)
    return hessian + shift * np.eye(len(hessian)), lowest


def tolerance(problem, x: np.ndarray, lowest: float) -> float:
    """The largest last step: 1e-12 per unit of x, but no less than the rounding of the gradient moves x."""
    resolved = ROUNDING * problem.data.size / max(lowest, 1e-15)
    return max(TOLERANCE * (1 + float(np.abs(x).max())), min(resolved, 1e-9))


def step_inside(here: Local, x: np.ndarray, lower: float, upper: float) -> tuple[np.ndarray, float]:
    """Return the step d `[A]`, zero where x is held, and the lowest eigenvalue where it is free."""
    held = ((x <= lower) & (here.gradient > 0)) | ((x >= upper) & (here.gradient < 0))
    free = np.flatnonzero(~held)
    step = np.zeros_like(x)
    if len(free) == 0:
        return step, np.inf
    model, lowest = shifted(here.hessian[np.ix_(free, free)])
    step[free] = np.linalg.solve(model, -here.gradient[free].astype(float))
    return step, lowest


def advance(
    problem, x: np.ndarray, here: Local, arc, length: float, reach: float
) -> tuple[np.ndarray, Local, float]:
    """Return the next point on the arc t -> arc(t) from x = arc(0), the objective there and the next reach.

    `length` is how far arc(1) moves the reward, `reach` how far it may be moved.
    """
    noise = 64 * ROUNDING * (abs(here.value) + problem.data.size)
    t = LONG(min(1.0, reach / length))
    for _ in range(200):
        candidate = arc(t)
        move, value = candidate - x, problem.value(candidate)
        if value <= here.value + 1e-4 * np.sum(here.gradient * move) + noise:
            there = Local.at(problem, candidate, value)
            if problem.data.scale == np.inf:
                return candidate, there, np.inf
            predicted = here.gradient + here.hessian @ move
            error = np.abs(there.gradient - predicted).max() / np.abs(here.gradient).max()
            if error <= BAD or t * length <= problem.data.scale:
                grown = 2 * float(t) * length if error <= GOOD else 0.0
                return candidate, there, max(problem.data.scale, grown)
        t = t / 2
    raise RuntimeError("no step along a descent direction decreases the objective.")


def minimise(problem, start: np.ndarray, *, lower: float = -np.inf, upper: float = np.inf) -> Minimum:
    """Return the local minimum of `problem` in [lower, upper]^A that descent from `start` reaches.

    Raises:
        RuntimeError: the step is still above the rule after `MAX_ITERATIONS`.
    """
    x, convex, reach = np.clip(start.astype(LONG), lower, upper), True, problem.data.scale
    here = Local.at(problem, x)
    for _ in range(MAX_ITERATIONS):
        step, lowest = step_inside(here, x, lower, upper)
        convex = convex and lowest > 0
        whole = np.clip(x + step, lower, upper)
        if np.abs(whole - x).max() <= tolerance(problem, x, lowest):
            return Minimum(whole, lowest, convex)
        length = float(np.abs(step).max())
        x, here, reach = advance(
            problem, x, here, lambda t, x=x, d=step: np.clip(x + t * d, lower, upper), length, reach
        )
    raise RuntimeError(f"no minimum after {MAX_ITERATIONS} steps: the last one was {length:.3g}.")
