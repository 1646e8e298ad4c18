"""Online IPO: the squared loss in place of the likelihood.

    minimise   sum_i ( h(winner_i) - h(loser_i) - 1 / (2 beta) )^2,      h = log pi/ref,      pi_t = G(r), r = beta h,

solved in rewards, where it reads sum_i (r(winner_i) - r(loser_i) - 1/2)^2 / beta^2: a least squares problem whose
population optimum compresses rewards (r_a - r_b = P(a > b) - 1/2 for two responses) and stays finite on separable
data. The target is 1/(2 beta); beta/2, which is also in print, regularises the wrong way.
Source: azar2024, Section 5; calandriello2024 (online IPO).
"""

from typing import Literal

from simbench.learners.function_classes import FittedLearner
from simbench.learners.parts.losses import Squared
from simbench.learners.parts.samplers import Own, Reference
from simbench.learners.sentence import Parts
from simbench.registry import parameters, register


@register("learner", "online_ipo")
@parameters
class OnlineIPO(FittedLearner):
    """Identity preference optimisation on fresh comparisons, refitted after every label.

    Args:
        second: whom slot 2 samples, the policy itself ("self") or the reference ("reference").
    """

    second: Literal["self", "reference"] = "self"

    def parts(self) -> Parts:
        """Squared loss, own policy against itself or the reference."""
        return Parts(
            model=self.function_class(),
            loss=Squared(),
            second=Own() if self.second == "self" else Reference(),
        )
