"""VPO: value-incentivised preference optimisation is XPO with a calibration policy of one's choice.

    VPO   min_r   loss(r) - alpha J*(r)                        over rewards with E_cal r = 0
    XPO   min_pi  loss_DPO(pi) + alpha beta E_cal log(pi/ref)   cal = ref

agree at pi = G(r), reward by reward; alpha < 0 gives the offline, pessimistic version: DPO plus an SFT term.
"""

from simbench import quantities as q
from simbench.quantities.losses.dpo_loss import dpo_loss
from simbench.quantities.losses.optimism import calibrated, implicit_bonus, optimistic_value, preference_loss
from simbench.theory.optimism.xie2024 import attained_value
from simbench.verify import Control, Identity, claim
from simbench.verify.domains import Free, Instances, Reward, Scalar, Worlds

WORLDS = Worlds(shapes=((2, 3),))


@claim("vpo_bonus_is_optimism", source="cen2024; simbench")
class VPOBonusIsOptimism(Identity):
    """J*(r) = -beta E_cal log(G(r)/ref) for every reward with E_cal r = 0, for every calibration policy cal.

    Measured: E_pi r - beta KL(pi||ref) at pi = G(r), r centred under cal.
    Controls: the other sign; the reward centred under ref while the bonus is drawn from cal.
    """

    domain = Instances(WORLDS, estimate=Reward(), calibration=Free(depth=20.0))
    controls = (
        Control("the other sign", constant=-1.0),
        Control(
            "centred under ref, drawn from cal",
            measured=lambda x: attained_value(x.world, calibrated(x.world, x.estimate)),
        ),
    )

    def measured(self, x):
        return attained_value(x.world, calibrated(x.world, x.estimate, x.calibration))

    def theory(self, x):
        return implicit_bonus(x.world, q.gibbs(x.world, x.estimate), x.calibration)


@claim("vpo_is_xpo_under_calibration", source="cen2024; xie2024; simbench")
class VPOIsXPOUnderCalibration(Identity):
    """loss(r) - alpha J*(r) = loss_DPO(G(r)) + alpha beta E_ref log(G(r)/ref) for E_ref r = 0, alpha of either sign.

    Population losses of comparisons whose two responses come from any mu. alpha > 0 is VPO's online objective on
    the left and XPO's on the right; alpha < 0 is pessimism on the left and DPO + SFT on the right.
    Controls: a reward that is not calibrated; the other sign of the bonus; the bonus on the responses of the data.
    """

    domain = Instances(WORLDS, estimate=Reward(), log_data=Free(depth=10.0), alpha=Scalar(-2.0, 2.0))
    controls = (
        Control("no calibration", measured=lambda x: vpo_objective(x, x.estimate)),
        Control("the other sign", theory=lambda x: xpo_objective(x, x.world.log_ref, sign=-1.0)),
        Control("the bonus on the data's responses", theory=lambda x: xpo_objective(x, x.log_data)),
    )

    def measured(self, x):
        return vpo_objective(x, calibrated(x.world, x.estimate))

    def theory(self, x):
        return xpo_objective(x, x.world.log_ref)


def vpo_objective(x, reward):
    """Return loss(r) - alpha J*(r)."""
    return preference_loss(x.world, reward, x.log_data) - x.alpha * optimistic_value(x.world, reward)


def xpo_objective(x, samples, sign=1.0):
    """Return loss_DPO(pi) + sign alpha beta E_samples log(pi/ref) at pi = G(r)."""
    log_policy = q.gibbs(x.world, x.estimate)
    bonus = implicit_bonus(x.world, log_policy, samples)
    return dpo_loss(x.world, log_policy, x.log_data) - sign * x.alpha * bonus
