"""A learner as a sentence of parts: what it fits, whom it samples, when it updates.

    class XPO(Sentence):
        alpha: NonNegative = 1e-3

        def parts(self):
            return Parts(
                model=Tabular(ridge=1.0), loss=Logistic(), bonus=ReferenceDraws(self.alpha),
                first=Own(), second=Reference(), schedule=EveryRound(),
            )

reads: fit tabular rewards by Bradley-Terry likelihood with XPO's optimism; play the Gibbs policy of the fit against the
reference; refit after every label. In round t,

    s ~ rho,  a ~ first(rhat_t),  b ~ second(rhat_t),  label   ->   data   ->   rhat_{t+1} if the schedule says so.

Before the first fit rhat = 0, so the policy is ref; while offline labels come in, both slots sample ref. Slot 1 is
charged. A sentence whose parts all have numba twins is compiled by numba; one with a part of your own runs on JAX.
"""

from abc import abstractmethod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.parts.bonuses import Bonus, NoBonus, ReferenceDraws
from simbench.learners.parts.function_class import FunctionClass, Objective, require_ridge
from simbench.learners.parts.losses import Logistic, Loss
from simbench.learners.parts.samplers import Own, Reference, Sampler, at, normalised
from simbench.learners.parts.schedules import EveryRound, Schedule
from simbench.learners.protocols.round import Comparison, Kernel, RoundLearner, Touches


class Parts(NamedTuple):
    """The parts of a sentence; all but the function class have a default."""

    model: FunctionClass[Any]
    loss: Loss = Logistic()
    bonus: Bonus = NoBonus()
    first: Sampler = Own()
    second: Sampler = Own()
    schedule: Schedule = EveryRound()

    @property
    def objective(self) -> Objective:
        """What the function class minimises."""
        return Objective(self.loss, self.bonus)

    def before_data(self, world: Bandit) -> tuple[Any, Any]:
        """Return the log-policies `[S, A]` of both slots before the first fit: of rhat = 0, or ref while offline."""
        log_ref = jnp.asarray(world.log_ref)
        if self.schedule.offline:
            return log_ref, log_ref
        nothing = jnp.zeros(log_ref.shape)
        return (
            self.first.log_policy(world, nothing, log_ref),
            self.second.log_policy(world, nothing, log_ref),
        )

    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` for parts that do not fit together or not this world."""
        self.model.check(world)
        require_ridge(self.model, self.objective)
        if isinstance(self.bonus, ReferenceDraws) and self.second != Reference():
            raise SimbenchError(
                f"a bonus on reference draws needs the reference in slot 2, not {self.second!r}."
            )


class SentenceState(NamedTuple):
    """Data and parameters of the fit, what the slots draw from `[S, A]`, and whether the last fit was unsolved."""

    data: Any
    log_first: Any
    log_second: Any
    unsolved: Any


class Sentence(RoundLearner[SentenceState]):
    """A learner made of parts. Subclasses are records of parameters and say `parts()`."""

    diagnostics = {"unsolved_fits": "sum"}  # noqa: RUF012 - a ClassVar of the base

    @abstractmethod
    def parts(self) -> Parts:
        """Return what the learner is made of."""

    @property
    def touches(self) -> Touches:  # type: ignore[override]
        """A label changes its own prompt's row when the class is row-local and every label is fitted."""
        parts = self.parts()
        local = parts.model.row_local and parts.schedule.every_round and not parts.schedule.offline
        return "row" if local else "all"

    def init(self, world: Bandit) -> SentenceState:
        """Start from no data: rhat = 0, so the own policy is ref."""
        parts = self.parts()
        parts.check(world)
        log_first, log_second = parts.before_data(world)
        return SentenceState(
            data=parts.model.start(world, parts.objective),
            log_first=log_first,
            log_second=log_second,
            unsolved=jnp.asarray(0.0),
        )

    def act(self, state: SentenceState, world: Bandit) -> tuple[Any, Any]:
        """Return what the two slots draw from."""
        return state.log_first, state.log_second

    def observe(self, state: SentenceState, world: Bandit, comparison: Comparison) -> SentenceState:
        """Record the label, and refit when the schedule says so."""
        parts = self.parts()
        data = parts.model.record(state.data, world, parts.objective, comparison)
        state = state._replace(data=data)
        if not parts.schedule.every_round:
            due = parts.schedule.refits(comparison.round)
            return jax.lax.cond(due, lambda: self._refit(state, world), lambda: _idle(state))
        prompt = comparison.prompt if parts.model.row_local else None
        if not parts.schedule.offline:
            return self._refit(state, world, prompt)
        # The round index is the same in all runs of a block, so these branches stay branches under vmap.
        return jax.lax.cond(
            comparison.round >= parts.schedule.offline,
            lambda: self._refit(state, world, prompt),
            lambda: jax.lax.cond(
                comparison.round + 1 == parts.schedule.offline,
                lambda: self._refit(state, world),
                lambda: _idle(state),
            ),
        )

    def _refit(self, state: SentenceState, world: Bandit, prompt: Any = None) -> SentenceState:
        parts = self.parts()
        data, reward, solved = parts.model.fit(state.data, world, parts.objective, prompt)
        log_own = normalised(at(world.log_ref, prompt) + reward / world.beta)
        log_first = parts.first.log_policy(world, reward, log_own, prompt)
        log_second = parts.second.log_policy(world, reward, log_own, prompt)
        return SentenceState(
            data=data,
            log_first=log_first if prompt is None else state.log_first.at[prompt].set(log_first),
            log_second=log_second if prompt is None else state.log_second.at[prompt].set(log_second),
            unsolved=jnp.where(solved, 0.0, 1.0),
        )

    def policy(self, state: SentenceState, world: Bandit) -> Any:
        """The policy of slot 1."""
        return state.log_first

    def diagnose(self, state: SentenceState) -> dict[str, Any]:
        """Report fits that did not meet the stopping rule; zero in a healthy run."""
        return {"unsolved_fits": state.unsolved}

    def kernel(self, world: Bandit) -> Kernel | None:
        """Return the numba form, if every part has one."""
        parts = self.parts()
        parts.check(world)
        return parts.model.kernel(world, parts)


def _idle(state: SentenceState) -> SentenceState:
    return state._replace(unsolved=jnp.asarray(0.0))
