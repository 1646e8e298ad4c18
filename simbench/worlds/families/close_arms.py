"""Two arms that n labels cannot tell apart: where the rate 1/sqrt(n) of worst-case bounds is real.

    S = 1,   ref = (1/2, 1/2),   r* = R/2 +- (separation / 2) / sqrt(n),   which arm is better is a fair coin

On a fixed world KL-regularised gaps fall like 1/n; on this family, which changes with n, they do not. For small beta
a learner that plays the arm ahead after n informative labels errs with probability Phi(-separation/2), each label being
right with probability 1/2 + separation / (4 sqrt(n)), and so

    sqrt(n) E gap  ->  separation Phi(-separation/2),     largest, 0.340, at separation 1.5

(when both responses are drawn from ref half of the pairs are informative, and the constant is 0.340 sqrt(2) = 0.481).

Source: `simbench`; after the two-point method, e.g. [komiyama2015].
"""

import math

import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import integers


@register("family", "close_arms")
@parameters
class CloseArms:
    """One prompt, two equally likely arms, separation / sqrt(labels) apart.

    Args:
        labels: n, how many labels the world is made to defy.
        separation: c; the rewards differ by c / sqrt(n) (reward units).
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units); the difference may not exceed it.
    """

    labels: Count = 1000
    separation: Positive = 1.5
    beta: Positive = 0.001
    reward_bound: Positive = 1.0

    def __post_init__(self) -> None:
        """Refuse a difference that [0, R] cannot hold."""
        if self.separation / math.sqrt(self.labels) > self.reward_bound:
            raise SimbenchError(
                f"separation is {self.separation}; the arms would differ by "
                f"{self.separation / math.sqrt(self.labels):.6g}, more than reward_bound, {self.reward_bound}."
            )

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`: which of the arms is better."""
        half = self.separation / (2 * math.sqrt(self.labels))
        sign = 1 - 2 * int(integers(key, "better", (), 0, 1))
        return Bandit(
            rho=[1.0],
            log_ref=np.log([[0.5, 0.5]]),
            reward=[[self.reward_bound / 2 + sign * half, self.reward_bound / 2 - sign * half]],
            beta=self.beta,
            reward_bound=self.reward_bound,
        )
