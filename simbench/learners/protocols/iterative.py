"""What an iterative method is: steps of an optimiser, where the optimiser is the phenomenon or nothing is learned.

Solvers of a known game, gradients of a loss over a fixed data set, policy gradient on a given reward. From
state_0 = init(world, key), step i = 0, 1, ... is

    state_{i+1} = step(state_i, world, key, i)

and `policy(state, world)` is what would be deployed. The engine (simbench.engine.steps) scans over steps, vmaps over
runs, and measures at checkpoints only: a `round` of the result is a step. What a step draws is on the tape at
(i, slot), data that are fixed before the first step at (number of the label, slot); so a run is resumed, repeated and
compared like any other. Labels are a column of their own: `labels(steps)` says how many have been paid.

A method is written in JAX, for one run; `i` is traced. One that draws nothing is the same in every run, and is one run.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from simbench.bandit import Bandit

State = TypeVar("State")


class IterativeMethod(ABC, Generic[State]):
    """An optimiser or a solver. Subclasses are records of parameters (`@parameters`) and hold no data themselves.

    `draws` says whether anything is read from the tape; `averages` whether the mean of the policies stepped from,
    (1/n) sum_{i<n} pi_i, is measured too (a parameter may say so); `payoff` in which game exploitability is reported,
    "log_odds", "preference", or None where it is not; `diagnostics` names numbers of the state at checkpoints.
    """

    draws: ClassVar[bool] = True
    diagnostics: ClassVar[tuple[str, ...]] = ()

    @property
    def averages(self) -> bool:
        """Whether the mean policy is measured."""
        return False

    def named_diagnostics(self, world: Bandit) -> tuple[str, ...]:
        """Return the names that `diagnose` reports in `world`; `diagnostics`, unless the world has a say in them."""
        return self.diagnostics

    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` when `world` lacks what the method needs; called before anything is drawn."""

    def labels(self, steps: int) -> int:
        """Return how many labels have been paid after `steps` >= 1 steps; none, unless the method says so."""
        return 0

    @abstractmethod
    def init(self, world: Bandit, key: tuple[Any, Any]) -> State:
        """Return the state before step 0: a pytree of arrays whose shapes never change. `key` is the run's."""

    @abstractmethod
    def step(self, state: State, world: Bandit, key: tuple[Any, Any], i: Any) -> State:
        """Return the state after step `i`, int64, from 0."""

    @abstractmethod
    def policy(self, state: State, world: Bandit) -> Any:
        """Return the log-policy `[S, A]` that would be deployed now."""

    def diagnose(self, state: State) -> dict[str, Any]:
        """Return one scalar per name in `named_diagnostics`."""
        return {}
