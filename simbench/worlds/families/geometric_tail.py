"""Geometric tail: the only good response is one the reference hardly ever emits.

    ref(a) ∝ e^{-decay a},     r*(h) = R at one depth h per prompt,     r*(a) ~ U[0, background R] elsewhere

The depth is uniform on {depth_low, …, depth_high}, drawn per prompt. While pi*(h) is close to one,

    Cov(pi*|ref) ≈ E_s 1/ref(h_s) ≈ e^{decay h} / (1 - e^{-decay}),
    J(pi*) - J(ref) ≈ R (1 - background / 2) - beta E_s log(1/ref(h_s)),

so depth sets how rare the optimum is, and background how much the reference already earns: coverage and value
are moved separately. The optimum stays concentrated as long as R (1 - background) > beta log(1/ref(h)). With
the defaults (decay 0.2, A = 40, beta = 0.06, depths 20 … 30, five prompts) coverage lies between 290 and
2230, at 800 typically, and the value gap of the reference near 0.46.

Source: simbench; a world for the questions of [huang2025, Theorem 3.2] and [song2024, Proposition 4.1].
"""

import numpy as np
from scipy.special import logsumexp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Index, Positive, Probability, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import integers, uniform


@register("family", "geometric_tail")
@parameters
class GeometricTail:
    """A rare optimum behind a geometric reference.

    Args:
        prompts: S.
        responses: A.
        decay: k, nats of reference probability lost per response.
        depth_low: the shallowest index of the best response.
        depth_high: the deepest one; at least `depth_low`, below `responses`.
        background: the other rewards are uniform on [0, background · R].
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    prompts: Count = 5
    responses: Count = 40
    decay: Positive = 0.2
    depth_low: Index = 20
    depth_high: Index = 30
    background: Probability = 0.3
    beta: Positive = 0.06
    reward_bound: Positive = 1.0

    def __post_init__(self) -> None:
        """Refuse an empty or impossible range of depths."""
        if self.depth_low > self.depth_high:
            raise SimbenchError(
                f"depth_low is {self.depth_low}; it must not exceed depth_high, {self.depth_high}."
            )
        if self.depth_high >= self.responses:
            raise SimbenchError(
                f"depth_high is {self.depth_high}; with {self.responses} responses "
                f"it is at most {self.responses - 1}."
            )

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        cells = (self.prompts, self.responses)
        log_weight = -self.decay * np.arange(self.responses)
        log_ref = np.tile(log_weight - logsumexp(log_weight), (self.prompts, 1))
        reward = uniform(key, "background", cells, 0.0, self.background * self.reward_bound)
        depth = integers(key, "depth", (self.prompts,), self.depth_low, self.depth_high)
        reward[np.arange(self.prompts), depth] = self.reward_bound
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=log_ref,
            reward=reward,
            beta=self.beta,
            reward_bound=self.reward_bound,
        )
