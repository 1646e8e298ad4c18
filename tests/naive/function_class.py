"""The classes a reward estimate is fitted in, and the fit in each.

    Tabular   r(s,.) in R^A                      + (ridge/2) ||r(s,.)||^2          prompt by prompt
    Box       r(s,.) in [0, R]^A                 + (ridge/2) ||r(s,.) - R/2||^2    prompt by prompt, R = reward_bound
    Linear    r = phi theta, ||theta|| <= radius + (ridge/2) ||theta||^2           all prompts at once
    Finite    r in world.reward_class            no regulariser; the first index within 1e-9 of the best

Iterative fits begin at the previous one (before the first: r = 0, R/2, theta = 0). `fit(data, prompts)`
returns rhat `[S, A]`; where the class is fitted prompt by prompt only those of `prompts` are. `newton_step`
judges an estimate of someone else's by the largest coordinate of the step that descent would take from it.
`saddles` counts fits that ended where the curvature is not positive, `not_convex` those whose way down met
such a point: there another method of descent may rightly end elsewhere.
"""

import numpy as np

from tests.naive.ball import minimise_in_ball, model_minimum
from tests.naive.descent import Local, Minimum, minimise, shifted, step_inside
from tests.naive.objective import LONG, Data, LinearProblem, PromptProblem
from tests.naive.world import TIE


class IterativeClass:
    saddles = not_convex = 0

    def count(self, minimum: Minimum) -> None:
        self.saddles += minimum.curvature <= 0
        self.not_convex += not minimum.convex


class Tabular(IterativeClass):
    lower, upper, centre = -np.inf, np.inf, 0.0

    def __init__(self, *, ridge: float):
        if not ridge > 0:
            raise ValueError(f"ridge is {ridge}; it must be positive, or the fit is not unique.")
        self.ridge = ridge

    def start(self, world) -> None:
        self.saddles = self.not_convex = 0
        self.fitted = np.full(world.log_ref.shape, self.centre, dtype=LONG)
        self.rhat = np.zeros(world.log_ref.shape)

    def problem(self, data: Data, s: int) -> PromptProblem:
        return PromptProblem(data=data.prompt(s), ridge=self.ridge, centre=self.centre)

    def fit(self, data: Data, prompts) -> np.ndarray:
        for s in prompts:
            found = minimise(self.problem(data, s), self.fitted[s], lower=self.lower, upper=self.upper)
            self.count(found)
            self.fitted[s] = found.x
            self.rhat[s] = found.x
        return self.rhat.copy()

    def objective(self, data: Data, rhat: np.ndarray) -> float:
        return float(sum(self.problem(data, s).value(r.astype(LONG)) for s, r in enumerate(rhat)))

    def newton_step(self, data: Data, rhat: np.ndarray) -> float:
        largest = 0.0
        for s in np.flatnonzero(data.wins.any(axis=(1, 2))):  # the others have not been fitted
            row = rhat[s]
            r = np.clip(row.astype(LONG), self.lower, self.upper)
            step, _ = step_inside(Local.at(self.problem(data, s), r), r, self.lower, self.upper)
            largest = max(largest, float(np.abs(np.clip(r + step, self.lower, self.upper) - row).max()))
        return largest


class Box(Tabular):
    def start(self, world) -> None:
        self.lower, self.upper = 0.0, float(world.reward_bound)
        self.centre = self.upper / 2
        super().start(world)


class Linear(IterativeClass):
    def __init__(self, *, ridge: float, radius: float):
        if not (ridge > 0 and radius > 0):
            raise ValueError(f"ridge is {ridge}, radius {radius}; both must be positive.")
        self.ridge, self.radius = ridge, radius

    def start(self, world) -> None:
        if world.features is None:
            raise ValueError("the world has no features.")
        self.saddles = self.not_convex = 0
        self.features = world.features
        self.theta = np.zeros(world.features.shape[2], dtype=LONG)

    def problem(self, data: Data) -> LinearProblem:
        return LinearProblem(data=data, ridge=self.ridge, features=self.features)

    def fit(self, data: Data, prompts) -> np.ndarray:
        found = minimise_in_ball(self.problem(data), self.theta, radius=self.radius)
        self.count(found)
        self.theta = found.x
        return (self.features @ found.x).astype(float)

    def parameters(self, rhat: np.ndarray) -> np.ndarray:
        """Return the theta `[d]` with phi theta = rhat (the shortest one)."""
        size = self.features.shape[2]
        return np.linalg.lstsq(self.features.reshape(-1, size), rhat.ravel(), rcond=None)[0].astype(LONG)

    def objective(self, data: Data, rhat: np.ndarray) -> float:
        return float(self.problem(data).value(self.parameters(rhat)))

    def newton_step(self, data: Data, rhat: np.ndarray) -> float:
        problem, theta = self.problem(data), self.parameters(rhat)
        gradient, hessian = problem.derivatives(theta)
        y = model_minimum(theta, gradient.astype(float), shifted(hessian.astype(float))[0], self.radius)
        return float(np.abs(y - theta).max())


class Finite:
    saddles = not_convex = 0  # enumeration: nothing depends on a way down

    def start(self, world) -> None:
        if getattr(world, "reward_class", None) is None:
            raise ValueError("the world has no reward_class.")
        self.members = world.reward_class  # [M, S, A]
        differences = self.members[:, :, :, None] - self.members[:, :, None, :]
        self.differences = differences.reshape(len(self.members), -1)
        self.losses = None  # [M, S A A], tabulated at the first fit

    def values(self, data: Data) -> np.ndarray:
        """Return the objective of every member, `[M]`."""
        if self.losses is None:
            self.losses = data.loss.value(self.differences)
            self.log_z = np.array([data.log_weights(r.astype(LONG))[0] for r in self.members]).astype(float)
        extra = self.members.reshape(len(self.members), -1) @ data.c.ravel()
        return self.losses @ data.wins.ravel() + extra - data.beta * (self.log_z @ data.m)

    def fit(self, data: Data, prompts) -> np.ndarray:
        values = self.values(data)
        self.chosen = int(np.flatnonzero(values <= values.min() + TIE)[0])
        return self.members[self.chosen]
