"""Greedy sampling is enough: KL-regularised regret of order log T [wu2025], with neither bonus nor confidence set.

On a fixed world with beta > 0 the gap of the Gibbs policy of an estimate is quadratic in the estimation error (see
`gap_path`), the square of which falls like 1/t: greedy learning pays about c/t in round t, hence c log T in all. Both
published forms are claimed: the comparator drawn from the reference, as in the paper, and from the learner itself.

The law is asymptotic. The study `greedy_even` plays one fixed world in which it can be seen from a few hundred rounds
on: eight responses, rewards in equal steps, R/beta = 2. (With random rewards two responses may nearly tie, and the law
sets in when they are told apart; the paper's synthetic worlds have many contexts.)
"""

from simbench.verify import Altered, Order, Rate, claim

STUDY = "greedy_even"
LOG = 0.1  # a growth exponent that small cannot be told from a logarithm within two decades


class Logarithmic(Rate):
    """The growth of the regret per unit of log T has exponent 0, up to LOG."""

    study = STUDY
    population = "worlds"  # one fixed world
    growth = True
    decades = 2.0
    at_least, at_most = -LOG, LOG
    controls = (
        Altered("the law sqrt T", at_least=0.5 - LOG, at_most=0.5 + LOG),
        Altered("a plateau", at_least=None, at_most=-2 * LOG),
        Altered("a policy that never learns", learner="reference"),
    )


@claim("greedy_regret_is_logarithmic", source="wu2025; zhao2025")
class GreedyRegretIsLogarithmic(Logarithmic):
    """E R_T = c log T + O(1): dR/d log T = b T^p with |p| <= 0.1, over the last two decades of rounds.

    R_T is regret after T rounds. Weaker than the law for some c: an exponent p stands in its place, on one world.
    Greedy online DPO, first response from G(rhat), second from the reference. Measured: the exponent p of the mean
    regret over runs; log T has p = 0, sqrt T has 1/2, a plateau p < 0. Controls: the same runs claimed to follow sqrt
    T, or to approach a plateau; a policy that never learns.
    """

    learner = "greedy, reference"


@claim("self_sampling_regret_is_logarithmic", source="wu2025; simbench")
class SelfSamplingRegretIsLogarithmic(Logarithmic):
    """E R_T = c log T + O(1) when both responses come from G(rhat): |p| <= 0.1 for dR/d log T = b T^p.

    As `greedy_regret_is_logarithmic`, for some c. What [wu2025] proves for a comparator from the reference is
    observed for self-sampling too, on a smooth class with full support. Controls: as for
    `greedy_regret_is_logarithmic`.
    """

    learner = "greedy, self"


@claim("greedy_beats_the_reference", source="wu2025; simbench")
class GreedyBeatsTheReference(Order):
    """E R_T(greedy) <= E R_T(reference) / 20 at the study's last round (T >= 4e4).

    R_T is regret after T rounds; the factor is ours. Log T against T: the factor is far from what the laws allow at
    this T, and far from one. Paired by world and run, on the same tape. Controls: the order reversed; a thousandth in
    place of a twentieth.
    """

    study = STUDY
    population = "worlds"
    smaller, larger = "greedy, reference", "reference"
    factor = 1 / 20
    controls = (
        Altered("the order reversed", smaller="reference", larger="greedy, reference"),
        Altered("a thousandth", factor=1e-3),
    )
