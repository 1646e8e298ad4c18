"""What a learner fits: a class of rewards, with its data and its solver.

    rhat = argmin over r in the class of   sum_i loss(u_i) + extra(r) + regulariser(r)

A function class keeps sufficient statistics of the labels (win counts, or the objective of each hypothesis), records
a label, and solves. A class of your own derives from `FunctionClass`, in jax.numpy; it then runs on the JAX engine.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from simbench.bandit import Bandit
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


class FunctionClass(ABC, Generic[Data], Twinned):
    """A class of rewards. `row_local` says that a label at prompt s can change only the fit at s."""

    twin = "kernel"
    twinned = ("start", "record", "fit")

    row_local: ClassVar[bool] = False

    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` when the world lacks what the class needs."""

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

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form of a learner made of `parts`, or None when there is none."""
        return None
