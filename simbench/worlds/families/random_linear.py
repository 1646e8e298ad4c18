"""Random log-linear worlds: rewards linear in random features.

    phi(s, a) uniform on the unit sphere of R^d,   theta* uniform in the ball of radius R/2,   ref ~ Dirichlet
    r*(s, a) = phi(s, a) . theta* + R/2,  in [0, R]

The constant R/2 is seen by no policy and no comparison: r* lies in the linear class of radius R/2.

Source: simbench; the class of [xiong2024].
"""

import numpy as np

from simbench.bandit import Bandit
from simbench.registry import Count, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import log_dirichlet, unit_uniform, unit_vectors
from simbench.worlds.families.random_tabular import Concentration


@register("family", "random_linear")
@parameters
class RandomLinear:
    """Unit features, parameters in the ball of radius R/2, Dirichlet reference.

    Args:
        prompts: S.
        responses: A.
        dimension: d.
        concentration: of the Dirichlet that every row of the reference is drawn from, in [1e-6, 1e6].
        beta: regularisation strength (reward units per nat).
        reward_bound: R (reward units); the parameters' norm is at most R/2.
    """

    prompts: Count = 10
    responses: Count = 10
    dimension: Count = 5
    concentration: Concentration = 1.0
    beta: Positive = 0.1
    reward_bound: Positive = 1.0

    def draw(self, key: Key) -> Bandit:
        """Return the world that belongs to `key`."""
        cells = (self.prompts, self.responses)
        features = unit_vectors(key, "features", cells, self.dimension)
        radius = self.reward_bound / 2
        length = radius * float(unit_uniform(key, "length", ())) ** (1 / self.dimension)
        theta = length * unit_vectors(key, "theta", (), self.dimension)
        return Bandit(
            rho=np.full(self.prompts, 1.0 / self.prompts),
            log_ref=log_dirichlet(key, "log_ref", cells, self.concentration),
            reward=np.clip(features @ theta + radius, 0.0, self.reward_bound),
            beta=self.beta,
            reward_bound=self.reward_bound,
            features=features,
        )
