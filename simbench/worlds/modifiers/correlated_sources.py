"""Source rewards of a prescribed correlation with the true reward, prompt by prompt, exactly.

    r^w(s, .) = mean r*(s, .) + k ( c x + sqrt(1 - c^2) z ),     x = r*(s, .) - mean,   z standard normal

where z is freed of its mean and of its part along x, and scaled to the length of x: the sample correlation over the
responses of every prompt is c, not only on average. k <= 1 shrinks the source where its span would exceed R, and a
shift brings it into [0, R]; neither moves the correlation. Sources are added behind those that the world has, and to
its finite class of rewards if it has one; they are not linear in its features.

Source: sources of graded quality, [huang2025]; the construction is `simbench`.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Finite, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import standard_normal
from simbench.worlds.exact_gap import into_box
from simbench.worlds.modifiers.sources import with_sources

Correlation = Annotated[Finite, Field(ge=-1, le=1)]


@register("modifier", "correlated_sources")
@parameters
class CorrelatedSources:
    """One source reward per correlation.

    Args:
        correlations: with r*, over the responses of each prompt; one source for each.
    """

    correlations: tuple[Correlation, ...] = (0.0, 0.3, 0.6, 0.9)

    def apply(self, world: Bandit, key: Key) -> Bandit:
        """Return the world with the sources added.

        Raises:
            SimbenchError: fewer than three responses, or a prompt whose true reward is constant.
        """
        world.rewarded("the modifier correlated_sources")
        if world.responses < 3:
            raise SimbenchError(
                f"correlated_sources needs at least 3 responses and this world has {world.responses}; with fewer, "
                "every correlation is -1 or 1."
            )
        true = world.reward - world.reward.mean(-1, keepdims=True)
        length = np.linalg.norm(true, axis=-1, keepdims=True)
        if not length.all():
            raise SimbenchError(
                f"correlated_sources: the true reward of prompt {int(length.argmin())} is constant, nothing correlates "
                "with it."
            )
        rewards = [
            self._source(
                world, true / length, length, correlation, standard_normal(key, f"correlated/{w}", true.shape)
            )
            for w, correlation in enumerate(self.correlations)
        ]
        return with_sources(world, rewards)

    @staticmethod
    def _source(
        world: Bandit, along: np.ndarray, length: np.ndarray, correlation: float, noise: np.ndarray
    ) -> np.ndarray:
        bound = float(world.reward_bound)
        for _ in range(2):  # the second pass removes what rounding left of the first
            noise = noise - noise.mean(-1, keepdims=True)
            noise = noise - (noise * along).sum(-1, keepdims=True) * along
            noise = noise / np.linalg.norm(noise, axis=-1, keepdims=True)
        mixed = length * (correlation * along + np.sqrt(1 - correlation**2) * noise)
        shrunk = mixed * np.minimum(1.0, bound / np.ptp(mixed, axis=-1, keepdims=True))
        return into_box(world.reward.mean(-1, keepdims=True) + shrunk, bound)
