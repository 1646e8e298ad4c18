"""Baselines that never learn: `reference` plays ref, `uniform` plays every supported response alike.

Both are charged their exact gap and pay for their labels; a learner whose regret does not leave theirs has learned
nothing. Source: simbench.
"""

import functools
from abc import abstractmethod
from typing import Any

import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.learners.protocols.round import Comparison, Kernel, RoundLearner
from simbench.precision import float64
from simbench.registry import parameters, register


class ConstantLearner(RoundLearner[Any]):
    """A learner whose state is its policy, sampled in both slots."""

    touches = "none"

    @abstractmethod
    def log_policy(self, world: Bandit) -> Any:
        """Return the log-policy `[S, A]` that is played for ever, in jax.numpy."""

    def init(self, world: Bandit) -> Any:
        """The state is the log-policy itself."""
        return jnp.asarray(self.log_policy(world))

    def act(self, state: Any, world: Bandit) -> tuple[Any, Any]:
        """Play it in both slots."""
        return state, state

    def observe(self, state: Any, world: Bandit, comparison: Comparison) -> Any:
        """Learn nothing."""
        return state

    def policy(self, state: Any, world: Bandit) -> Any:
        """The policy that is played."""
        return state

    def kernel(self, world: Bandit) -> Kernel:
        """Return the numba form."""
        from simbench.learners.kernels import constant

        def build() -> constant.ConstantKernelState:
            with float64():
                return constant.start(np.array(_log_policy(self, world)))

        return Kernel(module=constant.__name__, build=build)


@functools.partial(quickly, static=(0,))
def _log_policy(learner: ConstantLearner, world: Bandit) -> Any:
    return learner.log_policy(world)


@register("learner", "reference")
@parameters
class Reference(ConstantLearner):
    """Play the reference policy: the regret of not learning."""

    def log_policy(self, world: Bandit) -> Any:
        """Return log ref."""
        return jnp.asarray(world.log_ref)


@register("learner", "uniform")
@parameters
class Uniform(ConstantLearner):
    """Play every response that the reference supports with equal probability."""

    def log_policy(self, world: Bandit) -> Any:
        """Return -log(number of supported responses) on the support."""
        supported = jnp.asarray(world.log_ref) > -jnp.inf
        return jnp.where(supported, -jnp.log(jnp.sum(supported, axis=-1, keepdims=True)), -jnp.inf)
