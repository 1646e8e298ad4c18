"""Hidden optima: every member of a finite class says that another rare response is the good one.

    r^m(s, a) = R if a = j_m(s), else background * R,         j_m(s) uniform over the prompt's `places`, m = 0 … M - 1
    r* = r^k, k uniform;    ref(a|s) ∝ e^{-decay a};    places of s: that many responses between the depths

Common responses tell nothing. A learner without help must play members one after another until the truth is left, the
longer, the more of them there are; data of any policy that plays the truth's responses settle it in a few labels. So
this is where coverage, not the size of the class, decides what transfer is worth. `places` moves the coverability,
C_cov(Pi) ~ min(places, e^{R/beta}), while the size of the class stays.

Source: `simbench`; a world for [huang2025, Theorems 3.2 and 4.4], after the needle of [xie2024].
"""

import numpy as np
from scipy.special import logsumexp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Count, Index, Positive, Probability, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import integers, uniform


@register("family", "hidden_optima")
@parameters
class HiddenOptima:
    """A finite class of rewards, each with one good response per prompt.

    Args:
        members: M.
        prompts: S.
        responses: A.
        places: how many responses of a prompt are the good one of some member; at most what the depths hold.
        decay: nats of reference probability lost per response.
        depth_low: the shallowest place.
        depth_high: the deepest place, below `responses`.
        background: every other response pays background * R.
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    members: Count = 256
    prompts: Count = 5
    responses: Count = 40
    places: Count = 11
    decay: Positive = 0.2
    depth_low: Index = 20
    depth_high: Index = 30
    background: Probability = 0.3
    beta: Positive = 0.06
    reward_bound: Positive = 1.0

    def __post_init__(self) -> None:
        """Refuse depths that are no responses, or hold fewer places than are asked for."""
        if not self.depth_low <= self.depth_high < self.responses:
            raise SimbenchError(
                f"depth_low is {self.depth_low}, depth_high {self.depth_high}; they must be in order and below "
                f"responses, {self.responses}."
            )
        held = self.depth_high - self.depth_low + 1
        if self.places > held:
            raise SimbenchError(f"places is {self.places}; the depths hold {held}.")

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        held = self.depth_high - self.depth_low + 1
        order = np.argsort(uniform(key, "places", (self.prompts, held), 0.0, 1.0), axis=1)
        places = self.depth_low + order[:, : self.places]  # [S, places]
        chosen = integers(key, "members", (self.members, self.prompts), 0, self.places - 1)
        good = np.take_along_axis(places[None], chosen[:, :, None], axis=2)  # [M, S, 1]
        shape = (self.members, self.prompts, self.responses)
        members = np.full(shape, self.background * self.reward_bound)
        np.put_along_axis(members, good, self.reward_bound, axis=2)
        log_weight = -self.decay * np.arange(self.responses)
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=np.tile(log_weight - logsumexp(log_weight), (self.prompts, 1)),
            reward=members[int(integers(key, "truth", (), 0, self.members - 1))],
            beta=self.beta,
            reward_bound=self.reward_bound,
            reward_class=members,
        )
