"""How fast gaps fall and regret grows on worlds that stay the same: faster than worst-case bounds say.

The KL-regularised gap is quadratic in the error of the fit (`gap_path`), so where the data identify the reward and
beta > 0,

    smooth classes (tabular, linear)    gap ~ 1/n,             greedy regret ~ log T
    a finite class                      P(gap > 0) <= sum_m rho_m^n,     greedy regret O(1)

with rho_m the Bhattacharyya coefficient of a label under hypothesis m and under the truth. The published rates,
1/sqrt(n) and sqrt(T), are upper bounds that such runs do not attain; the family that attains them changes with n
(`close_arms`). Sources: [zhao2025] (fast rates of KL-regularised objectives), [wu2025] (greedy sampling); `simbench`.
"""

import numpy as np

from simbench.precision import float64
from simbench.quantities import preference
from simbench.verify import Altered, Probable, Rate, claim
from simbench.verify.statistical.level import Level

SMOOTH, FINITE, LINEAR = "slopes", "slopes_finite", "greedy_linear"
ROOT = Altered("the rate 1/sqrt(n)", at_least=-0.6, at_most=-0.4)
NO_RATE = Altered("a few labels, before the rate sets in", window=(3, 300))


class OneOverN(Rate):
    """The slope of the mean gap in the number of labels is -1, up to 0.1."""

    study = SMOOTH
    column = "value_gap"
    x = "labels"
    at_least, at_most = -1.1, -0.9
    decades = 2.0
    controls = (ROOT, NO_RATE)


@claim("tabular_gap_falls_like_one_over_n", source="zhao2025; simbench")
class TabularGap(OneOverN):
    """E gap(n) ~ n^p with -1.1 <= p <= -0.9 for tabular maximum likelihood on ref x ref labels, over two decades of n.

    A fixed world, beta > 0, a reference with full support. Measured: J(pi*) - J(G(rhat_n)), mean over runs.
    Controls: p = -1/2 up to 0.1; the first labels, where nothing is identified.
    """

    learner = "tabular"


@claim("linear_gap_falls_like_one_over_n", source="zhao2025; simbench")
class LinearGap(OneOverN):
    """E gap(n) ~ n^p with -1.1 <= p <= -0.9 for maximum likelihood in the linear class, over two decades of n.

    The same worlds and labels as the tabular claim, whose rewards are linear in three features.
    Controls: p = -1/2 up to 0.1; the first labels.
    """

    learner = "linear"


@claim("finite_gap_falls_faster_than_powers", source="zhao2025; simbench")
class FiniteGap(Rate):
    """E gap(n) falls faster than n^-1.5 between 100 labels and the first n at which all gaps are zero.

    Maximum likelihood over 64 rewards, one of them true. The error probability is exponential in n, so every power is
    beaten; from some n on all gaps are exactly zero, and those points are left out of the fit (the verdict says how
    many). Controls: the slopes -1 and -1/2; a tabular learner in the same worlds.
    """

    study = FINITE
    learner = "offline"
    column = "value_gap"
    x = "labels"
    at_most = -1.5
    window = (100, 10_000)
    controls = (
        Altered("the rate 1/n", at_least=-1.2, at_most=-0.8),
        Altered("the rate 1/sqrt(n)", at_least=-0.7, at_most=-0.3),
        Altered("greedy learning in the tabular class", learner="greedy, tabular"),
    )


@claim("finite_class_errors_stop", source="simbench")
class FiniteClassErrorsStop(Probable):
    """P(gap > 0 at some n >= n_delta) <= delta = 0.01,  n_delta = min{n: sum_m rho_m^n/(1 - rho_m) <= delta}.

    Hypothesis m is as likely as the truth after n labels with probability at most rho_m^n, where
    rho_m = E sqrt(P_m / P*) over a label's prompt, pair and outcome: Markov's inequality for the root of the
    likelihood ratio. Summed over wrong m and all later n. Where the truth is alone at the top, the gap is exactly 0.
    Control: the same from a twentieth of n_delta on.
    """

    study = FINITE
    learner = "offline"
    population = "worlds"  # a bound for every world is tested in those at hand
    delta = 0.01
    controls = (Altered("from a twentieth of the labels on", constant=0.05),)

    def constants(self, world):
        return {"labels_at_delta": labels_at_delta(world, self.delta)}

    def violates(self, rows):
        return (rows["labels"] >= self.constant * rows["labels_at_delta"]) & (rows["value_gap"] > 0.0)


@claim("greedy_linear_regret_is_logarithmic", source="wu2025; zhao2025")
class GreedyLinear(Rate):
    """E R_T = c log T + O(1) for greedy online DPO in the linear class: |p| <= 0.3 for dR/dlog T = b T^p.

    R_T is regret, for some c; an exponent p in place of O(1), on fixed worlds: weaker. First response from
    G(rhat), second from the reference, R/beta = 1; over the last decade and a half of rounds. The limits are as wide
    as few runs need, and leave sqrt T (p = 1/2) well outside. Controls: sqrt T; a plateau; a policy that never
    learns.
    """

    study = LINEAR
    learner = "linear"
    growth = True
    at_least, at_most = -0.3, 0.3
    controls = (
        Altered("the law sqrt T", at_least=0.4, at_most=0.6),
        Altered("a plateau", at_least=None, at_most=-0.4),
        Altered("a policy that never learns", learner="reference"),
    )


@claim("greedy_finite_regret_is_bounded", source="zhao2025; simbench")
class GreedyFinite(Level):
    """E[R_T - R_{T/10}] <= 0.05 E R_T for greedy online DPO over a finite class of 64 rewards.

    R_T is regret after T rounds; a level in place of O(1). What is charged once the likelihood singles the truth out
    is zero. log T would gain log 10 / log T of its regret in the last decade (0.25 at T = 1e4), sqrt T 0.68, linear
    regret 0.9. Controls: at least a tenth gained, as under log T; greedy learning in the tabular class, on the same
    worlds.
    """

    study = FINITE
    learner = "greedy"
    over = "gained"
    decades = 1.0
    at_most = 0.05
    controls = (
        Altered("log T", at_least=0.1, at_most=0.3),
        Altered("greedy learning in the tabular class", learner="greedy, tabular"),
    )


def labels_at_delta(world, delta):
    """Return the least n with sum over wrong m of rho_m^n / (1 - rho_m) <= delta.

        rho_m = sum_{s,a,b} rho(s) ref(a|s) ref(b|s) [sqrt(P_m P*) + sqrt((1 - P_m)(1 - P*))],   P = P(a > b | s)

    Args:
        world: a world with a finite class.
        delta: error probability.
    """
    ref = np.exp(np.asarray(world.log_ref))
    pairs = np.asarray(world.rho)[:, None, None] * ref[:, :, None] * ref[:, None, :]
    with float64():
        likes = np.asarray(preference(world))
    truth = np.asarray(world.reward)
    distances = []
    for reward in np.asarray(world.reward_class):
        if np.array_equal(reward, truth):
            continue
        other = 1.0 / (1.0 + np.exp(reward[:, None, :] - reward[:, :, None]))
        # 1 - rho_m, half the squared Hellinger distance, without cancellation
        roots = (np.sqrt(other) - np.sqrt(likes)) ** 2 + (np.sqrt(1.0 - other) - np.sqrt(1.0 - likes)) ** 2
        distances.append(0.5 * float(np.sum(pairs * roots)))
    distance = np.array(distances)

    def error(n):
        return float(np.sum(np.exp(n * np.log1p(-distance)) / distance))

    low, high = 0, 1
    while error(high) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(middle) <= delta else (middle, high)
    return high
