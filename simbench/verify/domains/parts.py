"""Parts of an instance beside the world: policies of several kinds, estimated rewards, scalars.

A part names its blocks of coordinates and is a function of (world, blocks). Policies that are Gibbs
policies of boxed rewards satisfy `|log pi/ref| <= R/beta`; `Free` ones satisfy nothing, which is what
controls need.
"""

import abc
import dataclasses
from typing import Any

import jax.numpy as jnp

from simbench.errors import SimbenchError
from simbench.verify.domains.cube import Blocks, Shape, deep_logits, log_between, log_normalise
from simbench.verify.domains.worlds import interval


class Part(abc.ABC):
    """One named thing that an instance carries beside its world."""

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return this part's blocks of coordinates by name, for worlds of shape (S, A); none by default."""
        return {}

    @abc.abstractmethod
    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return the part's value in `world` at coordinates `blocks[name]` in [0, 1]."""


@dataclasses.dataclass(frozen=True)
class Reward(Part):
    """A reward `[S, A]` in [0, R], or `[count, S, A]`: an estimate, a source, a finite class.

    `stretch` t widens the box to [0, t R], the broken assumption of many a control.
    """

    count: int = 0
    stretch: float = 1.0

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return one block `reward` of the value's own shape."""
        return {"reward": (self.count, *shape) if self.count else shape}

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return `stretch R u`."""
        return self.stretch * world.reward_bound * blocks["reward"]


@dataclasses.dataclass(frozen=True)
class Gibbs(Part):
    """`G(r)`, r in [0, stretch R]: `log pi = log_ref + r/beta - log Z`, so |log pi/ref| <= stretch R/beta.

    With count > 0, a family `[count, S, A]` of such policies.
    """

    count: int = 0
    stretch: float = 1.0

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return one block `reward`, the policy's own reward in units of R."""
        return {"reward": (self.count, *shape) if self.count else shape}

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return the log-policy, normalised per prompt."""
        return log_normalise(
            world.log_ref + self.stretch * world.reward_bound * blocks["reward"] / world.beta
        )


@dataclasses.dataclass(frozen=True)
class Mixture(Part):
    """A convex combination of Gibbs policies of boxed rewards (the class conv(Pi)), weights free."""

    components: int = 2

    def __post_init__(self) -> None:
        """A mixture of fewer than two policies is a `Gibbs`."""
        if self.components < 2:
            raise SimbenchError(
                f"Mixture.components is {self.components}; it must be at least 2 (one policy is Gibbs())."
            )

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return blocks `reward` (one reward per component) and `weight`."""
        return {"reward": (self.components, *shape), "weight": (self.components,)}

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return `log sum_k w_k pi_k`, the weights a softmax down to e^-20."""
        policies = Gibbs(self.components).build(world, blocks)
        log_weight = log_normalise(deep_logits(20.0, blocks["weight"]))
        return log_sum_exp(policies + log_weight[:, None, None])


@dataclasses.dataclass(frozen=True)
class Free(Part):
    """Any policy on the reference's support, logits in [-depth, 0]; |log pi/ref| is unbounded."""

    depth: float = 50.0

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return one block `logits`."""
        return {"logits": shape}

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return the log-policy; responses that the reference cannot emit get -inf."""
        logits = deep_logits(self.depth, blocks["logits"])
        return log_normalise(jnp.where(world.log_ref > -jnp.inf, logits, -jnp.inf))


@dataclasses.dataclass(frozen=True)
class Optimal(Part):
    """The optimal policy `pi* = G(r*)` (no coordinates)."""

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return log pi*."""
        return log_normalise(world.log_ref + world.reward / world.beta)


@dataclasses.dataclass(frozen=True)
class Reference(Part):
    """The reference policy itself (no coordinates)."""

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return log_ref."""
        return world.log_ref


@dataclasses.dataclass(frozen=True)
class Scalar(Part):
    """A number in [low, high], spread evenly (in its logarithm with log=True): a budget, a temperature."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse an interval that runs to infinity (or to zero on the logarithmic scale)."""
        interval("Scalar", (self.low, self.high), positive=self.log)

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return one block `value`."""
        return {"value": ()}

    def build(self, world: Any, blocks: Blocks) -> Any:
        """Return the number."""
        u = blocks["value"]
        return log_between(self.low, self.high, u) if self.log else self.low + (self.high - self.low) * u


def log_sum_exp(log_terms: Any) -> Any:
    """Return `log sum_k exp(log_terms[k])` over the leading axis; all -inf gives -inf."""
    from jax.scipy.special import logsumexp

    return logsumexp(log_terms, axis=0)
