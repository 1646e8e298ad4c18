"""Online DPO: fit by maximum likelihood, play the Gibbs policy of the fit.

    rhat_t = argmin_r  - sum_{i < t} log sigmoid(r[s_i, winner_i] - r[s_i, loser_i]) + regulariser(r)
    pi_t   = G(rhat_t) = ref exp(rhat_t / beta) / Z                                                     (pi_0 = ref)
    round t:   s ~ rho,   a ~ pi_t,   b ~ pi_t (second = "self") or b ~ ref (second = "reference")

DPO's policy parametrisation and the reward parametrisation have the same minimisers up to a shift per prompt, so the
fit is solved in rewards. Sampling both responses from pi_t is greedy sampling [wu2025]; a fresh comparator from ref is
the scheme of [huang2025, Algorithm 1].
Source: xiong2024; guo2024 (online DPO); wu2025.
"""

from typing import Literal

from simbench.learners.function_classes import FittedLearner
from simbench.learners.parts.samplers import Own, Reference
from simbench.learners.sentence import Parts
from simbench.registry import parameters, register


@register("learner", "online_dpo")
@parameters
class OnlineDPO(FittedLearner):
    """Greedy online DPO: Gibbs policy of the solved Bradley-Terry fit, refitted after every label.

    Args:
        second: whom slot 2 samples, the policy itself ("self") or the reference ("reference").
    """

    second: Literal["self", "reference"] = "self"

    def parts(self) -> Parts:
        """Likelihood, own policy against itself or the reference."""
        return Parts(model=self.function_class(), second=Own() if self.second == "self" else Reference())
