"""What a learner fits: a class of rewards, with its data and its solver.

    rhat = argmin over r in the class of   sum_i loss(u_i) + extra(r) + regulariser(r)

A function class keeps sufficient statistics of the labels (win counts, or the objective of each hypothesis), records
a label, and solves. A class of your own derives from `FunctionClass`, in jax.numpy; it then runs on the JAX engine.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar, cast

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.fitting.limits import SMALLEST_RIDGE_ELSEWHERE
from simbench.learners.parts.bonuses import Bonus
from simbench.learners.parts.losses import Loss
from simbench.learners.protocols.round import Comparison, Kernel
from simbench.learners.protocols.twins import Twinned

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts

Data = TypeVar("Data")


class Objective(NamedTuple):
    """What is minimised besides the regulariser: a loss per label, and a bonus."""

    loss: Loss
    bonus: Bonus


class Counts(NamedTuple):
    """Labels in bulk, and the bonus that goes with them."""

    wins: Any  # [S, A, A] how often the first response beat the second
    mass: Any  # [S] m of the bonus
    credit: Any  # [S, A] c of the bonus


class FunctionClass(ABC, Generic[Data], Twinned):
    """A class of rewards. `row_local` says that a label at prompt s can change only the fit at s."""

    twin = "kernel"
    twinned = ("start", "record", "fit")

    row_local: ClassVar[bool] = False

    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` when the world lacks what the class needs."""

    def least_ridge(self, objective: Objective) -> float:
        """Return the smallest `ridge`, if the class has one, at which the fit of `objective` is right to 1e-9."""
        return SMALLEST_RIDGE_ELSEWHERE

    @abstractmethod
    def start(self, world: Bandit, objective: Objective) -> Data:
        """Return the state before any label: a pytree of arrays whose shapes never change."""

    @abstractmethod
    def record(self, data: Data, world: Bandit, objective: Objective, comparison: Comparison) -> Data:
        """Return the state with one more label, not yet fitted."""

    @abstractmethod
    def fit(
        self, data: Data, world: Bandit, objective: Objective, prompt: Any = None
    ) -> tuple[Data, Any, Any]:
        """Solve; return the state, the reward and whether the stopping rule was met.

        The reward is `[S, A]`; when `row_local` and a `prompt` is given, that prompt's row `[A]` after its fit.
        """

    def of_counts(self, data: Data, world: Bandit, objective: Objective, counts: Counts) -> Data:
        """Return the state after exactly the labels of `counts`, not yet fitted; a fit starts where that of `data` was.

        Raises `SimbenchError` for a class that only takes labels one by one.
        """
        raise SimbenchError(
            f"{type(self).__name__} cannot be fitted to counts of labels; it has no of_counts."
        )

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form of a learner made of `parts`, or None when there is none."""
        return None


class CountingClass(FunctionClass[Data]):
    """A class whose state counts wins: a named tuple with at least the fields of `Counts`."""

    def record(self, data: Data, world: Bandit, objective: Objective, comparison: Comparison) -> Data:
        """Count the label, and its share of the bonus."""
        s, state = comparison.prompt, cast(Any, data)
        winner = jnp.where(comparison.first_won, comparison.first, comparison.second)
        loser = jnp.where(comparison.first_won, comparison.second, comparison.first)
        state = state._replace(wins=state.wins.at[s, winner, loser].add(1.0))
        if objective.bonus.active:
            weight, row = objective.bonus.increment(world, comparison)
            state = state._replace(mass=state.mass.at[s].add(weight), credit=state.credit.at[s].add(row))
        return cast(Data, state)

    def of_counts(self, data: Data, world: Bandit, objective: Objective, counts: Counts) -> Data:
        """Return the state with these counts in place of its own."""
        return cast(Data, cast(Any, data)._replace(**counts._asdict()))


def require_ridge(model: FunctionClass[Any], objective: Objective) -> None:
    """Raise `SimbenchError` for a ridge at which float64 does not hold the fit of `objective`."""
    ridge, least = getattr(model, "ridge", None), model.least_ridge(objective)
    if ridge is not None and ridge < least:
        fit = f"{type(model).__name__} with {objective.loss!r} and {objective.bonus!r}"
        raise SimbenchError(
            f"ridge is {ridge:g}; for {fit} it must be at least {least:g}: float64 holds no less."
        )
