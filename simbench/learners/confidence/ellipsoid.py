"""Confidence in the log-linear and the tabular class: the ellipsoid around the regularised likelihood's minimiser.

With phi the world's features and r = phi theta, ||theta|| <= B (linear), or one feature per cell, theta = r in
[0, R]^{S A} (tabular); z = phi(s, winner) - phi(s, loser) of every label so far, 0 for a self-pair; error rate delta:

    V        = lam I + sum z z'
    D        = B max ||phi(s, a) - phi(s, b)||  (linear),   R  (tabular):   no reward difference is larger
    gamma    = 1 / (2 + e^D + e^-D), the least slope of sigma on [-D, D]
    thetahat = argmin over the class of   NLL + (gamma lam / 2) ||theta - theta0||^2,       theta0 = 0  or  R/2
    bet_1    = sqrt(log det(V / lam) + 2 log(1/delta)) / (2 gamma) + sqrt(lam) B0,          B0 = B  or  (R/2) sqrt(S A)

With probability 1 - delta, ||thetahat - theta*||_V <= bet_1 after every label. With x_w = E_{pi_w} phi - E_ref phi,

    V_opt(w) = <thetahat, x_w> - beta KL(pi_w || ref) + c bet_1 ||x_w||_{V^-1}
    V_pes    = max over all policies of  <thetahat, x> - p bet_1 ||x||_{V^-1} - beta KL      (worst_reward.py)

c is the `bonus_scale`, p the `pessimism_scale`. 1/gamma grows like e^D: the theory's constants, c = p = 1, are honest
and large. thetahat and V follow every label: in the tabular class only the label's prompt is fitted again, and V is
kept by its blocks, one per prompt.
Source: xiong2023, Algorithm 1; huang2025, Algorithm 2; constants: simbench.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.confidence.confidence_set import (
    Confidence,
    Pessimistic,
    relative_to_ref,
    source_log_policies,
)
from simbench.learners.confidence.worst_reward import Groups, worst_reward
from simbench.learners.parts.bonuses import NoBonus
from simbench.learners.parts.box import RowProblem, fit_row
from simbench.learners.parts.cholesky import factorise, forward
from simbench.learners.parts.linear import Linear, LinearProblem, fit_theta
from simbench.learners.parts.losses import Logistic
from simbench.learners.parts.samplers import normalised
from simbench.learners.protocols.round import Comparison
from simbench.registry import NonNegative, Positive, parameters


class Estimate(NamedTuple):
    """Wins `[S, A, A]`, V by blocks `[G, k, k]`, thetahat `[G, k]`, what its fit keeps, whether it is unsolved."""

    wins: Any
    information: Any
    theta: Any
    memory: Any  # the multiplier of the ball (linear), or the sides of the box `[S, A]` (tabular)
    unsolved: Any


@parameters
class Ellipsoid(Confidence[Estimate]):
    """The log-linear class in a ball, or the tabular class in the box, by the norm of the information matrix.

    Args:
        model: "linear", in the world's features, or "tabular".
        regularisation: lam of V; gamma lam is the ridge of the estimate.
        radius: B of the ball of the linear class.
        delta: error rate, in (0, 1).
        bonus_scale: multiplies the bonus of a source; 1 is the theory's.
        pessimism_scale: multiplies the ellipsoid's radius under pessimism; 1 is the theory's.
    """

    model: Literal["linear", "tabular"] = "linear"
    regularisation: Positive = 1.0
    radius: Positive = 10.0
    delta: Positive = 0.1
    bonus_scale: NonNegative = 1.0
    pessimism_scale: NonNegative = 1.0

    def check(self, world: Bandit) -> None:
        """Refuse a world without features for the linear class."""
        if self.model == "linear":
            Linear().check(world)

    def groups(self, world: Bandit) -> Groups:
        """Return the class by the blocks of V: all prompts together (linear), or each alone (tabular)."""
        prompts, responses = world.log_ref.shape
        if self.model == "linear":
            features, shape = jnp.asarray(world.features)[None], (1, prompts)
        else:
            eye, shape = jnp.eye(responses), (prompts, 1)
            features = jnp.broadcast_to(eye, (prompts, 1, responses, responses))
        return Groups(
            features=features,
            rho=jnp.asarray(world.rho).reshape(shape),
            log_ref=jnp.asarray(world.log_ref).reshape(*shape, responses),
            beta=world.beta,
        )

    def start(self, world: Bandit) -> Estimate:
        """No labels: theta0."""
        prompts, responses = world.log_ref.shape
        features = self.groups(world).features
        blocks, size = features.shape[0], features.shape[-1]
        linear = self.model == "linear"
        return Estimate(
            wins=jnp.zeros((prompts, responses, responses)),
            information=jnp.tile(self.regularisation * jnp.eye(size), (blocks, 1, 1)),
            theta=jnp.zeros((1, size)) if linear else jnp.full((blocks, size), world.reward_bound / 2.0),
            memory=jnp.asarray(0.0) if linear else jnp.zeros((prompts, responses), dtype=jnp.int32),
            unsolved=jnp.asarray(0.0),
        )

    def prior(self, data: Estimate, world: Bandit) -> Pessimistic:
        """theta0 is constant on every prompt, and possible: the reference."""
        return Pessimistic(jnp.asarray(world.log_ref), jnp.asarray(0.0), jnp.asarray(0.0))

    def record(self, data: Estimate, world: Bandit, comparison: Comparison) -> Estimate:
        """Count the label, add it to V, fit again."""
        s = comparison.prompt
        winner = jnp.where(comparison.first_won, comparison.first, comparison.second)
        loser = jnp.where(comparison.first_won, comparison.second, comparison.first)
        block, row = (0, s) if self.model == "linear" else (s, 0)
        features = self.groups(world).features[block, row]
        z = features[winner] - features[loser]
        data = data._replace(
            wins=data.wins.at[s, winner, loser].add(1.0),
            information=data.information.at[block].add(jnp.outer(z, z)),
        )
        return self._fit_ball(data, world) if self.model == "linear" else self._fit_box(data, world, s)

    def _fit_ball(self, data: Estimate, world: Bandit) -> Estimate:
        log_ref = jnp.asarray(world.log_ref)
        mass, credit = NoBonus().start(world)
        problem = LinearProblem(
            jnp.asarray(world.features), data.wins, mass, credit, log_ref, world.beta, self.ridge(world)
        )
        theta, multiplier, solved = fit_theta(
            Logistic(), False, problem, self.radius, data.theta[0], data.memory
        )
        return data._replace(theta=theta[None], memory=multiplier, unsolved=jnp.where(solved, 0.0, 1.0))

    def _fit_box(self, data: Estimate, world: Bandit, s: Any) -> Estimate:
        log_ref, half = jnp.asarray(world.log_ref), world.reward_bound / 2.0
        mass, credit = NoBonus().start(world)
        problem = RowProblem(data.wins[s], mass[s], credit[s], log_ref[s], world.beta, self.ridge(world))
        row, side, solved = fit_row(Logistic(), False, problem, half, data.theta[s] - half, data.memory[s])
        return data._replace(
            theta=data.theta.at[s].set(row + half),
            memory=data.memory.at[s].set(side),
            unsolved=jnp.where(solved, 0.0, 1.0),
        )

    def optimistic(self, data: Estimate, world: Bandit, pulls: Any) -> Any:
        """The estimate's value, and the bonus."""
        factor = factorise(data.information)
        x, cost = self.source_features(world)
        width = jnp.sqrt(jnp.sum(forward(factor, x) ** 2, axis=(0, 1)))
        estimate = jnp.einsum("gk,gkw->w", data.theta, x) - cost
        bonus = self.bonus_scale * self._radius(world, factor) * width
        return jnp.where(pulls > 0, estimate + bonus, jnp.inf)

    def source_features(self, world: Bandit) -> tuple[Any, Any]:
        """Return x_w `[G, k, W]` and beta KL(pi_w || ref) `[W]`."""
        groups = self.groups(world)
        difference, cost = relative_to_ref(world, source_log_policies(world))
        cells = difference.reshape(-1, *groups.log_ref.shape)
        return jnp.einsum("wgpa,gpak->gkw", cells, groups.features), cost

    def pessimistic(self, data: Estimate, world: Bandit, labels: Any) -> Pessimistic:
        """Look for the worst reward; the policy that is best against it."""
        groups, factor = self.groups(world), factorise(data.information)
        radius = self.pessimism_scale * self._radius(world, factor)
        worst = worst_reward(groups, data.theta, factor, radius)
        log_ref = jnp.asarray(world.log_ref)
        reward = jnp.einsum("gpak,gk->gpa", groups.features, worst.theta).reshape(log_ref.shape)
        return Pessimistic(
            log_policy=jnp.where(worst.is_reference, log_ref, normalised(log_ref + reward / world.beta)),
            value=worst.value,
            unsolved=jnp.where(worst.solved, 0.0, 1.0),
        )

    def unsolved(self, data: Estimate) -> Any:
        """The fit of thetahat after the last label."""
        return data.unsolved

    def least_slope(self, world: Bandit) -> Any:
        """Return gamma."""
        difference = world.reward_bound
        if self.model == "linear":
            features = jnp.asarray(world.features)
            pairs = features[:, :, None] - features[:, None]
            difference = self.radius * jnp.sqrt(jnp.max(jnp.sum(pairs**2, axis=-1)))
        return 1.0 / (2.0 + jnp.exp(difference) + jnp.exp(-difference))

    def ridge(self, world: Bandit) -> Any:
        """Return gamma lam, of the estimate."""
        return self.least_slope(world) * self.regularisation

    def _radius(self, world: Bandit, factor: Any) -> Any:
        """Return bet_1, of V = factor' factor."""
        diagonal = jnp.diagonal(factor, axis1=1, axis2=2) / jnp.sqrt(self.regularisation)
        log_det = 2.0 * jnp.sum(jnp.log(diagonal))
        chance = jnp.sqrt(log_det + 2.0 * jnp.log(1.0 / self.delta)) / (2.0 * self.least_slope(world))
        return chance + self.prior_radius(world)

    def prior_radius(self, world: Bandit) -> Any:
        """Return sqrt(lam) B0: how far theta* may be from theta0."""
        size = self.radius
        if self.model == "tabular":
            size = world.reward_bound / 2.0 * jnp.sqrt(1.0 * world.log_ref.size)
        return jnp.sqrt(self.regularisation) * size
