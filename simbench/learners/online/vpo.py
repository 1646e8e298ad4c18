"""VPO: online DPO with optimism about the value itself, calibrated to the reference.

    r_{t+1} = argmin_r   sum_{i <= t} -log sigmoid(r(winner_i) - r(loser_i))  -  w_t J*(r),       E_ref r(s, .) = 0,
    J*(r)   = E_s [beta log Z_r(s)]        and for other r:  E_s [beta log Z_r(s) - E_ref r(s, .)];     pi_t = G(r_t)

weight = "per_label": w_t grows with the data, by alpha / beta at each label's prompt, and the bonus is XPO's with the
expectation over the reference draw taken exactly. weight = "constant": w = alpha / beta over the whole run, as the
paper's tuned coefficient. Source: cen2024, Algorithm 1 (online).
"""

from typing import Literal

from simbench.learners.function_classes import FittedLearner
from simbench.learners.parts.bonuses import Calibrated
from simbench.learners.parts.samplers import Reference
from simbench.learners.sentence import Parts
from simbench.registry import Finite, parameters, register


@register("learner", "vpo")
@parameters
class VPO(FittedLearner):
    """Value-incentivised preference optimisation, refitted after every label.

    Args:
        alpha: weight of the bonus (nats), per label or in all; negative is the wrong sign (pessimism).
        weight: whether the bonus grows with the labels or is there from the start.
    """

    alpha: Finite = 1e-3
    weight: Literal["per_label", "constant"] = "per_label"

    def parts(self) -> Parts:
        """Likelihood with a calibrated bonus; slot 2 samples the reference."""
        return Parts(
            model=self.function_class(),
            bonus=Calibrated(alpha=self.alpha, weight=self.weight),
            second=Reference(),
        )
