"""The box class: rewards within [0, R], the range that theorems assume, fitted prompt by prompt.

    minimise   sum_{a,b} wins[a, b] loss(r_a - r_b) + <c, r> - m beta log Z_r + (ridge / 2) ||r - R/2||^2
    over       r in [0, R]^A,      R = world.reward_bound.

Inside, x = r - R/2 in [-R/2, R/2]^A: no term but the ridge sees a shift. Before any label r = R/2.

**Constrained Newton steps.** With g and H at x, the step goes towards the minimiser x + d of the quadratic model

    g . d + d' H d / 2     over x + d in the box,

which is sought by guessing which coordinates lie on a bound: the others solve H_FF d_F = -g_F - H_FP d_P; a free
coordinate that leaves the box is pinned, a pinned one whose force g + H d points inwards is released, all at once as
long as their number falls, then one at a time (judice1994: finite for every positive definite H). The guess is kept
from fit to fit, and usually stands. As x + d and x lie in one convex set, (g + H d) . (y - x - d) >= 0 for all y in it:

    g . d <= -d' H d                                     every step descends,
    ||d_+||_{H_+}^2 <= -(g_+ - g - H d) . d_+            (y = x + d + d_+, the step after the next)

so that all of fitting/bradley_terry.py carries over, the projection costing nothing: with h the range of d, damping by
log1p(h)/h is monotone, a full step of h <= 1/4 leaves ||d_+|| <= 0.62 h ||d||, and the fit stops once a full step has
0.62 h ||d||_H / sqrt(ridge) <= 1e-12 (1 + R), or is itself below 1e-12 (1 + R).

**Bonus.** With m != 0, h is measured in units of min(1, beta), the scale at which the softmax turns. m < 0 (pessimism)
is convex; longer steps are taken if they decrease the objective. With m > 0 (optimism) the model has the full Hessian
if that is positive definite on the free coordinates and its step decreases the objective; otherwise the concave term
- (m / beta) (diag pi - pi pi') is dropped, and the step with what is left always does. Then rhat is the local minimum
that this descent reaches from the last fit, and a stationary start stays where it is, to the bit. Source: simbench.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.learners.fitting.bradley_terry import CONTRACTION, FULL_STEP, TOLERANCE
from simbench.learners.fitting.descent import (
    ARMIJO,
    LONGER_STEPS,
    MAX_PASSES,
    PATIENCE,
    PINNING,
    ROUNDING,
    SMALL_STEP,
)
from simbench.learners.fitting.limits import Ridge
from simbench.learners.parts.cholesky import factorise, solve_vector
from simbench.learners.parts.function_class import CountingClass, Objective
from simbench.learners.parts.losses import Loss
from simbench.learners.parts.samplers import normalised
from simbench.learners.parts.tabular import pair_flows
from simbench.learners.protocols.round import Kernel
from simbench.registry import parameters

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts


class BoxData(NamedTuple):
    """Win counts `[S, A, A]`; the fit r - R/2 and the sides its coordinates are pinned to, -1, 0, 1, `[S, A]`; m, c."""

    wins: Any
    centred: Any
    side: Any
    mass: Any
    credit: Any


@parameters
class Box(CountingClass[BoxData]):
    """One reward per cell, in [0, R].

    Args:
        ridge: lambda of the penalty (lambda / 2) ||r - R/2||^2 per prompt (labels per squared reward unit).
    """

    ridge: Ridge = 1.0

    row_local = True

    def start(self, world: Bandit, objective: Objective) -> BoxData:
        """No labels: the middle of the box."""
        cells = world.log_ref.shape
        mass, credit = objective.bonus.start(world)
        return BoxData(
            wins=jnp.zeros((*cells, cells[-1])),
            centred=jnp.zeros(cells),
            side=jnp.zeros(cells, dtype=jnp.int32),
            mass=mass,
            credit=credit,
        )

    def fit(
        self, data: BoxData, world: Bandit, objective: Objective, prompt: Any = None
    ) -> tuple[BoxData, Any, Any]:
        """Solve one prompt, or all."""
        half = world.reward_bound / 2.0

        def one(s: Any) -> tuple[Any, Any, Any]:
            problem = RowProblem(
                data.wins[s],
                data.mass[s],
                data.credit[s],
                jnp.asarray(world.log_ref)[s],
                world.beta,
                self.ridge,
            )
            bonus = objective.bonus.active
            return fit_row(objective.loss, bonus, problem, half, data.centred[s], data.side[s])

        if prompt is None:
            centred, side, solved = jax.vmap(one)(jnp.arange(world.log_ref.shape[0]))
            return data._replace(centred=centred, side=side), centred + half, jnp.all(solved)
        row, side, solved = one(prompt)
        later = data._replace(centred=data.centred.at[prompt].set(row), side=data.side.at[prompt].set(side))
        return later, row + half, solved

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form."""
        from simbench.learners.kernels import box
        from simbench.learners.kernels.recipe import recipe

        numbers = recipe(world, parts)
        if numbers is None:
            return None
        return Kernel(
            module=box.__name__,
            build=lambda: box.start(
                numbers,
                log_ref=np.asarray(world.log_ref),
                beta=float(world.beta),
                ridge=float(self.ridge),
                reward_bound=float(world.reward_bound),
            ),
        )


