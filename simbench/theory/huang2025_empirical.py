"""Empirical TPO against its baselines, in a synthetic analogue of the summarisation experiment.

The studies `empirical_tpo` and `empirical_tpo_noise` play the learner with a judge without doubt, so that a win rate is
how often one policy's response is the better one. Baselines run beside it, on the same tape; a policy wins one half of
the time against itself, which is what `no transfer` stands for where it is not the baseline itself. Ten worlds, runs
paired, after three iterations. Margins were fixed on runs of another seed than the studies'.

Published values (T5 summarisation, three seeds) are 54.0, 53.3 and 50.6 per cent in the third iteration; orders carry
over, sizes need not. Source: huang2025, Table 1.
"""

from simbench.verify import Altered, Order, claim

STUDY, NOISE = "empirical_tpo", "empirical_tpo_noise"
TPO, WITHOUT, UNPAID = "tpo", "no transfer", "null arm unpaid"


class HeadToHead(Order):
    """A win rate of TPO against a baseline, beside one half on the other side."""

    study = STUDY
    smaller, larger = WITHOUT, TPO

    def measured(self, rows):
        return rows[self.column].where(rows["learner"] == TPO, 0.5)


@claim("empirical_tpo_beats_no_transfer", source="huang2025, Table 1; simbench")
class BeatsNoTransfer(HeadToHead):
    """P(pi_TPO > pi_none) >= 0.5 + 0.1 after three iterations; pi_none is trained without any source.

    Controls: the order reversed; a margin of 0.4.
    """

    column = "win_rate_against_none"
    margin = 0.1
    controls = (
        Altered("the order reversed", smaller=TPO, larger=WITHOUT),
        Altered("a margin of 0.4", margin=0.4),
    )


@claim("empirical_tpo_beats_worst_source", source="huang2025, Table 1; simbench")
class BeatsWorstSource(HeadToHead):
    """P(pi_TPO > pi_worst) >= 0.5 + 0.15 after three iterations; pi_worst always uses the source of largest gap.

    Controls: the order reversed; a margin of 0.45.
    """

    column = "win_rate_against_worst"
    margin = 0.15
    controls = (
        Altered("the order reversed", smaller=TPO, larger=WITHOUT),
        Altered("a margin of 0.45", margin=0.45),
    )


@claim("empirical_tpo_as_good_as_best_source", source="huang2025, Table 1; simbench")
class AsGoodAsBestSource(HeadToHead):
    """P(pi_TPO > pi_best) >= 0.5 - 0.02 after three iterations: not knowing the best source costs two points at most.

    Controls: no transfer is no worse than TPO, either; five points better than the best source.
    """

    column = "win_rate_against_best"
    margin = -0.02
    controls = (
        Altered("no transfer no worse either", column="win_rate_against_none", smaller=TPO, larger=WITHOUT),
        Altered("five points better", margin=0.05),
    )


@claim("empirical_tpo_no_better_than_best_source", source="huang2025, Table 1; simbench")
class NoBetterThanBestSource(HeadToHead):
    """P(pi_TPO > pi_best) <= 0.5 + 0.02 after three iterations, the other side of the equivalence.

    Controls: five points worse; no better than the baseline without transfer, either.
    """

    smaller, larger = TPO, WITHOUT
    column = "win_rate_against_best"
    margin = -0.02
    controls = (
        Altered("five points worse", margin=0.05),
        Altered("no better than no transfer", column="win_rate_against_none"),
    )


@claim("empirical_tpo_leaves_noise_alone", source="huang2025, Algorithm 3; simbench")
class LeavesNoiseAlone(Order):
    """When no source correlates with r*, the null arm gets 300 more of 1000 prompts than if it were unpaid.

    The best of eight is among a useless source's four in fewer than half of the prompts, which is the null arm's bar.
    Controls: the order reversed; a margin of 900.
    """

    study = NOISE
    smaller, larger = UNPAID, TPO
    column = "pulls_null"
    margin = 300.0
    controls = (
        Altered("the order reversed", smaller=TPO, larger=UNPAID),
        Altered("a margin of 900", margin=900.0),
    )


class EvenOnNoise(HeadToHead):
    """TPO and the baseline without transfer, when there is nothing to transfer."""

    study = NOISE
    column = "win_rate_against_none"
    margin = -0.08


@claim("empirical_tpo_loses_little_on_noise", source="huang2025, Algorithm 3; simbench")
class LosesLittleOnNoise(EvenOnNoise):
    """P(pi_TPO > pi_none) >= 0.5 - 0.08 after three iterations with four useless sources: what finding out costs.

    Controls: a margin of five points in its favour.
    """

    smaller, larger = UNPAID, TPO
    controls = (Altered("five points better", margin=0.05),)


@claim("empirical_tpo_gains_nothing_on_noise", source="huang2025, Algorithm 3; simbench")
class GainsNothingOnNoise(EvenOnNoise):
    """P(pi_TPO > pi_none) <= 0.5 + 0.08 after three iterations with four useless sources: nothing comes of nothing.

    Controls: fifteen points worse.
    """

    smaller, larger = TPO, UNPAID
    controls = (Altered("fifteen points worse", margin=0.15),)
