"""Confidence in a finite class: the rewards whose likelihood is within a ratio of the best.

With M hypotheses, n labels, l_m the negative log-likelihood of r^m (a sum), lmin the least, and error rate delta,

    CS    = {m : l_m - lmin <= log(2M/delta)},                            r* in CS with probability 1 - delta / 2
    V_opt = E_{pi_w - ref} rhat - beta KL(pi_w||ref) + c c_R sqrt(2 log(2MW/delta) / N_w),   c_R = 2 + e^R + e^{-R}
    V_pes = max_m min_{m' in CS} { E_{pi_m - ref} r^{m'} - beta KL(pi_m||ref) },                 pi_m = G(r^m)

rhat is the first maximiser of the likelihood, N_w the number of labels whose slot 1 was pi_w, c the `bonus_scale`. pi
ranges over the class and is enumerated: max and min do not swap here, the class is not convex. `pessimism_scale` (p)
multiplies the threshold.

In place of the hard set, pessimism = "rpo" charges a hypothesis for being unlikely, as RPO's inner minimum does, and
takes off what r* may be charged, without which that minimum is no lower bound:

    min_{m'} { E_{pi - ref} r^{m'} - beta KL + (l_{m'} - lmin) / (n eta_n) } - p log(2M/delta) / (n eta_n),
    eta_n = eta sqrt(log(2M/delta) / n) / (1 + e^R)^2

Source: huang2025, Algorithm 2; liu2024 (RPO); constants: simbench.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.confidence.confidence_set import (
    Confidence,
    Pessimistic,
    relative_to_ref,
    source_log_policies,
)
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.samplers import normalised
from simbench.learners.protocols.round import Comparison
from simbench.quantities.values.value import TIE
from simbench.registry import NonNegative, Positive, parameters

Pessimism = Literal["version_space", "rpo"]


class Likelihoods(NamedTuple):
    """The negative log-likelihood of each hypothesis `[M]`, and what each says of each source `[W, M]`."""

    loss: Any
    source_values: Any  # E_{pi_w - ref} r^m - beta KL(pi_w || ref)


@parameters
class VersionSpace(Confidence[Likelihoods]):
    """The finite class of the world, by likelihood ratios.

    Args:
        delta: error rate, in (0, 1).
        bonus_scale: multiplies the bonus of a source; 1 is the theory's.
        pessimism_scale: multiplies the threshold of the version space; 1 is the theory's.
        pessimism: the hard set, or RPO's penalty.
        eta: multiplies RPO's weight of the value against the mean likelihood.
    """

    delta: Positive = 0.1
    bonus_scale: NonNegative = 1.0
    pessimism_scale: NonNegative = 1.0
    pessimism: Pessimism = "version_space"
    eta: Positive = 1.0

    enumerates = True

    def check(self, world: Bandit) -> None:
        """Refuse a world without a class."""
        Finite().check(world)

    def start(self, world: Bandit) -> Likelihoods:
        """No labels."""
        reward_class = jnp.asarray(world.reward_class)
        difference, cost = relative_to_ref(world, source_log_policies(world))
        values = jnp.einsum("wsa,msa->wm", difference, reward_class) - cost[:, None]
        return Likelihoods(loss=jnp.zeros(reward_class.shape[0]), source_values=values)

    def prior(self, data: Likelihoods, world: Bandit) -> Pessimistic:
        """Every hypothesis is possible."""
        return self.pessimistic(data, world, jnp.asarray(0))

    def record(self, data: Likelihoods, world: Bandit, comparison: Comparison) -> Likelihoods:
        """Charge the label to every hypothesis."""
        rewards = jnp.asarray(world.reward_class)[:, comparison.prompt, :]
        u = rewards[:, comparison.first] - rewards[:, comparison.second]
        u = jnp.where(comparison.first_won, u, -u)
        return data._replace(loss=data.loss + jax.nn.softplus(-u))

    def optimistic(self, data: Likelihoods, world: Bandit, pulls: Any) -> Any:
        """The likeliest hypothesis' value, and the bonus."""
        likeliest = jnp.argmax(data.loss <= jnp.min(data.loss) + TIE)
        bonus = self.bonus_scale * source_bonus(world, self.delta) / jnp.sqrt(jnp.maximum(pulls, 1.0))
        return jnp.where(pulls > 0, data.source_values[:, likeliest] + bonus, jnp.inf)

    def pessimistic(self, data: Likelihoods, world: Bandit, labels: Any) -> Pessimistic:
        """Enumerate policies and possible rewards."""
        reward_class = jnp.asarray(world.reward_class)
        log_policies = normalised(jnp.asarray(world.log_ref) + reward_class / world.beta)
        difference, cost = relative_to_ref(world, log_policies)
        values = jnp.einsum("psa,rsa->rp", difference, reward_class) - cost
        charge, allowance = self._charges(data.loss - jnp.min(data.loss), world, labels)
        worst = jnp.min(values + charge[:, None], axis=0) - allowance
        best = jnp.argmax(worst >= jnp.max(worst) - TIE)
        return Pessimistic(log_policies[best], worst[best], jnp.asarray(0.0))

    def _charges(self, excess: Any, world: Bandit, labels: Any) -> tuple[Any, Any]:
        """Return what each hypothesis is charged for its excess loss `[M]`, and what is taken off in the end."""
        threshold = self.pessimism_scale * version_threshold(world, self.delta)
        if self.pessimism == "version_space":
            return jnp.where(excess <= threshold, 0.0, jnp.inf), 0.0
        weight = labels * rpo_weight(world, self.delta, self.eta, labels)
        none = labels == 0
        weight = jnp.where(none, 1.0, weight)
        return jnp.where(none, 0.0, excess / weight), jnp.where(none, 0.0, threshold / weight)


def reward_constant(world: Bandit) -> Any:
    """Return c_R = 2 + e^R + e^{-R}: |D_a - D_b| <= c_R |P_r - P_r*| for rewards in [0, R]."""
    return 2.0 + jnp.exp(world.reward_bound) + jnp.exp(-world.reward_bound)


def version_threshold(world: Bandit, delta: float) -> Any:
    """Return log(2M/delta)."""
    return jnp.log(2.0 * world.reward_class.shape[0] / delta)


def source_bonus(world: Bandit, delta: float) -> Any:
    """Return c_R sqrt(2 log(2MW/delta)), what a source played once is given; 0 without sources."""
    sources = 0 if world.sources is None else world.sources.shape[0]
    if sources == 0:
        return 0.0
    return reward_constant(world) * jnp.sqrt(2.0 * (version_threshold(world, delta) + jnp.log(sources)))


def rpo_weight(world: Bandit, delta: float, eta: float, labels: Any) -> Any:
    """Return eta_n = eta sqrt(log(2M/delta) / n) / (1 + e^R)^2."""
    ratio = version_threshold(world, delta) / jnp.maximum(labels, 1)
    return eta * jnp.sqrt(ratio) / (1.0 + jnp.exp(world.reward_bound)) ** 2
