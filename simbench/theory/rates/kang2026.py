"""Bounded regret at temperature zero [kang2026]: the likeliest response is right for good after finitely many labels.

The regret at temperature zero charges max_a r*(a) - r*(argmax_a pi_t(a)). On a world with a unique best response and a
uniform reference the optimal policy's likeliest response is the best one, and greedy learning identifies it at an
exponential rate in the squared gap to the second best: the regret is O(1) while the KL-regularised regret of the same
runs keeps growing like log T. The study `greedy_even` plays one world, in which the gap is R/7.
"""

from simbench.verify import Altered, Rate, claim


@claim("temperature_zero_regret_stops", source="kang2026; simbench")
class TemperatureZeroRegretStops(Rate):
    """E R_T^argmax = O(1) for greedy online DPO: dR/d log T = b T^p with p <= -0.1.

    R_T^argmax is the regret of the likeliest response. Weaker than O(1): an exponent p, for some b, in its place, on
    one world. log T would have p = 0, and no exponent nearer to it can be told from it. Measured on the mean over
    runs and over the last two decades and a half of rounds; what is left of its growth are the last mistakes of few
    runs. Controls: the KL-regularised regret of the same runs, which does not stop; a policy that never learns.
    """

    study = "greedy_even"
    population = "worlds"  # one fixed world
    learner = "greedy, self"
    column = "argmax_regret"
    growth = True
    at_most = -0.1
    decades = 2.5
    controls = (
        Altered("the KL-regularised regret, which grows like log T", column="regret"),
        Altered("a policy that never learns", learner="reference"),
    )
