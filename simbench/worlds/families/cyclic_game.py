"""Cyclic games: rock, paper, scissors among A responses, preferences that no reward explains.

Response a beats the (A - 1)/2 that follow it in a circle and loses to the others:

    log P(a > b)/P(b > a) = +- strength (1 + spread u_ab),      u_ab ~ U[-1, 1],  A odd

With a uniform reference and no spread, every game is the same and its equilibrium is uniform; otherwise the reference
is Dirichlet, the strengths differ, and the equilibrium is neither. There is no reward: what is measured is
exploitability.

Source: [ye2024]; for cycles in human preferences [munos2023]; the family is `simbench`.
"""

from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import expit

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Positive, Probability, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import log_dirichlet, uniform

Responses = Annotated[Count, Field(ge=3)]


@register("family", "cyclic_game")
@parameters
class CyclicGame:
    """Games on a circle of responses, one per prompt.

    Args:
        prompts: S, of equal weight.
        responses: A, odd, at least 3.
        strength: the log-odds of a win, before spread.
        spread: in [0, 1]; how much strengths differ from pair to pair.
        concentration: of the Dirichlet that the reference is drawn from; None for a uniform reference.
        beta: regularisation strength (payoff units per nat).
    """

    prompts: Count = 1
    responses: Responses = 3
    strength: Positive = 1.0
    spread: Probability = 0.0
    concentration: Positive | None = None
    beta: Positive = 0.3

    def __post_init__(self) -> None:
        """Refuse an even number of responses: a circle has no fair split of them."""
        if self.responses % 2 == 0:
            raise SimbenchError(
                f"responses is {self.responses}; it must be odd, so that each beats as many as beat it."
            )

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        cells = (self.prompts, self.responses)
        ahead = (np.arange(self.responses)[None, :] - np.arange(self.responses)[:, None]) % self.responses
        sign = np.where(ahead == 0, 0.0, np.where(ahead <= self.responses // 2, 1.0, -1.0))
        u = np.triu(uniform(key, "strength", (*cells, self.responses), -1.0, 1.0), 1)
        log_odds = self.strength * sign * (1.0 + self.spread * (u + np.swapaxes(u, 1, 2)))
        even = np.full(cells, -np.log(self.responses))
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=even
            if self.concentration is None
            else log_dirichlet(key, "log_ref", cells, self.concentration),
            beta=self.beta,
            prefs=expit(log_odds),
            reward_bound=self.strength * (1.0 + self.spread),
        )
