"""The tabular class with ridge: one free reward per (prompt, response), fitted prompt by prompt.

    minimise over r in R^A     sum_{a,b} wins[a, b] loss(r_a - r_b)  +  <c, r> - m beta log Z_r  +  (ridge / 2) ||r||^2

with the bonus (m, c) of parts/bonuses.py. Only the prompt that received a label changes. Plain Bradley-Terry fits use
the solver of learners/fitting/bradley_terry.py; the others damped Newton steps on

    gradient   g = (pair flows) + c - m pi_r + ridge r,                             pi_r = G(r)(.|s)
    Hessian    H = (pair Laplacian) + ridge I - (m / beta) (diag pi_r - pi_r pi_r'),

where the last term is dropped as long as it makes H indefinite: for m > 0 (optimism) the objective is not convex, the
step with the convex part alone is a descent step, and rhat is the local minimum that descent from the last fit reaches.
A step whose range is h is shortened to log(1 + h)/h of itself while h > 1/4, with h in units of min(1, beta) if m != 0,
because the softmax turns at scale beta. Steps are centred: all terms but the ridge ignore a shift. Source: simbench.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.learners.fitting.bradley_terry import FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import BONUS_STEPS, SMALL_STEP
from simbench.learners.fitting.limits import SMALLEST_RIDGE, Ridge
from simbench.learners.parts.bradley_terry import fit_tabular_jax
from simbench.learners.parts.function_class import CountingClass, Objective
from simbench.learners.parts.losses import Logistic, Loss
from simbench.learners.parts.samplers import normalised
from simbench.learners.protocols.round import Kernel
from simbench.registry import parameters

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts


class TabularData(NamedTuple):
    """Win counts `[S, A, A]`, the fitted reward `[S, A]`, and the bonus m `[S]`, c `[S, A]`."""

    wins: Any
    reward: Any
    mass: Any
    credit: Any


@parameters
class Tabular(CountingClass[TabularData]):
    """One reward per cell.

    Args:
        ridge: lambda of the penalty (lambda / 2) ||r||^2 per prompt (labels per squared reward unit).
    """

    ridge: Ridge = 1.0

    row_local = True

    def least_ridge(self, objective: Objective) -> float:
        """That of the Bradley-Terry fit, when it is the objective."""
        return SMALLEST_RIDGE if _plain(objective) else super().least_ridge(objective)

    def start(self, world: Bandit, objective: Objective) -> TabularData:
        """No labels: rhat = 0."""
        cells = world.log_ref.shape
        mass, credit = objective.bonus.start(world)
        return TabularData(
            wins=jnp.zeros((*cells, cells[-1])), reward=jnp.zeros(cells), mass=mass, credit=credit
        )

    def fit(
        self, data: TabularData, world: Bandit, objective: Objective, prompt: Any = None
    ) -> tuple[TabularData, Any, Any]:
        """Solve one prompt, or all."""
        if prompt is None:
            prompts = jnp.arange(world.log_ref.shape[0])
            reward, solved = jax.vmap(lambda s: self._fit_row(data, world, objective, s))(prompts)
            return data._replace(reward=reward), reward, jnp.all(solved)
        row, solved = self._fit_row(data, world, objective, prompt)
        return data._replace(reward=data.reward.at[prompt].set(row)), row, solved

    def _fit_row(self, data: TabularData, world: Bandit, objective: Objective, s: Any) -> tuple[Any, Any]:
        if _plain(objective):
            return fit_tabular_jax(data.wins[s], data.reward[s], self.ridge)
        return fit_row(
            objective.loss,
            data.wins[s],
            data.mass[s],
            data.credit[s],
            jnp.asarray(world.log_ref)[s],
            world.beta,
            self.ridge,
            data.reward[s],
            objective.bonus.active,
        )

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form."""
        from simbench.learners.kernels import tabular
        from simbench.learners.kernels.recipe import recipe

        numbers = recipe(world, parts)
        if numbers is None:
            return None
        return Kernel(
            module=tabular.__name__,
            build=lambda: tabular.start(
                numbers, log_ref=np.asarray(world.log_ref), beta=float(world.beta), ridge=float(self.ridge)
            ),
        )


