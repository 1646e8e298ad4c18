"""The linear class in a ball: r = phi theta with the world's features phi [S, A, d], ||theta|| <= radius.

    minimise   sum_{s,a,b} wins[s, a, b] loss(r_sa - r_sb) + <c, r> - beta <m, log Z_r> + (ridge / 2) ||theta||^2

over the ball, by the constrained Newton steps of parts/box.py with another convex set. The gradient and the Hessian in
theta come from those in r, prompt by prompt:

    g = phi' (pair flows + c - m pi_r) + ridge theta,
    H = sum_s phi_s' (pair Laplacian - (m_s / beta) (diag pi - pi pi')) phi_s + ridge I

and the step leads to the minimiser of g . d + d' H d / 2 over ||theta + d|| <= radius: the plain Newton step if that
stays inside, else the one with the multiplier mu > 0 of the secular equation

    (H + mu I) d = -(g + mu theta),    ||theta + d|| = radius,

solved by Newton steps on 1 / ||theta + d||, which is nearly linear in mu [more1983], from the last step's mu. Damping,
stopping rule and their proof are those of the box, with h the largest range of phi_s d over a prompt's responses: they
use only that the set is convex. All prompts are fitted together, from the counts: memory does not grow with rounds.

Under optimism (m > 0) the step has the full Hessian as long as H + mu I is positive definite and the objective
decreases, else the concave part is dropped. theta = 0 before any label. Sources: faury2020 (the class); simbench.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.fitting.bradley_terry import CONTRACTION, FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import (
    ARMIJO,
    LONGER_STEPS,
    MAX_PASSES,
    ROUNDING,
    SECULAR_STEPS,
    SECULAR_TOLERANCE,
    SMALL_STEP,
)
from simbench.learners.fitting.limits import Ridge
from simbench.learners.parts.cholesky import factorise, solve_vector
from simbench.learners.parts.function_class import CountingClass, Objective
from simbench.learners.parts.losses import Loss
from simbench.learners.parts.samplers import normalised
from simbench.learners.parts.tabular import pair_flows
from simbench.learners.protocols.round import Kernel
from simbench.registry import Positive, parameters

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts


class LinearData(NamedTuple):
    """Win counts `[S, A, A]`, theta `[d]` and the multiplier of the ball, and the bonus m `[S]`, c `[S, A]`."""

    wins: Any
    theta: Any
    multiplier: Any
    mass: Any
    credit: Any


@parameters
class Linear(CountingClass[LinearData]):
    """Rewards linear in the features, with parameters in a ball.

    Args:
        ridge: lambda of the penalty (lambda / 2) ||theta||^2.
        radius: B of the constraint ||theta|| <= B.
    """

    ridge: Ridge = 1.0
    radius: Positive = 10.0

    def check(self, world: Bandit) -> None:
        """Refuse a world without features."""
        if world.features is None:
            raise SimbenchError(
                "the linear class needs a world with features [S, A, d]; this world has none."
            )

    def start(self, world: Bandit, objective: Objective) -> LinearData:
        """No labels: theta = 0."""
        cells = world.log_ref.shape
        mass, credit = objective.bonus.start(world)
        return LinearData(
            wins=jnp.zeros((*cells, cells[-1])),
            theta=jnp.zeros(world.features.shape[-1]),
            multiplier=jnp.asarray(0.0),
            mass=mass,
            credit=credit,
        )

    def fit(
        self, data: LinearData, world: Bandit, objective: Objective, prompt: Any = None
    ) -> tuple[LinearData, Any, Any]:
        """Solve for theta; every prompt's rewards follow."""
        features = jnp.asarray(world.features)
        problem = LinearProblem(
            features, data.wins, data.mass, data.credit, jnp.asarray(world.log_ref), world.beta, self.ridge
        )
        theta, multiplier, solved = fit_theta(
            objective.loss, objective.bonus.active, problem, self.radius, data.theta, data.multiplier
        )
        return data._replace(theta=theta, multiplier=multiplier), features @ theta, solved

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form."""
        from simbench.learners.kernels import linear
        from simbench.learners.kernels.recipe import recipe

        numbers = recipe(world, parts)
        if numbers is None:
            return None
        return Kernel(
            module=linear.__name__,
            build=lambda: linear.start(
                numbers,
                log_ref=np.asarray(world.log_ref),
                beta=float(world.beta),
                features=np.array(world.features),
                ridge=float(self.ridge),
                radius=float(self.radius),
            ),
        )


class LinearProblem(NamedTuple):
    """The objective: phi `[S, A, d]`, wins `[S, A, A]`, m `[S]`, c `[S, A]`, log ref `[S, A]`, beta, ridge."""

    features: Any
    wins: Any
    mass: Any
    credit: Any
    log_ref: Any
    beta: Any
    ridge: Any


def objective_value(loss: Loss, problem: LinearProblem, theta: Any) -> Any:
    """Return the objective at theta `[d]`, bonus included."""
    reward = problem.features @ theta
    off_diagonal = problem.wins * (1.0 - jnp.eye(reward.shape[1]))
    logits = problem.log_ref + reward / problem.beta
    top = jnp.max(logits, axis=1)
    log_z = top + jnp.log(jnp.sum(jnp.exp(logits - top[:, None]), axis=1))
    return (
        jnp.sum(off_diagonal * loss.value(reward[:, :, None] - reward[:, None, :]))
        + jnp.sum(problem.credit * reward)
        - problem.beta * (problem.mass @ log_z)
        + 0.5 * problem.ridge * (theta @ theta)
    )


def derivatives(loss: Loss, bonus: bool, problem: LinearProblem, theta: Any, dropped: Any) -> tuple[Any, Any]:
    """Return g `[d]` and H `[d, d]`, without the concave part of the bonus if it is dropped."""
    phi, beta = problem.features, problem.beta
    reward = phi @ theta
    flows, laplacian = jax.vmap(lambda wins, row: pair_flows(loss, wins, row))(problem.wins, reward)
    if bonus:
        policy = jnp.exp(normalised(problem.log_ref + reward / beta))
        flows = flows + problem.credit - problem.mass[:, None] * policy
        curvature = jnp.where(dropped, jnp.minimum(problem.mass, 0.0), problem.mass) / beta
        spread = jax.vmap(jnp.diag)(policy) - policy[:, :, None] * policy[:, None, :]
        laplacian = laplacian - curvature[:, None, None] * spread
    gradient = jnp.einsum("sad,sa->d", phi, flows) + problem.ridge * theta
    inner = jnp.einsum("sab,sbe->sae", laplacian, phi)
    return gradient, jnp.einsum("sad,sae->de", phi, inner) + problem.ridge * jnp.eye(theta.shape[0])


def aim(theta: Any, gradient: Any, hessian: Any, radius: Any, multiplier: Any) -> tuple[Any, Any, Any]:
    """Return the step to the model's minimiser in the ball, its multiplier, and whether H + mu I was definite."""

    def solve(mu: Any) -> tuple[Any, Any, Any]:
        factor = factorise(hessian + mu * jnp.eye(theta.shape[0]))
        direction = -solve_vector(factor, gradient + mu * theta)
        target = theta + direction
        square = target @ target
        newton = (jnp.sqrt(square) / radius - 1.0) * square / (target @ solve_vector(factor, target))
        return direction, jnp.sqrt(square), newton

    def settled(mu: Any, length: Any) -> Any:
        inside = (mu <= 0.0) & (length <= radius)
        return inside | ~(jnp.abs(length - radius) > SECULAR_TOLERANCE * radius)  # a NaN ends the search, too

    def step(carry: Any) -> Any:
        mu, (_, _, newton), count = carry
        mu = jnp.maximum(mu + newton, 0.0)
        return mu, solve(mu), count + 1

    carry = (multiplier, solve(multiplier), 0)
    carry = jax.lax.while_loop(lambda c: ~settled(c[0], c[1][1]) & (c[2] < SECULAR_STEPS), step, carry)
    mu, (direction, _, _), _ = carry
    definite = jnp.all(jnp.isfinite(direction))
    return jnp.where(definite, direction, 0.0), jnp.where(definite, mu, multiplier), definite


