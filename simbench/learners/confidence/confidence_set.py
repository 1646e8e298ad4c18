"""What the data leave possible: optimistic values of given policies, and the policy that is best in the worst case.

Transfer compares, on all labels so far,

    V_opt(w) = an upper bound on  J(pi_w) - J(ref)                      for every source policy pi_w = G(r^w),
    V_pes    = max_pi min_{r possible} { E_{pi - ref} r - beta KL(pi || ref) },        attained at pi_OFF,

both relative to the reference, because comparisons identify differences of rewards only. `bonus_scale` widens the
first (1 is the theory's), `pessimism_scale` the set of possible rewards of the second (1 is the theory's, 0 trusts the
fit).
Source: huang2025, Algorithm 2; constants: simbench.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.parts.samplers import normalised
from simbench.learners.protocols.round import Comparison

Data = TypeVar("Data")


class Pessimistic(NamedTuple):
    """pi_OFF: its log-policy `[S, A]`, a lower bound on J(pi_OFF) - J(ref), and 1.0 if its solver gave up, else 0.0."""

    log_policy: Any
    value: Any
    unsolved: Any


class Confidence(ABC, Generic[Data]):
    """Keeps labels of one run; data is a pytree of arrays whose shapes never change.

    `enumerates` says that nothing is solved iteratively, so that nothing can be left unsolved.
    """

    enumerates: ClassVar[bool] = False

    @abstractmethod
    def check(self, world: Bandit) -> None:
        """Raise `SimbenchError` for a world that lacks what is fitted."""

    @abstractmethod
    def start(self, world: Bandit) -> Data:
        """Return the data before any label."""

    @abstractmethod
    def prior(self, data: Data, world: Bandit) -> Pessimistic:
        """Return pi_OFF and V_pes before any label, `data` being `start`'s."""

    @abstractmethod
    def record(self, data: Data, world: Bandit, comparison: Comparison) -> Data:
        """Return the data after one label."""

    @abstractmethod
    def optimistic(self, data: Data, world: Bandit, pulls: Any) -> Any:
        """Return V_opt `[W]`, given how often each source was played `[W]`; +inf for one that never was."""

    @abstractmethod
    def pessimistic(self, data: Data, world: Bandit, labels: Any) -> Pessimistic:
        """Return pi_OFF and V_pes, given the number of labels."""

    def unsolved(self, data: Data) -> Any:
        """Return 1.0 if the estimate of the last label missed its stopping rule, else 0.0."""
        return jnp.asarray(0.0)


def source_log_policies(world: Bandit) -> Any:
    """Return G(r^w) `[W, S, A]`; W = 0 for a world without sources."""
    if world.sources is None:
        return jnp.zeros((0, *world.log_ref.shape))
    return normalised(jnp.asarray(world.log_ref) + jnp.asarray(world.sources) / world.beta)


def relative_to_ref(world: Bandit, log_policies: Any) -> tuple[Any, Any]:
    """Return rho (pi - ref) `[..., S, A]` and beta KL(pi || ref) `[...]` of log-policies `[..., S, A]`."""
    log_ref = jnp.asarray(world.log_ref)
    policy = jnp.exp(log_policies)
    ratio = jnp.where(policy > 0, log_policies - jnp.where(policy > 0, log_ref, 0.0), 0.0)
    cost = world.beta * jnp.sum(world.rho[:, None] * policy * ratio, axis=(-2, -1))
    return world.rho[:, None] * (policy - jnp.exp(log_ref)), cost
