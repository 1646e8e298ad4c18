"""A ladder: every step up pays a little more and is a little rarer, so that the optimum lies e^{R/beta} away.

    S = 1,   r*(k) = R k / (A - 1),   ref(k) ∝ exp(-(R/beta) k / (A - 1)),   k = 0, …, A - 1

Tilting by exp(r*/beta) undoes the reference's decay exactly: pi* is uniform, and

    Cov(pi*|ref) = A^-2 sum_k 1/ref(k)  ~  e^{R/beta} / A^2,

as large as bounded rewards allow. Labels of ref x ref show the top once in e^{R/beta}; a learner that plays what it
has learned meets the next step from the last one. Every instance is the same world.

Source: `simbench`; a world for the question of [zhao2025] and [xie2024], whether e^{R/beta} is what labels cost.
"""

import numpy as np
from scipy.special import log_softmax

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key


@register("family", "ladder")
@parameters
class Ladder:
    """One prompt, rewards in equal steps from 0 to R, a reference that decays at the same pace.

    Args:
        responses: A, the number of steps.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    responses: Count = 6
    beta: Positive = 0.2
    reward_bound: Positive = 1.0

    def draw(self, key: Key) -> Bandit:
        """Return the world; `key` is not used."""
        reward = np.linspace(0.0, self.reward_bound, self.responses)[None]
        return Bandit(
            rho=[1.0],
            log_ref=log_softmax(-reward / self.beta, axis=1),
            reward=reward,
            beta=self.beta,
            reward_bound=self.reward_bound,
        )
