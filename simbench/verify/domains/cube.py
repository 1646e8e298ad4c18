"""A domain is a map from the unit cube, `u in [0, 1]^d -> Instance`, with every constraint built into it.

Rewards are `R u`, so the vertices of the reward box are the vertices of the cube and are *reached*, not
merely approached; simplices are softmaxes of boxed logits, so a policy is normalised inside the map. That
buys three things: one sampler and one projected ascent serve every domain; an instance is stored without
rounding as the doubles `u`; and a proof interprets the whole chain u -> instance -> sides, so no
probability is ever "almost" 1.
"""

import abc
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from simbench.verify.instance import Instance

Shape = tuple[int, ...]
Blocks = Mapping[str, jax.Array]


class Domain(abc.ABC):
    """What a statement ranges over. One's own defines `coordinates` and `build` (or uses `family`)."""

    shapes: tuple[Shape, ...] = ((),)

    @abc.abstractmethod
    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return the blocks of coordinates by name with their array shapes, for worlds of this shape."""

    @abc.abstractmethod
    def build(self, shape: Shape, blocks: Blocks) -> Instance:
        """Return the instance at the coordinates `blocks[name]`, each entry in [0, 1]; pure jax.numpy."""

    def dimension(self, shape: Shape) -> int:
        """Return d, the number of coordinates of an instance of this shape."""
        return sum(math.prod(block) for block in self.coordinates(shape).values())

    def instance(self, shape: Shape, u: Any) -> Instance:
        """Return the instance at the point `u [d]` of the unit cube."""
        blocks, start = {}, 0
        for name, block in self.coordinates(shape).items():
            size = math.prod(block)
            blocks[name] = jnp.reshape(u[start : start + size], block)
            start += size
        return self.build(shape, blocks)


def log_between(low: float, high: float, u: Any) -> Any:
    """Return `low (high/low)^u`: u in [0, 1] spread evenly over the logarithms of [low, high]."""
    return low * jnp.power(high / low, u)


def deep_logits(depth: float, u: Any) -> Any:
    """Return logits in [-depth, 0], `-depth (1-u)^3`: half of the cube lies above -depth/8.

    Softmax of these reaches probabilities of e^-depth while a random point is still an ordinary distribution.
    """
    return -depth * (1.0 - u) ** 3


def log_normalise(logits: Any) -> Any:
    """Return log-probabilities along the last axis, `logits - logsumexp(logits)`; -inf entries stay -inf."""
    return logits - jax.scipy.special.logsumexp(logits, axis=-1, keepdims=True)
