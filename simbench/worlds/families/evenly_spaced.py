"""Evenly spaced rewards under a uniform reference: a world without near ties, the same in every instance.

    S = 1,   r*(k) = R k / (A - 1),   ref(k) = 1/A,   k = 0, …, A - 1

No two responses are closer than R/(A - 1), so the rounds from which asymptotic laws of learning are seen are known
beforehand: worlds of random rewards have near ties now and then, and take their time. The likeliest response under the
optimal policy is the best one, as under any uniform reference.

Source: `simbench`; a world for the laws of [wu2025] and [kang2026].
"""

import numpy as np

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key


@register("family", "evenly_spaced")
@parameters
class EvenlySpaced:
    """One prompt, rewards in equal steps from 0 to R, a uniform reference.

    Args:
        responses: A.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    responses: Count = 10
    beta: Positive = 1.0
    reward_bound: Positive = 2.0

    def draw(self, key: Key) -> Bandit:
        """Return the world; `key` is not used."""
        count = self.responses
        return Bandit(
            rho=[1.0],
            log_ref=np.full((1, count), -np.log(count)),
            reward=np.linspace(0.0, self.reward_bound, count)[None],
            beta=self.beta,
            reward_bound=self.reward_bound,
        )