def _plain(objective: Objective) -> bool:
    return isinstance(objective.loss, Logistic) and not objective.bonus.active


def pair_flows(loss: Loss, wins: Any, reward: Any) -> tuple[Any, Any]:
    """Return the gradient `[A]` and Hessian `[A, A]` in r of sum wins[a, b] loss(r_a - r_b), self-pairs left out."""
    off_diagonal = wins * (1.0 - jnp.eye(wins.shape[0]))
    u = reward[:, None] - reward[None, :]
    slopes = off_diagonal * loss.slope(u)
    flow = slopes - slopes.T  # antisymmetric to the bit, so that it creates no net flow
    curvature = off_diagonal * loss.curvature(u)
    curvature = curvature + curvature.T
    return jnp.sum(flow, axis=1), jnp.diag(jnp.sum(curvature, axis=1)) - curvature


def fit_row(
    loss: Loss,
    wins: Any,
    mass: Any,
    credit: Any,
    log_ref: Any,
    beta: Any,
    ridge: Any,
    start: Any,
    bonus: bool,
) -> tuple[Any, Any]:
    """Return the local minimiser `[A]` that descent from `start` reaches, and whether the stopping rule was met."""
    size = wins.shape[0]

    def newton(carry: Any) -> Any:
        reward, _, steps = carry
        gradient, hessian = pair_flows(loss, wins, reward)
        gradient = gradient + ridge * reward
        hessian = hessian + ridge * jnp.eye(size)
        scale: Any = 1.0
        if bonus:
            policy = jnp.exp(normalised(log_ref + reward / beta))
            gradient = gradient + credit - mass * policy
            spread = (jnp.diag(policy) - policy[:, None] * policy[None, :]) / beta
            convex = hessian + jnp.maximum(-mass, 0.0) * spread
            hessian = hessian - mass * spread
            stiff = jnp.maximum(-mass, 0.0) / (
                beta * size
            )  # of a shift, which is centred away: keeps H regular
            hessian, convex = hessian + stiff, convex + stiff
            scale = jnp.where(mass != 0.0, jnp.maximum(1.0, 1.0 / beta), 1.0)
            direction = _centred(_descent(hessian, convex, gradient))
        else:
            direction = _centred(_solve(hessian, gradient))
        h = scale * (jnp.max(direction) - jnp.min(direction))
        damped = (h > FULL_STEP) if (loss.damped or bonus) else jnp.asarray(False)
        length = jnp.where(damped, jnp.log1p(h) / jnp.where(damped, h, 1.0), 1.0)
        tolerance = TOLERANCE * (1.0 + jnp.max(jnp.abs(reward)))
        done = (jnp.max(jnp.abs(direction)) <= tolerance) | (h <= SMALL_STEP)
        return reward + length * direction, done, steps + 1

    carry = (start, jnp.asarray(False), 0)
    reward, done, _ = jax.lax.while_loop(lambda c: ~c[1] & (c[2] < BONUS_STEPS), newton, carry)
    return reward, done


def _centred(direction: Any) -> Any:
    return direction - jnp.mean(direction)


def _solve(hessian: Any, gradient: Any) -> Any:
    factor = jnp.linalg.cholesky(hessian)
    return -jax.scipy.linalg.cho_solve((factor, True), gradient)


def _descent(hessian: Any, convex: Any, gradient: Any) -> Any:
    definite = jnp.all(jnp.isfinite(jnp.linalg.cholesky(hessian)))  # NaN when not positive definite
    # One after the other: side by side two calls of LAPACK may wait for each other for ever (cholesky.py).
    factor = jnp.linalg.cholesky(jnp.where(definite, hessian, convex))
    return -jax.scipy.linalg.cho_solve((factor, True), gradient)
