"""Empirical TPO against its baselines, in a synthetic analogue of the summarisation experiment.

The studies `empirical_tpo` and `empirical_tpo_noise` play the learner with a judge without doubt, so that a win rate is
how often one policy's response is the better one. Baselines run beside it, on the same tape, and a policy wins one half
of the time against itself. Worlds are drawn from a family, which the claims are about: 64 and 96 of them, of one run
each, and more runs at paper; after three iterations. Limits were fixed on runs of another seed than the studies'.

Published values (T5 summarisation, three seeds) are 54.0, 53.3 and 50.6 per cent in the third iteration; orders carry
over, sizes need not: the limits below (.60, .65, .02 around one half, 300 of 1000) are ours. Source: huang2025, Table
1.
"""

from simbench.verify import Altered, Level, claim

STUDY, NOISE = "empirical_tpo", "empirical_tpo_noise"
EVEN = Altered("one half", at_least=0.49, at_most=0.51)


class HeadToHead(Level):
    """A win rate of TPO against a baseline after the last iteration."""

    study = STUDY


@claim("empirical_tpo_beats_no_transfer", source="huang2025, Table 1; simbench")
class BeatsNoTransfer(HeadToHead):
    """P(pi_TPO > pi_none) >= 0.6 after three iterations; pi_none is trained without any source.

    Controls: one half; 0.9 and more.
    """

    column = "win_rate_against_none"
    at_least = 0.6
    controls = (EVEN, Altered("nine in ten", at_least=0.9))


@claim("empirical_tpo_beats_worst_source", source="huang2025, Table 1; simbench")
class BeatsWorstSource(HeadToHead):
    """P(pi_TPO > pi_worst) >= 0.65 after three iterations; pi_worst always uses the source of largest gap.

    Controls: one half; 0.95 and more.
    """

    column = "win_rate_against_worst"
    at_least = 0.65
    controls = (EVEN, Altered("nineteen in twenty", at_least=0.95))


@claim("empirical_tpo_as_good_as_best_source", source="huang2025, Table 1; simbench")
class AsGoodAsBestSource(HeadToHead):
    """0.48 <= P(pi_TPO > pi_best) <= 0.52 after three iterations: not knowing the best source is two points, no more.

    Controls: no transfer and the worst source in the place of the best one; five points better.
    """

    column = "win_rate_against_best"
    at_least, at_most = 0.48, 0.52
    controls = (
        Altered("no transfer is as good", column="win_rate_against_none"),
        Altered("the worst source is as good", column="win_rate_against_worst"),
        Altered("five points better", at_least=0.55, at_most=None),
    )


@claim("empirical_tpo_leaves_noise_alone", source="huang2025, Algorithm 3; simbench")
class LeavesNoiseAlone(Level):
    """When no source correlates with r*, the null arm gets 300 of 1000 prompts and more in the last iteration.

    There are five arms, and 200 are a fair share. The best of eight is among a useless source's four in fewer than half
    of the prompts, which is the null arm's bar. Controls: the fair share; 900 and more.
    """

    study = NOISE
    column = "pulls_null"
    at_least = 300.0
    controls = (
        Altered("a fair share", at_least=180.0, at_most=220.0),
        Altered("nearly all", at_least=900.0),
    )


@claim("empirical_tpo_even_on_noise", source="huang2025, Algorithm 3; simbench")
class EvenOnNoise(Level):
    """0.42 <= P(pi_TPO > pi_none) <= 0.52 after three iterations with four useless sources.

    Nothing comes of nothing, and finding out costs a few points. Controls: five points better; fifteen points worse.
    """

    study = NOISE
    column = "win_rate_against_none"
    at_least, at_most = 0.42, 0.52
    controls = (
        Altered("five points better", at_least=0.55, at_most=None),
        Altered("fifteen points worse", at_least=None, at_most=0.35),
    )
