"""Two arms: the family on which coverage-by-value is tight.

    S = 1,   ref = (e, 1 - e),   r* = (R, 0),   one source reward r^1 = (0, R)

The optimum is the rare arm. With pi_1 = G(r^1) = ref exp(r^1/beta) / Z,

    Cov(pi*|pi_1) - 1  <=  kappa(e^{2R/beta}) (J(pi*) - J(pi_1)) / beta,      ratio of the sides -> 1 as e ->
    0,

because the largest density ratio pi*/pi_1 tends to e^{2R/beta}, the largest that rewards in [0, R] allow, and
the only other cell contributes nothing. There is nothing random in it: every instance is the same world.

Source: [huang2025, Lemma 3.1]; the tight family is `simbench`.
"""

import math
from typing import Annotated

from pydantic import Field

from simbench.bandit import Bandit
from simbench.registry import Positive, Probability, parameters, register
from simbench.tape import Key

OpenUnit = Annotated[Probability, Field(gt=0, lt=1)]


@register("family", "two_arms")
@parameters
class TwoArms:
    """One prompt, a rare good arm and a common bad one, and a source that prefers the bad one.

    Args:
        rare_mass: e, the reference probability of the good arm.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    rare_mass: OpenUnit = 1e-9
    beta: Positive = 0.5
    reward_bound: Positive = 1.0

    def draw(self, key: Key) -> Bandit:
        """Return the world; the key does not matter."""
        bound = self.reward_bound
        return Bandit(
            rho=[1.0],
            log_ref=[[math.log(self.rare_mass), math.log1p(-self.rare_mass)]],
            reward=[[bound, 0.0]],
            beta=self.beta,
            reward_bound=bound,
            sources=[[[0.0, bound]]],
        )
