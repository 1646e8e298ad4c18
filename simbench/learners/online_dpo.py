"""Online DPO in the tabular class: fit by Bradley-Terry maximum likelihood, play the Gibbs policy of the fit.

    rhat_t = argmin_r  - sum_{i < t} log sigmoid(r[s_i, winner_i] - r[s_i, loser_i]) + (ridge / 2) ||r||^2
    pi_t   = G(rhat_t) = ref exp(rhat_t / beta) / Z                                                     (pi_0 = ref)
    round t:   s ~ rho,   a ~ pi_t,   b ~ pi_t (second = "self") or b ~ ref (second = "reference")

In the tabular class DPO's policy parametrisation and the reward parametrisation have the same minimisers, so the fit
is solved in rewards, prompt by prompt: only the prompt that received a label changes. Sampling both responses from
pi_t is greedy sampling [wu2025]; a fresh comparator from ref is the scheme of [huang2025, Algorithm 1].
Source: xiong2024; guo2024 (online DPO); wu2025.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.learners.bradley_terry import fit_tabular_jax
from simbench.learners.protocol import Comparison, Kernel, RoundLearner
from simbench.registry import Positive, parameters, register


class OnlineDPOState(NamedTuple):
    """Win counts `[S, A, A]`, the fitted reward and its policy `[S, A]`, and whether the last fit was unsolved."""

    wins: Any
    reward: Any
    log_policy: Any
    unsolved: Any


@register("learner", "online_dpo")
@parameters
class OnlineDPO(RoundLearner[OnlineDPOState]):
    """Greedy online DPO: Gibbs policy of the solved Bradley-Terry fit, refitted after every label.

    Args:
        ridge: lambda of the penalty (lambda / 2) ||r||^2 per prompt (labels per squared reward unit).
        second: whom slot 2 samples, the policy itself ("self") or the reference ("reference").
    """

    ridge: Positive = 1.0
    second: Literal["self", "reference"] = "self"

    touches = "row"
    diagnostics = {"unsolved_fits": "sum"}  # noqa: RUF012 - a ClassVar of the base

    def init(self, world: Bandit) -> OnlineDPOState:
        """Start from no data: rhat = 0, so pi = ref."""
        cells = world.log_ref.shape
        return OnlineDPOState(
            wins=jnp.zeros((*cells, cells[-1])),
            reward=jnp.zeros(cells),
            log_policy=jnp.asarray(world.log_ref),
            unsolved=jnp.asarray(0.0),
        )

    def act(self, state: OnlineDPOState, world: Bandit) -> tuple[Any, Any]:
        """Slot 1 plays the fit's policy; slot 2 plays it too, or the reference."""
        return state.log_policy, state.log_policy if self.second == "self" else world.log_ref

    def observe(self, state: OnlineDPOState, world: Bandit, comparison: Comparison) -> OnlineDPOState:
        """Add the label to the counts and refit the prompt that received it."""
        s = comparison.prompt
        winner = jnp.where(comparison.first_won, comparison.first, comparison.second)
        loser = jnp.where(comparison.first_won, comparison.second, comparison.first)
        wins = state.wins.at[s, winner, loser].add(1.0)
        reward, solved = fit_tabular_jax(wins[s], state.reward[s], self.ridge)
        tilted = world.log_ref[s] + reward / world.beta
        top = jnp.max(tilted)
        row = tilted - (top + jnp.log(jnp.sum(jnp.exp(tilted - top))))
        return OnlineDPOState(
            wins=wins,
            reward=state.reward.at[s].set(reward),
            log_policy=state.log_policy.at[s].set(row),
            unsolved=jnp.where(solved, 0.0, 1.0),
        )

    def policy(self, state: OnlineDPOState, world: Bandit) -> Any:
        """The Gibbs policy of the current fit."""
        return state.log_policy

    def diagnose(self, state: OnlineDPOState) -> dict[str, Any]:
        """Report fits that did not meet the stopping rule; zero in a healthy run."""
        return {"unsolved_fits": state.unsolved}

    def kernel(self, world: Bandit) -> Kernel:
        """Return the numba form."""
        from simbench.learners.kernels import online_dpo

        return Kernel(
            module=online_dpo.__name__,
            state=online_dpo.start(
                log_ref=np.asarray(world.log_ref),
                beta=float(world.beta),
                ridge=self.ridge,
                self_sampling=self.second == "self",
            ),
        )
