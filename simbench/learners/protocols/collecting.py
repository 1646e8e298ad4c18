"""What a learner is that gathers its own data: a batch learner with a say in what is labelled.

Iteration i = 0, 1, ... of a run with tape `key` has as many labels as `iteration_ends` says. The engine calls

    data  = collect(state, world, key, start, labels)        labels number `start`, ..., `start + labels - 1` of the run
    state = observe(state, world, data)

and measures the policy of the new state. All that is random comes from the tape, at (round, slot) = (number of the
label, slot), with slots from `tape.LEARNER` on the learner's own, as in the loop over rounds. Each label is charged
with the gap of the policy `act(state, world)[0]` at the time when it was gathered.

Everything is JAX, for one run; the engine vmaps it over runs and compiles it once, so `start` and `labels` are traced.
"""

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from simbench.bandit import Bandit
from simbench.learners.protocols.batch import BatchLearner

State = TypeVar("State")
Data = TypeVar("Data")


class CollectingLearner(BatchLearner[State], Generic[State, Data]):
    """A batch learner that collects: not counts of labels under one pair of policies, but data of its own kind."""

    @abstractmethod
    def iteration_ends(self, labels: int) -> np.ndarray:
        """Return the increasing numbers of labels after which an iteration ends; the last one is `labels`."""

    @abstractmethod
    def collect(self, state: State, world: Bandit, key: tuple[Any, Any], start: Any, labels: Any) -> Data:
        """Return the data of one iteration: a pytree of arrays whose shapes never change.

        Args:
            state: of the learner, before the iteration.
            world: which the learner may ask for labels, and for whatever else it is granted.
            key: the run's, two uint32 words.
            start: number of labels before this iteration.
            labels: of this iteration; at most what the longest of the iterations has.
        """

    @abstractmethod
    def observe(self, state: State, world: Bandit, data: Data) -> State:
        """Return the state after the iteration's data."""
