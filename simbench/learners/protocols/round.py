"""What a round learner is: four pure functions on a state.

In round t = 0, 1, … the loop (simbench.engine) draws, from the tape,

    s ~ rho,   a ~ first(.|s),   b ~ second(.|s),   y = 1{a beats b},        (first, second) = act(state, world)

charges the *slot-1* policy `policy(state, world)` with its exact gap, and hands the comparison to `observe`.
The comparator in slot 2 (the reference, an enhancer) is never charged.

A learner is written in JAX, for one run; the engine vmaps it over runs. Learners of this package also come as
numba kernels (see `Kernel`), which are the default on a CPU; a user's own learner needs JAX only.
"""

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import numpy as np

from simbench.bandit import Bandit
from simbench.learners.protocols.twins import Twinned

State = TypeVar("State")
Reducer = Literal["last", "sum", "max", "any"]
Touches = Literal["row", "all", "none"]


class Comparison(NamedTuple):
    """One label: in round `round`, response `first` met `second` on `prompt`; `first_won` says which was preferred."""

    prompt: Any
    first: Any
    second: Any
    first_won: Any
    round: Any


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A learner in numba: a module with njit functions, and how to build the state of one run.

    The module offers

        act(state, prompt)               -> (first [A], second [A]) running sums of the probabilities to draw from
        observe(state, prompt, first, second, first_won, round_index)
                                         -> the prompt whose slot-1 row may have changed, or NONE, or ALL

    and `build()` returns a NamedTuple of arrays, updated in place, with at least `log_policy [S, A]`, `policy [S, A]`
    (what is charged) and `diagnostics [k]` (this round's values, in the declared order); a learner that hands out
    another policy than it plays adds its logarithm as `deployed [S, A]`. Fields named in `shared`, with dots if they
    lie deeper, are never written, and all runs may have the same. Nothing is built for those who only ask whether
    there is a kernel.
    """

    module: str
    build: Callable[[], Any]
    shared: tuple[str, ...] = ()

    @functools.cached_property
    def pattern(self) -> Any:
        """The state before any label, of which every run has a copy."""
        return self.build()

    def fresh_state(self) -> Any:
        """Return the state of another run; copying takes a hundredth of the time of building."""
        copies = {id(part): part for part in (attrgetter(name)(self.pattern) for name in self.shared)}

        def copied(part: Any) -> Any:
            if id(part) in copies:  # an array that the state holds under two names stays one
                return copies[id(part)]
            if isinstance(part, tuple):
                return type(part)(*(copied(field) for field in part))
            if not isinstance(part, np.ndarray):
                return part
            copies[id(part)] = part.copy()
            return copies[id(part)]

        return copied(self.pattern)


class RoundLearner(ABC, Generic[State], Twinned):
    """An online learner. Subclasses are records of parameters (`@parameters`) and hold no data themselves.

    `touches` says which rows of the slot-1 policy one label may change: that of its prompt ("row"), any ("all", always
    right), or none; the JAX loop prices only those (a kernel says it round by round). `diagnostics` declares named
    numbers of the state and how rounds are reduced to a checkpoint's value; where there is one per source of the world,
    `named_diagnostics` says so. Names reduced by "last" come last: they are read at checkpoints only.
    """

    twin = "kernel"
    twinned = ("init", "act", "observe", "policy", "deployed", "diagnose")

    touches: ClassVar[Touches] = "all"

    diagnostics: ClassVar[dict[str, Reducer]] = {}

    @abstractmethod
    def init(self, world: Bandit) -> State:
        """Return the state before any data: a pytree of arrays whose shapes never change."""

    @abstractmethod
    def act(self, state: State, world: Bandit) -> tuple[Any, Any]:
        """Return the log-policies `[S, A]` from which slot 1 and slot 2 are drawn."""

    @abstractmethod
    def observe(self, state: State, world: Bandit, comparison: Comparison) -> State:
        """Return the state after one label."""

    @abstractmethod
    def policy(self, state: State, world: Bandit) -> Any:
        """Return the log-policy `[S, A]` that is charged this round."""

    def deployed(self, state: State, world: Bandit) -> Any:
        """Return the log-policy `[S, A]` that would be handed out now, if it is not the one that is charged."""
        return self.policy(state, world)

    def named_diagnostics(self, world: Bandit) -> dict[str, Reducer]:
        """Return `diagnostics`, or more of them where their number depends on the world (one per source, say)."""
        return dict(self.diagnostics)

    def diagnose(self, state: State) -> dict[str, Any]:
        """Return one scalar per named diagnostic, read after the round's label."""
        return {}

    def kernel(self, world: Bandit) -> Kernel | None:
        """Return the learner's numba form for `world`, or None when it has none."""
        return None