class RowProblem(NamedTuple):
    """One prompt's objective: wins `[A, A]`, m, c `[A]`, log ref `[A]`, beta, ridge."""

    wins: Any
    mass: Any
    credit: Any
    log_ref: Any
    beta: Any
    ridge: Any


def objective_value(loss: Loss, problem: RowProblem, x: Any) -> Any:
    """Return the objective at x `[A]`, bonus included."""
    off_diagonal = problem.wins * (1.0 - jnp.eye(x.shape[0]))
    logits = problem.log_ref + x / problem.beta
    top = jnp.max(logits)
    log_z = top + jnp.log(jnp.sum(jnp.exp(logits - top)))
    return (
        jnp.sum(off_diagonal * loss.value(x[:, None] - x[None, :]))
        + problem.credit @ x
        - problem.mass * problem.beta * log_z
        + 0.5 * problem.ridge * jnp.sum(x * x)
    )


class _Carry(NamedTuple):
    x: Any  # [A] r - R/2
    side: Any  # [A]
    dropped: Any  # the concave term is left out until the next move
    fewest: Any  # wrong coordinates of the best guess since the last move
    patience: Any
    done: Any
    passes: Any


def fit_row(loss: Loss, bonus: bool, problem: RowProblem, half: Any, start: Any, side: Any) -> Any:
    """Return x `[A]`, the sides its coordinates are pinned to, and whether the stopping rule was met."""
    size = start.shape[0]
    mass, beta, ridge = problem.mass, problem.beta, problem.ridge
    unit = 1.0 + 2.0 * half
    scale = jnp.where(mass != 0.0, jnp.maximum(1.0, 1.0 / beta), 1.0) if bonus else 1.0
    noise = ROUNDING * (1.0 + jnp.sum(problem.wins) + jnp.abs(mass))

    def derivatives(x: Any, dropped: Any) -> tuple[Any, Any]:
        gradient, hessian = pair_flows(loss, problem.wins, x)
        gradient, hessian = gradient + ridge * x, hessian + ridge * jnp.eye(size)
        if bonus:
            policy = jnp.exp(normalised(problem.log_ref + x / beta))
            gradient = gradient + problem.credit - mass * policy
            curvature = jnp.where(dropped, jnp.minimum(mass, 0.0), mass) / beta
            hessian = hessian - curvature * (jnp.diag(policy) - policy[:, None] * policy[None, :])
        return gradient, hessian

    def aim(x: Any, side: Any, gradient: Any, hessian: Any) -> Any:
        pinned = side != 0
        fixed = jnp.where(pinned, side * half - x, 0.0)
        rest = jnp.where(pinned, fixed, -gradient - hessian @ fixed)
        either = pinned[:, None] | pinned[None, :]
        # with nothing pinned a shift is centred away; made stiff, it keeps H regular where the ridge is lost
        stiff = jnp.where(jnp.any(pinned) | (mass >= 0.0), 0.0, -mass / (beta * size)) if bonus else 0.0
        hessian = hessian + stiff
        factor = factorise(jnp.where(either, jnp.eye(size), hessian))  # NaN unless positive definite
        return solve_vector(factor, rest)

    def one_pass(carry: _Carry) -> _Carry:
        x, side = carry.x, carry.side
        gradient, hessian = derivatives(x, carry.dropped)
        direction = aim(x, side, gradient, hessian)
        definite = jnp.all(jnp.isfinite(direction))
        direction = jnp.where(definite, direction, 0.0)
        pinned = side != 0
        centred = (
            direction - jnp.mean(direction) - jnp.mean(x)
        )  # the mean of x + d is 0 when nothing is pinned
        direction = jnp.where(jnp.any(pinned), direction, centred)
        bend = hessian @ direction
        guess = _corrected(side, x + direction, gradient + bend, jnp.diag(hessian), half, PINNING * unit)
        wrong = guess != side
        count = jnp.sum(wrong)
        settled = definite & (count == 0)

        h = scale * (jnp.max(direction) - jnp.min(direction))
        damped = (h > FULL_STEP) if (loss.damped or bonus) else jnp.asarray(False)
        length = jnp.where(damped, jnp.log1p(h) / jnp.where(damped, h, 1.0), 1.0)
        accepted = jnp.asarray(True)
        if bonus:
            length, accepted = choose_length(x, direction, gradient @ direction, length, carry.dropped)
        small = jnp.max(jnp.abs(direction)) <= TOLERANCE * unit
        decrement = jnp.sqrt(jnp.maximum(direction @ bend, 0.0))
        certified = CONTRACTION * h * decrement <= TOLERANCE * unit * jnp.sqrt(ridge)
        if not loss.damped:
            certified = certified | (mass == 0.0)  # a quadratic is its own model
        done = small | (~damped & jnp.where(mass > 0.0, ~carry.dropped & (h <= SMALL_STEP), certified))
        moves = settled & accepted
        arrived = jnp.where(small & (mass > 0.0), x, jnp.clip(x + length * direction, -half, half))

        fewer = count < carry.fewest
        together = fewer | (carry.patience > 0)
        last = jnp.arange(size) == size - 1 - jnp.argmax(wrong[::-1])
        lost = (mass > 0.0) & (carry.patience < -2 * size)  # no guess need ever fit an indefinite Hessian
        drops = ~carry.dropped & (~definite | (settled & ~accepted) | lost)
        afresh = moves | drops
        return _Carry(
            x=jnp.where(moves, arrived, x),
            side=jnp.where(definite & (together | last), guess, side),
            dropped=jnp.where(moves, False, carry.dropped | drops),
            fewest=jnp.where(afresh, size + 1, jnp.minimum(count, carry.fewest)),
            patience=jnp.where(afresh | fewer, PATIENCE, carry.patience - 1),
            done=moves & done,
            passes=carry.passes + 1,
        )

    def choose_length(x: Any, direction: Any, slope: Any, guaranteed: Any, dropped: Any) -> tuple[Any, Any]:
        lengths = jnp.stack([*(jnp.asarray(length) for length in LONGER_STEPS), guaranteed])
        here = objective_value(loss, problem, x)
        there = jax.vmap(lambda length: objective_value(loss, problem, x + length * direction))(lengths)
        decreases = there <= here + ARMIJO * lengths * slope
        longer = jnp.where(mass < 0.0, decreases & (lengths > guaranteed), False)
        length = jnp.where(jnp.any(longer), lengths[jnp.argmax(longer)], guaranteed)
        drowned = jnp.abs(slope) <= noise + ROUNDING * jnp.abs(here)  # too little to be seen in the objective
        return length, (mass <= 0.0) | dropped | drowned | (decreases[-1] & (slope < 0.0))

    carry = _Carry(start, side, jnp.asarray(False), size + 1, PATIENCE, jnp.asarray(False), 0)
    carry = jax.lax.while_loop(lambda c: ~c.done & (c.passes < MAX_PASSES), one_pass, carry)
    return carry.x, carry.side, carry.done


def _corrected(side: Any, target: Any, force: Any, stiffness: Any, half: Any, slack: Any) -> Any:
    """Return a better guess of the sides: pin what leaves the box, release what is pushed inwards."""
    out = jnp.where(target > half + slack, 1, jnp.where(target < -half - slack, -1, 0))
    held = jnp.where(side * force > slack * stiffness, 0, side)
    return jnp.where(side == 0, out, held).astype(side.dtype)
