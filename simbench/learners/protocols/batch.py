"""What a batch learner is: it pays for labels in batches, and learns from their counts.

In iteration i = 0, 1, ... the engine (simbench.engine.batches) draws m_i labels under one pair of policies,

    s ~ rho_train,   a ~ first(.|s),   b ~ second(.|s),   y = 1{a beats b},     (first, second) = act(state, world)

charges each label with the exact gap of the *slot-1* policy, and hands the batch to `observe` as win counts:
wins[s, a, b] labels at prompt s preferred a to b, self-pairs on the diagonal. `policy` is what would be deployed after
that. An offline learner asks under the same pair every time, so that its batches are one growing data set.

A learner is written in JAX, for one run; the engine vmaps it over runs. Counts cost the same however many they are: a
learner whose steps are jitted functions of counts may have a billion labels. A learner that gathers data of its own
kind derives from `CollectingLearner` (collecting_protocol.py).
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from simbench.bandit import Bandit

State = TypeVar("State")


class BatchLearner(ABC, Generic[State]):
    """A learner of few iterations. Subclasses are records of parameters (`@parameters`) and hold no data themselves.

    `diagnostics` names numbers of the state that enter the result at every iteration.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ()

    def named_diagnostics(self, world: Bandit) -> tuple[str, ...]:
        """Return the names that `diagnose` reports in `world`; `diagnostics`, unless the world has a say in them."""
        return self.diagnostics

    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` when `world` lacks what the learner needs; called before anything is drawn."""

    @abstractmethod
    def init(self, world: Bandit) -> State:
        """Return the state before any data: a pytree of arrays whose shapes never change."""

    @abstractmethod
    def act(self, state: State, world: Bandit) -> tuple[Any, Any]:
        """Return the log-policies `[S, A]` from which slots 1 and 2 of the next batch are drawn."""

    @abstractmethod
    def observe(self, state: State, world: Bandit, wins: Any) -> State:
        """Return the state after one more batch with win counts `wins [S, A, A]`, float64."""

    @abstractmethod
    def policy(self, state: State, world: Bandit) -> Any:
        """Return the log-policy `[S, A]` that would be deployed now."""

    def diagnose(self, state: State) -> dict[str, Any]:
        """Return one scalar per name in `named_diagnostics`."""
        return {}
