"""Baselines that trust a source reward: play the Gibbs policy of the best, of the worst, of one, or of all of them.

    best_source      G(r^w) at the w of smallest value gap      worst_source     … of largest value gap
    uniform_source   (1 / W) sum_w G(r^w), per prompt            one_source       G(r^w) at a given w

Best and worst are an oracle's: they read the true gaps. Ties take the first index within 1e-9. Their regret is linear
unless a source is r*, which is what transfer has to beat. Source: huang2025, Section 6 (pure exploitation of a source).
"""

from typing import Any

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.online.constant import ConstantLearner
from simbench.learners.parts.samplers import normalised
from simbench.quantities import value_gap
from simbench.quantities.values.value import TIE
from simbench.registry import Index, parameters, register


def source_policies(world: Bandit) -> Any:
    """Return the log-policies G(r^w) `[W, S, A]`; raise `SimbenchError` for a world without sources."""
    if world.sources is None or world.sources.shape[0] == 0:
        raise SimbenchError("this learner plays source rewards, and the world has none (see [sources]).")
    return normalised(jnp.asarray(world.log_ref) + jnp.asarray(world.sources) / world.beta)


@jax.jit
def source_gaps(world: Bandit) -> Any:
    """Return the value gaps Delta_w `[W]`."""
    return jax.vmap(lambda log_policy: value_gap(world, log_policy))(source_policies(world))


@register("learner", "best_source")
@parameters
class BestSource(ConstantLearner):
    """Play the source of smallest value gap for ever: the oracle that knows which source is best."""

    def log_policy(self, world: Bandit) -> Any:
        """G(r^w) of the best source."""
        gaps = source_gaps(world)
        return source_policies(world)[jnp.argmax(gaps <= jnp.min(gaps) + TIE)]


@register("learner", "worst_source")
@parameters
class WorstSource(ConstantLearner):
    """Play the source of largest value gap for ever."""

    def log_policy(self, world: Bandit) -> Any:
        """G(r^w) of the worst source."""
        gaps = source_gaps(world)
        return source_policies(world)[jnp.argmax(gaps >= jnp.max(gaps) - TIE)]


@register("learner", "one_source")
@parameters
class OneSource(ConstantLearner):
    """Play the source of a given number for ever.

    Args:
        index: w, from 0.
    """

    index: Index = 0

    def log_policy(self, world: Bandit) -> Any:
        """G(r^w); refused when the world has fewer sources."""
        policies = source_policies(world)
        if self.index >= policies.shape[0]:
            raise SimbenchError(
                f"index is {self.index}; this world has sources 0 to {policies.shape[0] - 1}."
            )
        return policies[self.index]


@register("learner", "uniform_source")
@parameters
class UniformSource(ConstantLearner):
    """Play the uniform mixture of the source policies for ever."""

    def log_policy(self, world: Bandit) -> Any:
        """(1 / W) sum_w G(r^w)."""
        policies = source_policies(world)
        return jax.scipy.special.logsumexp(policies, axis=0) - jnp.log(policies.shape[0])
