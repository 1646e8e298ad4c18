"""A needle in the tail: one response pays, and the class knows that some response does.

    class = { r^0 = background R everywhere }  and  { r^j = R at response j, background R elsewhere },  j = 0 .. A - 1
    r* = r^{1 + depth},      ref(a) ∝ e^{-decay a},      one prompt

The A + 1 members are ordered so, the flat one first. Data that never show the needle's response tell nothing about
it: every needle not yet refuted looks as likely as none at all. A learner that plays the most likely reward may stay
with a policy that never looks again; optimism looks. With the defaults (A = 30, decay 0.15, depth 27, beta = 0.1) the
reference finds the needle once in 400 draws and is worth 0.13 less than pi*.

Source: simbench; a world for [xie2024, Theorem 3.1].
"""

import numpy as np
from scipy.special import logsumexp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Index, Positive, Probability, parameters, register
from simbench.tape import Key


@register("family", "needle")
@parameters
class Needle:
    """A finite class of one needle per response, the true one deep in a geometric tail.

    Args:
        responses: A; the class has A + 1 members.
        decay: nats of reference probability lost per response.
        depth: index of the response that pays, below `responses`.
        background: every other response pays background * R.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    responses: Count = 30
    decay: Positive = 0.15
    depth: Index = 27
    background: Probability = 0.3
    beta: Positive = 0.1
    reward_bound: Positive = 1.0

    def __post_init__(self) -> None:
        """Refuse a needle outside the responses."""
        if self.depth >= self.responses:
            raise SimbenchError(
                f"depth is {self.depth}; with {self.responses} responses it is at most {self.responses - 1}."
            )

    def draw(self, key: Key) -> Bandit:
        """Return the world; the key does not matter."""
        log_weight = -self.decay * np.arange(self.responses)
        members = np.full((1 + self.responses, 1, self.responses), self.background * self.reward_bound)
        members[1:, 0][np.diag_indices(self.responses)] = self.reward_bound
        return Bandit(
            rho=[1.0],
            log_ref=(log_weight - logsumexp(log_weight))[None, :],
            reward=members[1 + self.depth],
            beta=self.beta,
            reward_bound=self.reward_bound,
            reward_class=members,
        )
