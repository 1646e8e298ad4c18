"""Random finite classes: M rewards, one of which is the truth.

    r^m(s, a) ~ U[0, R], independent over m, s, a;     r* = r^k, k uniform;     ref ~ Dirichlet

The class to which theorems with log |class| apply with exact constants: the truth is a member, to the bit.

Source: simbench; the setting of [huang2025].
"""

import numpy as np

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import integers, log_dirichlet, uniform
from simbench.worlds.families.random_tabular import Concentration


@register("family", "random_finite")
@parameters
class RandomFinite:
    """Dirichlet reference, a class of uniform rewards with the truth at a random place.

    Args:
        members: M.
        prompts: S.
        responses: A.
        concentration: of the Dirichlet that every row of the reference is drawn from, in [1e-6, 1e6].
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units).
    """

    members: Count = 256
    prompts: Count = 5
    responses: Count = 10
    concentration: Concentration = 1.0
    beta: Positive = 0.1
    reward_bound: Positive = 1.0

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        cells = (self.prompts, self.responses)
        members = uniform(key, "members", (self.members, *cells), 0.0, self.reward_bound)
        truth = int(integers(key, "truth", (), 0, self.members - 1))
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=log_dirichlet(key, "log_ref", cells, self.concentration),
            reward=members[truth],
            beta=self.beta,
            reward_bound=self.reward_bound,
            reward_class=members,
        )
