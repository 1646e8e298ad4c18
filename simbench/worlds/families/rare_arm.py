"""A rare arm just within reach: the optimal policy is as far from the reference as bounded rewards allow.

    S = 1,   ref = (p, 1 - p),   log(1/p) = R/beta - margin,   r* = (R, 0)

    KL(pi*||ref)  <=  R/beta,      ratio of the sides -> 1 as beta -> 0 and the margin grows slowly

for pi*(rare) = 1/(1 + e^{-margin} (1 - p)): a few nats of margin make the rare arm nearly certain, and it costs
R/beta - margin nats. Rewards in [-R', R'] are the case R = 2R'. Every instance is the same world.

Source: [song2024, Lemma 4.1]; the tight family is `simbench`.
"""

import math

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Positive, parameters, register
from simbench.tape import Key


@register("family", "rare_arm")
@parameters
class RareArm:
    """One prompt, a good arm of mass exp(margin - R/beta), and a common bad one.

    Args:
        margin: nats by which the rare arm is within reach, below R/beta.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    margin: Positive = 4.0
    beta: Positive = 0.02
    reward_bound: Positive = 1.0

    def __post_init__(self) -> None:
        """Refuse a margin that would make the rare arm certain."""
        if self.margin >= self.reward_bound / self.beta:
            raise SimbenchError(
                f"margin is {self.margin}; it must be below reward_bound / beta = {self.reward_bound / self.beta:.6g}."
            )

    def draw(self, key: Key) -> Bandit:
        """Return the world; the key does not matter."""
        log_mass = self.margin - self.reward_bound / self.beta
        return Bandit(
            rho=[1.0],
            log_ref=[[log_mass, math.log(-math.expm1(log_mass))]],
            reward=[[self.reward_bound, 0.0]],
            beta=self.beta,
            reward_bound=self.reward_bound,
        )
