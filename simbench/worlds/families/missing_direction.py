"""A missing direction: the feature that pays most is carried by responses that the reference hardly ever emits.

    r*(s, a) = phi(s, a) . theta* + head,      theta* = (head * unit vector, lift)
    phi(s, a) = (unit vector, 0)   for a common response,  of weight 1
    phi(s, a) = (unit vector, 1)   for a tail response,    of weight tail_weight

ref is proportional to the weights; the tail responses are the last ones. Rewards lie in [0, R] with R = 2 head + lift
by construction: they need no rescaling, and r* is linear up to the constant `head`, which no policy sees. Data from
the reference tell nothing about the last direction until a tail response is drawn, however many labels there are. With
the defaults that is once in 400 draws; the tail has 98 percent of pi*, and a learner that knows everything but the
last parameter is 0.90 short (0.59 and 0.31 with tail weights 1e-3 and 1e-4).

Source: simbench; a world for [xiong2024, Theorem 2].
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import unit_vectors

AtLeastTwo = Annotated[Count, Field(ge=2)]


@register("family", "missing_direction")
@parameters
class MissingDirection:
    """A log-linear world, one feature of which only rare responses have.

    Args:
        prompts: S.
        responses: A.
        tail_responses: how many of them, the last ones, carry the missing feature; below `responses`.
        dimension: d, at least 2; the last coordinate is the missing one.
        tail_weight: the weight of a tail response in the reference, where a common one has 1.
        lift: theta*_d, what the missing feature pays (reward units).
        head: norm of the other parameters (reward units).
        beta: regularisation strength (reward units per nat).
    """

    prompts: Count = 5
    responses: Count = 15
    tail_responses: Count = 3
    dimension: AtLeastTwo = 6
    tail_weight: Positive = 0.01
    lift: Positive = 2.0
    head: Positive = 1.0
    beta: Positive = 0.15

    def __post_init__(self) -> None:
        """Refuse a world without common responses."""
        if self.tail_responses >= self.responses:
            raise SimbenchError(
                f"tail_responses is {self.tail_responses}; with {self.responses} responses it is at most "
                f"{self.responses - 1}."
            )

    @property
    def radius(self) -> float:
        """The norm of theta* (reward units)."""
        return float(np.hypot(self.head, self.lift))

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        tail = np.arange(self.responses) >= self.responses - self.tail_responses
        weights = np.where(tail, self.tail_weight, 1.0)
        common = unit_vectors(key, "features", (self.prompts, self.responses), self.dimension - 1)
        carried = np.broadcast_to(tail, (self.prompts, self.responses))[:, :, None]
        features = np.concatenate([common, carried], axis=-1)
        theta = np.append(self.head * unit_vectors(key, "theta", (), self.dimension - 1), self.lift)
        bound = 2 * self.head + self.lift
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=np.tile(np.log(weights / weights.sum()), (self.prompts, 1)),
            reward=np.clip(features @ theta + self.head, 0.0, bound),
            beta=self.beta,
            reward_bound=bound,
            features=features,
        )
