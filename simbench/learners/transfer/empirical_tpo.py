"""Empirical TPO: transfer by choosing, prompt by prompt, which source helps to find better responses.

    pi = ref;   in each of K iterations:
        for each of N prompts:   an arm, a source or none (annotation/arms.py), by its wins so far in this iteration
                                 eight responses, four of them through the arm's source (annotation/responses.py)
                                 the pair (best, worst) by r* enters the training set
                                 the arm's source has won if the best response is one of its four
        pi = preference optimisation of the pairs, from the previous pi (annotation/optimiser.py)

The comparator improves with pi: a source is used until pi beats it, then the null arm is the better one. The algorithm
reads rewards and sources through their orders alone. Every label is charged with the gap of the pi of its iteration.

`against` plays baselines beside the learner, on the same tape: the same learner with other arms. Then
`win_rate_against_<arms>` is the rate at which the learner's policy beats the baseline's of the same iteration.

Source: huang2025, Algorithm 3 and Section 6; where the released program differs from the paper, see the parameters.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.fitting.limits import Ridge
from simbench.learners.function_classes import named_class
from simbench.learners.protocols.collecting import CollectingLearner
from simbench.learners.transfer.annotation.arms import (
    Arms,
    Tally,
    allowed_arms,
    arms_name,
    number_of_sources,
    require_arms,
)
from simbench.learners.transfer.annotation.collection import Collecting, Pairs, collect_pairs
from simbench.learners.transfer.annotation.optimiser import objective, optimise
from simbench.learners.transfer.annotation.responses import FROM_SOURCE, draws_from
from simbench.quantities import win_rate
from simbench.registry import Count, Finite, NonNegative, Positive, Probability, parameters, register


class Team(NamedTuple):
    """The learner (first) and the baselines beside it, P in all, after an iteration.

    log_policy: `[P, S, A]`. allowed, pulls: `[P, W + 1]`, pulls of the last iteration. skipped, unsolved: `[P]`,
    pairs of equal responses, and whether the fit missed its stopping rule. win_rates: `[P]`, of the learner.
    """

    log_policy: Any
    allowed: Any
    pulls: Any
    skipped: Any
    unsolved: Any
    win_rates: Any


class TeamPairs(NamedTuple):
    """The pairs `[P, ...]` of an iteration and the tallies `[P, W + 1]` of the arms."""

    pairs: Pairs
    tally: Tally


@register("learner", "empirical_tpo")
@parameters
class EmpiricalTPO(CollectingLearner[Team, TeamPairs]):
    """Transfer policy optimisation in its practical form.

    Args:
        prompts: N, prompts in an iteration; each is one label (10 000 in the paper).
        arms: "all" sources and the null arm; "none" of the sources; the "best" or the "worst" source alone, by value
            gap; or the source of this index alone.
        against: choices of arms, each a baseline that is played beside the learner and reported against.
        optimiser: what trains the policy on the pairs.
        reference: what it is regularised towards: the "previous" policy (released program: the reference model is
            loaded afresh from the last iteration), or ref itself, "kept".
        null_reward: what the null arm is paid: 0.5, the win rate of a policy against itself (paper), or more, to raise
            the bar for sources (released program: 0.55).
        exploration: c of the bonus c / sqrt(n) (1 in both).
        refresh: prompts between two renewals of the arm (50 in both).
        source_policy: "best_of" for the best four of `source_samples` draws by the source's reward (both), or "exact"
            for draws from the source's Gibbs policy, which the theory has.
        source_samples: draws that a source ranks (32 in both).
        alpha: XPO's weight per prompt (nats); the released program has the other sign, negative here.
        model, ridge, radius: the class of rewards beta log(pi / reference) and its regulariser, as for `offline_mle`.
    """

    prompts: Count = 3000
    arms: Arms = "all"
    against: tuple[Arms, ...] = ()
    optimiser: Literal["dpo", "ipo", "xpo"] = "dpo"
    reference: Literal["previous", "kept"] = "previous"
    null_reward: Probability = 0.5
    exploration: NonNegative = 1.0
    refresh: Count = 50
    source_policy: Literal["best_of", "exact"] = "best_of"
    source_samples: Count = 32
    alpha: Finite = 1e-3
    model: Literal["tabular", "box", "linear"] = "tabular"
    ridge: Ridge = 1.0
    radius: Positive = 10.0

    diagnostics = ("unsolved_fits", "skipped_pairs")

    def __post_init__(self) -> None:
        """Refuse too few draws to choose from, and a baseline that is named twice."""
        if self.source_samples < FROM_SOURCE:
            raise SimbenchError(
                f"source_samples is {self.source_samples}; a source contributes its best {FROM_SOURCE}."
            )
        if len(set(self.against)) < len(self.against):
            raise SimbenchError(f"against is {list(self.against)}; a baseline is named once.")

    def check(self, world: Bandit) -> None:
        """Refuse a world without a reward, the sources that are named, or what the class of rewards needs."""
        world.rewarded("empirical_tpo")
        for arms in self._team:
            require_arms(world, arms)
        self._function_class().check(world)

    def named_diagnostics(self, world: Bandit) -> tuple[str, ...]:
        """Pulls of every arm in the last iteration, and the win rate against every baseline."""
        pulls = [f"pulls_source_{w}" for w in range(number_of_sources(world))]
        against = [f"win_rate_against_{arms_name(arms)}" for arms in self.against]
        return (*self.diagnostics, *pulls, "pulls_null", *against)

    def iteration_ends(self, labels: int) -> np.ndarray:
        """Every N prompts, and at the end."""
        return np.append(np.arange(self.prompts, labels, self.prompts), labels)

    def init(self, world: Bandit) -> Team:
        """All policies are ref."""
        team = self._team
        allowed = jnp.stack([allowed_arms(world, arms) for arms in team])
        return Team(
            log_policy=jnp.broadcast_to(jnp.asarray(world.log_ref), (len(team), *world.log_ref.shape)),
            allowed=allowed,
            pulls=jnp.zeros(allowed.shape),
            skipped=jnp.zeros(len(team)),
            unsolved=jnp.zeros(len(team)),
            win_rates=jnp.full(len(team), 0.5),
        )

    def act(self, state: Team, world: Bandit) -> tuple[Any, Any]:
        """The policy that is being trained, in both slots."""
        return state.log_policy[0], state.log_policy[0]

    def collect(self, state: Team, world: Bandit, key: tuple[Any, Any], start: Any, labels: Any) -> TeamPairs:
        """Gather the pairs of an iteration, of the learner and its baselines on one tape."""
        how = Collecting(self.exploration, self.refresh, self.source_samples, self.null_reward)
        chunks = -(-self.prompts // self.refresh)

        def one(log_policy: Any, allowed: Any) -> TeamPairs:
            draws = draws_from(world, log_policy, self.source_policy)
            return TeamPairs(*collect_pairs(world, how, draws, allowed, key, start, labels, chunks))

        return jax.vmap(one)(state.log_policy, state.allowed)

    def observe(self, state: Team, world: Bandit, data: TeamPairs) -> Team:
        """Train every policy on its own pairs."""
        function_class, goal = self._function_class(), objective(self.optimiser, self.alpha)

        def one(log_policy: Any, pairs: Pairs) -> tuple[Any, Any]:
            log_base = log_policy if self.reference == "previous" else jnp.asarray(world.log_ref)
            return optimise(world, function_class, goal, log_base, pairs)

        log_policy, solved = jax.vmap(one)(state.log_policy, data.pairs)
        return Team(
            log_policy=log_policy,
            allowed=state.allowed,
            pulls=data.tally.pulls,
            skipped=jnp.sum(data.pairs.counted & ~data.pairs.kept, axis=1).astype(jnp.float64),
            unsolved=(~solved).astype(jnp.float64),
            win_rates=jax.vmap(lambda rival: win_rate(world, log_policy[0], rival))(log_policy),
        )

    def policy(self, state: Team, world: Bandit) -> Any:
        """The policy that is being trained."""
        return state.log_policy[0]

    def diagnose(self, state: Team) -> dict[str, Any]:
        """Report the arms, the baselines, and fits that missed their stopping rule."""
        pulls = {f"pulls_source_{w}": state.pulls[0, w] for w in range(state.pulls.shape[1] - 1)}
        against = {
            f"win_rate_against_{arms_name(arms)}": state.win_rates[self._team.index(arms)]
            for arms in self.against
        }
        return {
            "unsolved_fits": jnp.sum(state.unsolved),
            "skipped_pairs": state.skipped[0],
            **pulls,
            "pulls_null": state.pulls[0, -1],
            **against,
        }

    @property
    def _team(self) -> tuple[str | int, ...]:
        # A baseline with the learner's own arms is the learner.
        return (self.arms, *(arms for arms in self.against if arms != self.arms))

    def _function_class(self) -> Any:
        return named_class(self.model, ridge=self.ridge, radius=self.radius)