class _Carry(NamedTuple):
    theta: Any  # [d]
    multiplier: Any
    dropped: Any  # the concave part is left out until the next move
    done: Any
    passes: Any


def fit_theta(
    loss: Loss, bonus: bool, problem: LinearProblem, radius: Any, start: Any, multiplier: Any
) -> tuple[Any, Any, Any]:
    """Return theta `[d]`, its multiplier, and whether the stopping rule was met."""
    mass, beta, ridge = problem.mass, problem.beta, problem.ridge
    scale = jnp.where(jnp.any(mass != 0.0), jnp.maximum(1.0, 1.0 / beta), 1.0) if bonus else 1.0
    optimistic = jnp.any(mass > 0.0)
    noise = ROUNDING * (1.0 + jnp.sum(problem.wins) + jnp.sum(jnp.abs(mass)))

    def one_pass(carry: _Carry) -> _Carry:
        theta = carry.theta
        gradient, hessian = derivatives(loss, bonus, problem, theta, carry.dropped)
        direction, mu, definite = aim(theta, gradient, hessian, radius, carry.multiplier)
        change = problem.features @ direction
        h = scale * jnp.max(jnp.max(change, axis=1) - jnp.min(change, axis=1))
        damped = (h > FULL_STEP) if (loss.damped or bonus) else jnp.asarray(False)
        length = jnp.where(damped, jnp.log1p(h) / jnp.where(damped, h, 1.0), 1.0)
        square = direction @ hessian @ direction
        accepted = jnp.asarray(True)
        if bonus:
            length, accepted = choose_length(
                theta, direction, gradient @ direction, square, length, carry.dropped
            )
        tolerance = TOLERANCE * (1.0 + jnp.max(jnp.abs(theta)))
        small = jnp.max(jnp.abs(direction)) <= tolerance
        certified = CONTRACTION * h * jnp.sqrt(jnp.maximum(square, 0.0)) <= tolerance * jnp.sqrt(ridge)
        if not loss.damped and not bonus:
            certified = jnp.asarray(True)  # a quadratic is its own model
        done = small | (~damped & jnp.where(optimistic, ~carry.dropped & (h <= SMALL_STEP), certified))
        moves = definite & accepted
        later = theta + jnp.where(small & optimistic, 0.0, length) * direction
        outside = jnp.maximum(jnp.sqrt(later @ later) / radius, 1.0)  # by rounding only
        return _Carry(
            theta=jnp.where(moves, later / outside, theta),
            multiplier=jnp.where(moves, mu, carry.multiplier),
            dropped=~moves,
            done=moves & done,
            passes=carry.passes + 1,
        )

    def choose_length(
        theta: Any, direction: Any, slope: Any, square: Any, guaranteed: Any, dropped: Any
    ) -> tuple[Any, Any]:
        lengths = jnp.stack([*(jnp.asarray(length) for length in LONGER_STEPS), guaranteed])
        here = objective_value(loss, problem, theta)
        there = jax.vmap(lambda length: objective_value(loss, problem, theta + length * direction))(lengths)
        promised = lengths * slope + 0.5 * lengths**2 * square
        decreases = there <= here + ARMIJO * promised
        longer = jnp.where(optimistic, False, decreases & (lengths > guaranteed))
        length = jnp.where(jnp.any(longer), lengths[jnp.argmax(longer)], guaranteed)
        drowned = jnp.abs(promised[-1]) <= noise + ROUNDING * jnp.abs(here)  # unseen in the objective
        return length, ~optimistic | dropped | drowned | (decreases[-1] & (promised[-1] < 0.0))

    carry = _Carry(start, multiplier, jnp.asarray(False), jnp.asarray(False), 0)
    carry = jax.lax.while_loop(lambda c: ~c.done & (c.passes < MAX_PASSES), one_pass, carry)
    return carry.theta, carry.multiplier, carry.done
