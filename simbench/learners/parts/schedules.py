"""Schedules: after which rounds the fit is renewed. The round index alone decides, never a run's state.

    every round      the default, and the sharpest version of each algorithm
    Every(m)         after rounds m - 1, 2m - 1, …
    Geometric(g)     when the number of labels reaches ceil(g^k), k = 0, 1, …
    OfflineFirst(n)  the first n labels compare two reference draws; then another schedule, on fresh round numbers

(A refresh decided by the data would make every run of a vmapped block refit in every round.) Source: simbench.
"""

import functools
import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from pydantic import InstanceOf

from simbench.errors import SimbenchError
from simbench.learners.kernels.codes import EVERY, MARKS
from simbench.learners.protocols.twins import Twinned
from simbench.registry import Count, Positive, parameters

LAST_ROUND = 2**32


class Schedule(ABC, Twinned):
    """Says by the round index when to refit.

    `offline` labels come first, drawn from the reference in both slots; the fit is renewed after the last of them.
    """

    twin = "code"
    twinned = ("refits",)

    code: ClassVar[int | None] = None  # None: the JAX engine only
    period: int = 1

    @property
    def offline(self) -> int:
        """Number of labels that come before the learner acts."""
        return 0

    @property
    def every_round(self) -> bool:
        """Whether each label (after the offline ones) is followed by a fit."""
        return False

    @property
    def marks(self) -> np.ndarray:
        """Numbers of labels after which to refit, for the kernels of code MARKS."""
        return np.zeros(0, dtype=np.int64)

    @abstractmethod
    def refits(self, t: Any) -> Any:
        """Return whether the fit is renewed after round t = 0, 1, …"""


@parameters
class EveryRound(Schedule):
    """Refit after every label."""

    code = EVERY

    @property
    def every_round(self) -> bool:
        """Always."""
        return True

    def refits(self, t: Any) -> Any:
        """Always."""
        return jnp.full(jnp.shape(t), True)


@parameters
class Every(Schedule):
    """Refit after every `period` labels."""

    period: Count

    code = EVERY

    @property
    def every_round(self) -> bool:
        """Only at period one."""
        return self.period == 1

    def refits(self, t: Any) -> Any:
        """(t + 1) is a multiple of the period."""
        return (t + 1) % self.period == 0


@functools.cache
def geometric_marks(growth: float) -> np.ndarray:
    """Return the distinct ceil(growth^k) up to the longest run, increasing."""
    powers = np.arange(math.floor(math.log(LAST_ROUND) / math.log(growth)) + 1)
    return np.unique(np.ceil(growth**powers - 1e-9).astype(np.int64))


@parameters
class Geometric(Schedule):
    """Refit when the number of labels reaches ceil(growth^k).

    Args:
        growth: factor between two fits, > 1.
    """

    growth: Positive

    code = MARKS

    def __post_init__(self) -> None:
        """A factor of one never moves on."""
        if self.growth < 1.001:
            raise SimbenchError(f"growth is {self.growth}; it must be at least 1.001.")

    @property
    def marks(self) -> np.ndarray:
        """The label counts."""
        return geometric_marks(self.growth)

    def refits(self, t: Any) -> Any:
        """t + 1 labels are one of the marks."""
        marks = jnp.asarray(self.marks)
        return marks[jnp.minimum(jnp.searchsorted(marks, t + 1), marks.size - 1)] == t + 1


@parameters
class OfflineFirst(Schedule):
    """`labels` comparisons of two reference draws, one fit, and then the schedule `then`, counted afresh."""

    labels: Count
    then: InstanceOf[Schedule] = EveryRound()

    def __post_init__(self) -> None:
        """Offline data come once."""
        if self.then.offline:
            raise SimbenchError(
                "OfflineFirst is followed by another OfflineFirst; offline data come first, once."
            )

    @property
    def code(self) -> int | None:  # type: ignore[override]
        """That of what follows."""
        return self.then.code

    @property
    def period(self) -> int:  # type: ignore[override]
        """That of what follows."""
        return self.then.period

    @property
    def offline(self) -> int:
        """The number of offline labels."""
        return self.labels

    @property
    def every_round(self) -> bool:
        """That of what follows."""
        return self.then.every_round

    @property
    def marks(self) -> np.ndarray:
        """Those of what follows."""
        return self.then.marks

    def refits(self, t: Any) -> Any:
        """After the last offline label, then as `then` says."""
        online = t - self.labels
        return jnp.where(online < 0, t + 1 == self.labels, self.then.refits(jnp.maximum(online, 0)))
