"""Missing support: the reference never, or almost never, emits one response of every prompt.

A random tabular world whose best (or worst) response gets the reference mass p3, the others sharing 1 - p3 in
their old proportions. p3 = 0 makes global coverage infinite while every policy of finite KL avoids the
response; p3 of 1e-2 … 1e-16 makes it merely huge. On data from the reference the response is never compared,
so any objective that sees policies through those data alone cannot know what mass it gets.

Source: [song2024, Proposition 4.1]; the grid of masses is `simbench`.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.special import logsumexp

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, Probability, parameters, register
from simbench.tape import Key
from simbench.worlds.families.random_tabular import Concentration, RandomTabular

MassBelowOne = Annotated[Probability, Field(lt=1)]
AtLeastTwo = Annotated[Count, Field(ge=2)]


@register("family", "missing_support")
@parameters
class MissingSupport:
    """A random tabular world, one response of every prompt (almost) without reference mass.

    Args:
        missing: which response of every prompt: 'best' or 'worst' by true reward.
        mass: p3, its reference probability; 0 removes it from the support.
        prompts, responses, concentration, beta, reward_bound, prompt_concentration: as in `random_tabular`.
    """

    missing: Literal["best", "worst"] = "best"
    mass: MassBelowOne = 0.0
    prompts: Count = 5
    responses: AtLeastTwo = 6
    concentration: Concentration = 1.0
    beta: Positive = 0.1
    reward_bound: Positive = 1.0
    prompt_concentration: Concentration | None = None

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        world = RandomTabular(
            prompts=self.prompts,
            responses=self.responses,
            concentration=self.concentration,
            beta=self.beta,
            reward_bound=self.reward_bound,
            prompt_concentration=self.prompt_concentration,
        ).draw(key)
        chosen = world.reward.argmax(-1) if self.missing == "best" else world.reward.argmin(-1)
        at = np.arange(self.responses) == chosen[:, None]
        others = np.where(at, -np.inf, world.log_ref)
        others = others - logsumexp(others, axis=-1, keepdims=True) + np.log1p(-self.mass)
        log_mass = np.log(self.mass) if self.mass > 0 else -np.inf
        return world.replace(log_ref=np.where(at, log_mass, others))
