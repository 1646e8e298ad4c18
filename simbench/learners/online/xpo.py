"""XPO: online DPO with optimism from the reference's own draws.

    pi_1 = ref.  Round t:  s ~ rho,  a ~ pi_t,  b ~ ref,  label;
    pi_{t+1} = argmin_pi   alpha sum_{i <= t} log pi(b_i|s_i)
                         - sum_{i <= t} log sigmoid( beta log pi/ref (winner_i) - beta log pi/ref (loser_i) )

The sum runs over the reference draws b_i, and its sign is plus: pushing their probability down leaves mass for what
the reference hardly emits. In expectation it is -alpha t J*(r)/beta for r calibrated to E_ref r = 0: optimism about the
value. The published weight is of the order of (beta / (R e^{2R})) sqrt(log|Pi| / (T C_cov)).
Source: xie2024, Algorithm 1.
"""

from simbench.learners.function_classes import FittedLearner
from simbench.learners.parts.bonuses import ReferenceDraws
from simbench.learners.parts.samplers import Reference
from simbench.learners.sentence import Parts
from simbench.registry import Finite, parameters, register


@register("learner", "xpo")
@parameters
class XPO(FittedLearner):
    """Exploratory preference optimisation, refitted after every label.

    Args:
        alpha: weight of the bonus per label (nats); 0 is online DPO against the reference, negative the wrong sign.
    """

    alpha: Finite = 1e-3

    def parts(self) -> Parts:
        """Likelihood with a bonus on the draws of slot 2, the reference."""
        return Parts(model=self.function_class(), bonus=ReferenceDraws(alpha=self.alpha), second=Reference())
