"""DPO by stochastic gradients: one pass over fresh labels against many passes over few.

The study `dpo_passes` descends DPO's loss in policy logits with one step size and one batch, on the same tape: until
the smaller data set has been read the runs are the same to the bit. After it, fresh labels go on telling about the
population and repeated ones about themselves. What is measured is the mean policy over steps; the last one keeps the
noise of the step.
Source: rafailov2023 (DPO, arXiv 2305.18290); averaged stochastic gradients, Polyak and Juditsky (1992); `simbench`.
"""

from simbench.verify import Altered, Order, Rate, claim

STUDY = "dpo_passes"
FRESH, FEW, SOME = "one pass", "250 labels", "1000 labels"
GAP = "average_value_gap"


@claim("fresh_labels_beat_repeated_ones", source="rafailov2023; simbench")
class FreshLabelsBeatRepeatedOnes(Order):
    """E gap(one pass) <= E gap(many passes over 1000 labels)/4 after as many steps of DPO by gradients.

    gap = J(pi*) - J(mean policy over steps), at the end of runs of at least 4000 steps of 8 labels.
    Controls: the order reversed; 250 labels in place of fresh ones.
    """

    study = STUDY
    smaller, larger = FRESH, SOME
    column = GAP
    factor = 0.25
    controls = (
        Altered("the order reversed", smaller=SOME, larger=FRESH),
        Altered("250 labels in place of fresh ones", smaller=FEW),
    )


@claim("averaged_dpo_gap_falls_like_one_over_n", source="rafailov2023; simbench")
class AveragedGap(Rate):
    """E gap(mean policy over i steps) ~ i^p with -1.25 <= p <= -0.75 over the last decade of one pass of DPO.

    Averaged stochastic gradients reach the statistical rate 1/n, and the KL-regularised gap is quadratic in the error.
    Controls: p = -1/2 up to 0.15; passes over 1000 labels, whose gap stays; the last policy, which keeps the noise.
    """

    study = STUDY
    learner = FRESH
    column = GAP
    at_least, at_most = -1.25, -0.75
    decades = 1.0
    controls = (
        Altered("the rate 1/sqrt(n)", at_least=-0.65, at_most=-0.35),
        Altered("passes over 1000 labels", learner=SOME),
        Altered("the last policy", column="value_gap"),
    )
