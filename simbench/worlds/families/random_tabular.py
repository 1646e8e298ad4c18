"""Random tabular worlds: the plain case that every exact identity is tried on.

    ref(.|s) ~ Dirichlet(concentration, …, concentration),    r*(s, a) ~ U[0, R],    independent over s and a

Small concentrations make the reference nearly deterministic, so that the optimum is often one it hardly
emits; large ones make it nearly uniform. Prompt weights are uniform, or one Dirichlet draw.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import log_dirichlet, uniform

Concentration = Annotated[Positive, Field(ge=1e-6, le=1e6)]  # beyond, a vertex or the uniform law to 1e-3


@register("family", "random_tabular")
@parameters
class RandomTabular:
    """Dirichlet reference, uniform reward.

    Args:
        prompts: S.
        responses: A.
        concentration: of the Dirichlet that every row of the reference is drawn from, in [1e-6, 1e6].
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
        prompt_concentration: of the Dirichlet that the prompt weights are drawn from; None for equal weights.
    """

    prompts: Count = 10
    responses: Count = 10
    concentration: Concentration = 1.0
    beta: Positive = 0.1
    reward_bound: Positive = 1.0
    prompt_concentration: Concentration | None = None

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        cells = (self.prompts, self.responses)
        return Bandit(
            rho=prompt_weights(key, self.prompts, self.prompt_concentration),
            log_ref=log_dirichlet(key, "log_ref", cells, self.concentration),
            reward=uniform(key, "reward", cells, 0.0, self.reward_bound),
            beta=self.beta,
            reward_bound=self.reward_bound,
        )


def prompt_weights(key: Key, prompts: int, concentration: float | None) -> np.ndarray:
    """Return prompt weights `[S]`: equal, or a Dirichlet draw when a concentration is given."""
    if concentration is None:
        return np.full(prompts, 1.0 / prompts)
    return np.exp(log_dirichlet(key, "rho", (prompts,), concentration))
