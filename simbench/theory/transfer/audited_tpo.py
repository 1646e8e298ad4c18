"""TPO watched round by round: what each round of TPS cost, and what the theory of its choice allows it to.

With N_w the pulls of source w before the round, L = log(2MW/delta), c the scale of the bonus, c_R = 2 + e^R + e^{-R},

    b_w  = c_R sqrt(2 L / N_w),                                                    +inf for N_w = 0
    e    = c_R sqrt((2 + p) Cov(pi*|pibar_n) log(2M/delta) / n)                    +inf before the first label
    m    = min{ e,  min_w Delta_w + (1 - c)_+ b_w },       Delta_w = J(pi*) - J(pi_w)

pibar_n is the mean of the n slot-1 policies that gave the labels of pi_OFF's version space, of width p log(2M/delta);
n is the number of labels when pi_OFF was last renewed. The gap of what TPS chooses is at most

    m                  of pi_OFF,             m + (1 + c) b_w             of source w.

`Audited` keeps the largest share of this bound that a round used, the pulls of sources that m already tells from the
best, and the sums over rounds that bound the regret. c and a mistake in the counts are data of a run, so that one
compiled program plays all variants of a world. Source: simbench, on huang2025, Algorithms 1 and 2.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.learners.confidence.confidence_set import Confidence, source_log_policies
from simbench.learners.confidence.version_space import (
    VersionSpace,
    reward_constant,
    source_bonus,
    version_threshold,
)
from simbench.learners.protocols.round import Comparison, Reducer, RoundLearner
from simbench.learners.transfer.tpo import TPO, TPOState


class VariedLikelihoods(NamedTuple):
    """`Likelihoods`, and what is varied between runs of one program."""

    loss: Any
    source_values: Any
    bonus_scale: Any  # c, in (0, 1]
    displaced: Any  # V_opt(w) reads the count of source w - displaced


class VariedSpace(VersionSpace):
    """A version space that finds c, and the mistake in the counts, in its data."""

    def start(self, world: Bandit) -> Any:
        """No labels, c = 1, no mistake."""
        loss, source_values = super().start(world)
        return VariedLikelihoods(loss, source_values, jnp.asarray(1.0), jnp.asarray(0))

    def optimistic(self, data: Any, world: Bandit, pulls: Any) -> Any:
        """c / sqrt(N) is 1 / sqrt(N / c^2)."""
        return super().optimistic(data, world, jnp.roll(pulls, data.displaced) / data.bonus_scale**2)


class VariedTPO(TPO):
    """TPO with the version space above."""

    def confidence(self) -> Confidence[Any]:
        """Return what is kept of D."""
        return VariedSpace(delta=self.delta, pessimism_scale=self.pessimism_scale)


class AuditedState(NamedTuple):
    """One run."""

    play: TPOState
    source_gaps: Any  # [W] Delta_w
    log_optimal: Any  # [S, A]
    policy_sum: Any  # [S, A] of slot 1
    labels: Any
    error: Any  # e
    truth_loss: Any  # negative log-likelihood of r*
    truth_behind: Any  # most that r* was behind the likeliest, in widths of the version space
    share: Any  # largest gap / bound
    late_pulls: Any  # [W] pulls while Delta_w > 2 m
    late_share: Any  # largest late_pulls / (1 + 8 (1 + c)^2 c_R^2 L / Delta_w^2)
    regret: Any  # of TPS
    allowed: Any  # sum of m over rounds of TPS, without the first pull of a source


@dataclasses.dataclass(frozen=True)
class Audited(RoundLearner[AuditedState]):
    """TPO and its audit.

    Args:
        learner: what is watched.
    """

    learner: VariedTPO

    def named_diagnostics(self, world: Bandit) -> dict[str, Reducer]:
        """All are running totals or maxima already; `late_share` is relative to its own bound."""
        names = ("share", "late_share", "regret_tps", "allowed", "pulls", "truth_behind")
        return dict.fromkeys(names, "last")

    def init(self, world: Bandit) -> AuditedState:
        """No labels."""
        gaps = jax.vmap(lambda log_policy: q.value_gap(world, log_policy))(source_log_policies(world))
        zero = jnp.asarray(0.0)
        return AuditedState(
            play=self.learner.init(world),
            source_gaps=gaps,
            log_optimal=q.log_optimal(world),
            policy_sum=jnp.zeros(world.log_ref.shape),
            labels=zero,
            error=jnp.asarray(jnp.inf),
            truth_loss=zero,
            truth_behind=zero,
            share=zero,
            late_pulls=jnp.zeros(gaps.shape),
            late_share=zero,
            regret=zero,
            allowed=zero,
        )

    def act(self, state: AuditedState, world: Bandit) -> tuple[Any, Any]:
        """What TPO plays."""
        return self.learner.act(state.play, world)

    def policy(self, state: AuditedState, world: Bandit) -> Any:
        """What TPO is charged."""
        return self.learner.policy(state.play, world)

    def deployed(self, state: AuditedState, world: Bandit) -> Any:
        """What TPO hands out."""
        return self.learner.deployed(state.play, world)

    def observe(self, state: AuditedState, world: Bandit, comparison: Comparison) -> AuditedState:
        """Hold the round against its bound, then let TPO learn from it."""
        state = self._charged(state, world)
        play = self.learner.observe(state.play, world, comparison)
        rewards = jnp.asarray(world.reward)[comparison.prompt]
        u = rewards[comparison.first] - rewards[comparison.second]
        truth_loss = state.truth_loss + jax.nn.softplus(jnp.where(comparison.first_won, -u, u))
        labels = state.labels + 1.0
        width = version_threshold(world, self.learner.delta)
        doubt = self.learner.pessimism_scale
        covered = world.rho[:, None] * jnp.exp(2.0 * state.log_optimal) / state.policy_sum
        coverage = labels * jnp.sum(jnp.where(jnp.isfinite(state.log_optimal), covered, 0.0))
        error = reward_constant(world) * jnp.sqrt((2.0 + doubt) * coverage * width / labels)
        behind = (truth_loss - jnp.min(play.data.loss)) / (doubt * width)
        return state._replace(
            play=play,
            labels=labels,
            error=jnp.where(self.learner.schedule().refits(comparison.round), error, state.error),
            truth_loss=truth_loss,
            truth_behind=jnp.maximum(state.truth_behind, behind),
        )

    def _charged(self, state: AuditedState, world: Bandit) -> AuditedState:
        """Return the state with the accounts of the policy that is played now."""
        play, scale = state.play, state.play.data.bonus_scale
        sources = play.pulls.shape[0]
        width = source_bonus(world, self.learner.delta) / jnp.sqrt(play.pulls)  # b_w
        doubt = jnp.where(scale < 1.0, (1.0 - scale) * width, 0.0)
        allowed = jnp.minimum(state.error, jnp.min(state.source_gaps + doubt, initial=jnp.inf))
        price = jnp.append((1.0 + scale) * width, 0.0)[play.chosen]
        tps = play.chosen >= 0
        policy = jnp.exp(play.log_first)
        ratio = jnp.where(policy > 0.0, play.log_first - state.log_optimal, 0.0)
        gap = world.beta * jnp.sum(world.rho[:, None] * policy * ratio)
        share = jnp.where(tps, gap / (allowed + price), 0.0)
        pulled = jnp.arange(sources) == play.chosen
        late_pulls = state.late_pulls + (pulled & (state.source_gaps > 2.0 * allowed))
        once = source_bonus(world, self.learner.delta)
        late_allowed = 1.0 + jnp.square(2.0 * (1.0 + scale) * once / state.source_gaps)
        return state._replace(
            policy_sum=state.policy_sum + policy,
            share=jnp.maximum(state.share, share),
            late_pulls=late_pulls,
            late_share=jnp.max(late_pulls / late_allowed, initial=0.0),
            regret=state.regret + jnp.where(tps, gap, 0.0),
            allowed=state.allowed + jnp.where(tps & jnp.isfinite(price), allowed, 0.0),
        )

    def diagnose(self, state: AuditedState) -> dict[str, Any]:
        """Report the audit so far."""
        return {
            "share": state.share,
            "late_share": state.late_share,
            "regret_tps": state.regret,
            "allowed": state.allowed,
            "pulls": jnp.sum(state.play.pulls, axis=-1),
            "truth_behind": state.truth_behind,
        }


def varied(states: AuditedState, bonus_scale: Any, displaced: Any) -> AuditedState:
    """Return states before round 0, of many runs, with a c and a displacement of the counts for each run."""
    data = states.play.data._replace(bonus_scale=jnp.asarray(bonus_scale), displaced=jnp.asarray(displaced))
    return states._replace(play=states.play._replace(data=data))
