"""Optimism at work: XPO and VPO on a world where greedy learning may never look where the reward is.

The study `needle` plays XPO with weights alpha from -3e-3 to 3e-3 over a finite class: one response of thirty pays,
deep in the tail of the reference. A run is *stuck* when its last policy is further from pi* than half of what the
reference is: it plays a reward that its data do not refute and that keeps it from seeing what would. Greedy learning
(alpha = 0) is stuck in about a sixth of the runs; the weight that theory suggests, of the order 4e-4, frees nearly all;
the wrong sign holds most of them fast; and alpha = 3e-3 per label outgrows the likelihood, so that the learner chases
what the reference hardly emits for ever.

The statements of xie2024 are orders, recalled; the margins (150, 20, .05, 75) and weights are ours, alpha in nats per
label. The world is the same in all runs, and the claims are about it. Margins were fixed on runs of other seeds than
the study's.
"""

from simbench import quantities as q
from simbench.compiling import quickly
from simbench.verify import Altered, Order, Probable, Rate, claim

STUDY = "needle"
OPTIMISTIC, GREEDY, VALUE = "xpo, 6e-4", "greedy", "vpo, 6e-4"
PESSIMISTIC = "wrong sign, 1e-3"


def reference_gap(world):
    """Return {"reference_gap": J(pi*) - J(ref)}."""
    return {"reference_gap": _reference_gap(world)}


@quickly
def _reference_gap(world):
    return q.value_gap(world, world.log_ref)


def stuck(rows):
    """Return whether each row's policy is further from the optimum than half of what the reference is."""
    return rows["value_gap"] > 0.5 * rows["reference_gap"]


@claim("xpo_wrong_sign_loses", source="xie2024; simbench")
class XPOWrongSignLoses(Order):
    """E R_T(alpha = 1e-3) <= E R_T(alpha = -1e-3) - 150 on the needle, T = 6000.

    The bonus is + alpha sum log pi(b_i|s_i) over reference draws, minimised. With the other sign it is the SFT term of
    offline objectives, which keeps the policy near what the reference emits. Units: reward, of regret; R = 1.
    Controls: the order reversed; greedy in place of the right sign at a margin that optimism does not reach.
    """

    study = STUDY
    population = "worlds"
    smaller, larger = "xpo, 1e-3", PESSIMISTIC
    margin = 150.0
    controls = (
        Altered("the order reversed", smaller=PESSIMISTIC, larger="xpo, 1e-3"),
        Altered("the stronger wrong sign in place of the right one", smaller="wrong sign, 3e-3"),
    )


@claim("optimism_saves_regret", source="xie2024; simbench")
class OptimismSavesRegret(Order):
    """E R_T(XPO, alpha = 6e-4) <= E R_T(greedy) - 20 on the needle, T = 6000.

    Greedy is the same learner with alpha = 0, paired run by run on the same tape. The saving grows with T, because a
    stuck run pays the reference's gap in every round.
    Controls: the wrong sign, and far too much optimism, in place of XPO.
    """

    study = STUDY
    population = "worlds"
    smaller, larger = OPTIMISTIC, GREEDY
    margin = 20.0
    controls = (
        Altered("the wrong sign", smaller=PESSIMISTIC),
        Altered("alpha = 3e-3", smaller="xpo, 3e-3"),
    )


@claim("optimism_frees_stuck_runs", source="xie2024; simbench")
class OptimismFreesStuckRuns(Order):
    """P(greedy is stuck at T) - P(XPO, alpha = 6e-4, is stuck at T) >= 0.05 on the needle, T = 6000.

    Stuck: J(pi*) - J(pi_T) is above half of the reference's gap. Controls: the wrong sign in place of XPO; a margin of
    one half.
    """

    study = STUDY
    population = "worlds"
    smaller, larger = OPTIMISTIC, GREEDY
    margin = 0.05
    bounds = (0.0, 1.0)
    controls = (
        Altered("the wrong sign", smaller=PESSIMISTIC),
        Altered("a margin of one half", margin=0.5),
    )

    def constants(self, world):
        return reference_gap(world)

    def measured(self, rows):
        return stuck(rows)


@claim("optimism_leaves_few_stuck", source="xie2024; simbench")
class OptimismLeavesFewStuck(Probable):
    """P(a run of XPO with alpha = 6e-4 is not stuck at T = 6000) >= 0.95 on the needle.

    Controls: greedy; the wrong sign; far too much optimism, whose runs never settle.
    """

    study = STUDY
    population = "worlds"
    learner = OPTIMISTIC
    delta = 0.05
    checkpoints = "last"
    controls = (
        Altered("greedy", learner=GREEDY),
        Altered("the wrong sign", learner=PESSIMISTIC),
        Altered("alpha = 3e-3", learner="xpo, 3e-3"),
    )

    def constants(self, world):
        return reference_gap(world)

    def violates(self, rows):
        return stuck(rows)


class AsGood(Order):
    """E R_T(smaller) <= E R_T(larger) + 75: no worse, up to a quarter of what either pays.

    VPO with a bonus per label is XPO with the expectation over the reference draw taken: given the past, both add the
    same to every objective in expectation (claim `vpo_bonus_is_optimism`). Their regrets then differ by noise alone;
    both directions together are an equivalence test (two one-sided tests).
    """

    study = STUDY
    population = "worlds"
    margin = -75.0


@claim("vpo_as_good_as_xpo", source="cen2024; xie2024; simbench")
class VPOAsGoodAsXPO(AsGood):
    """E R_T(VPO, per label) <= E R_T(XPO) + 75 on the needle, alpha = 6e-4, T = 6000 (either pays about 330).

    One side of an equivalence, see `xpo_as_good_as_vpo`. Controls: the wrong sign, and alpha = 3e-3, in VPO's place.
    """

    smaller, larger = VALUE, OPTIMISTIC
    controls = (
        Altered("the wrong sign", smaller=PESSIMISTIC),
        Altered("alpha = 3e-3", smaller="xpo, 3e-3"),
    )


@claim("xpo_as_good_as_vpo", source="cen2024; xie2024; simbench")
class XPOAsGoodAsVPO(AsGood):
    """E R_T(XPO) <= E R_T(VPO, per label) + 75 on the needle, alpha = 6e-4, T = 6000 (either pays about 330).

    The other side of `vpo_as_good_as_xpo`. Controls: the wrong sign, and alpha = 3e-3, in XPO's place.
    """

    smaller, larger = OPTIMISTIC, VALUE
    controls = (
        Altered("the wrong sign", smaller=PESSIMISTIC),
        Altered("alpha = 3e-3", smaller="xpo, 3e-3"),
    )


@claim("too_much_optimism_is_linear", source="xie2024; simbench")
class TooMuchOptimismIsLinear(Rate):
    """E R_T grows at least like T^0.9 on the needle when alpha = 3e-3 (slope over the last 0.7 decades, T = 6000).

    The bonus per label then pulls harder than the evidence of one comparison, so refuted hypotheses come back.
    Controls: greedy, which is stuck in some runs only; alpha = 6e-4.
    """

    study = STUDY
    population = "worlds"
    learner = "xpo, 3e-3"
    at_least = 0.9
    decades = 0.7
    controls = (
        Altered("greedy", learner=GREEDY),
        Altered("alpha = 6e-4", learner=OPTIMISTIC),
    )
