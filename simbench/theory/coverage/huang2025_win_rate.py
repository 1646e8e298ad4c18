"""A low win rate implies bad coverage: [huang2025, Lemma 5.1] in its right reading, and its sharper companions.

For a policy pi, an opponent pc, P = P(pi > pc), and preferences with P(a > b) >= 1/2 for r_a >= r_b, let

    A = inf_{g > 0} sqrt( (g + 2P) log((1 + g)/g) ),        B = sqrt( (J(pi*) - J(pc)) / (2 beta) ).

    Cov(pi*|pi) >= (A + B)^{-1}            the lemma; the root covers the whole product inside A
    Cov(pi*|pi) >= (A + B)^{-2}            ours: the exponent can be doubled
    Cov(pi*|pi) >= A^{-2} e^{-4B^2}        ours: stronger still; e^{-4B^2} = exp(-2 (J(pi*) - J(pc))/beta)
    Cov(pi*|pi) >= (A + sqrt2 B)^{-2}      ours

Proof of the third: BC = E_pc sqrt(pi/pc) <= A (see `quantities.overlap`); BC >= exp(-KL(pc||pi)/2) by Jensen;
KL(pc||pi) <= 2 KL(pc||pi*) + log Cov(pi*|pi) by Donsker-Varadhan; KL(pc||pi*) = 2 B^2. For A + B <= 1,
A^2 e^{4B^2} <= (A + B)^2, which gives the second. For the fourth use the triangle inequality of the Hellinger
distance and Cov >= BC(pi, pi*)^{-2}.

They speak only of losers: (g + 1/2) log(1 + 1/g) > 1 for every g, so A = 1 from P = 1/4 on and every right side is
at most one. Every g > 0 gives a valid statement, so the largest bound on a grid of g is itself proved by the lemma.
"""

import dataclasses

import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.coverages.overlap import GRID, overlap, overlap_bound
from simbench.verify import Control, Exists, Instance, Lower, Upper, claim, family, traced_world
from simbench.verify.domains import Free, Instances, Worlds


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderedWorlds(Worlds):
    """Worlds whose preferences only respect the order of rewards: P(a > b) = 1/2 + sign(r_a - r_b) u/2, u in [0, 1].

    Any link at all (Bradley-Terry is u = tanh(|r_a - r_b|/2)), and any strength per pair beside.
    """

    def coordinates(self, shape):
        """Return the blocks of `Worlds` and one number per pair of responses."""
        prompts, responses = shape
        return super().coordinates(shape) | {"strength": (prompts, responses, responses)}

    def world(self, shape, blocks):
        """Return the world with these preferences; the order is read off the exact coordinates of the rewards."""
        first, second = blocks["reward"][:, :, None], blocks["reward"][:, None, :]
        strength = jnp.maximum(blocks["strength"], jnp.swapaxes(blocks["strength"], -1, -2))
        return super().world(shape, blocks).replace(prefs=0.5 + 0.5 * strength * jnp.sign(first - second))


ANY_LINK = OrderedWorlds(shapes=((2, 3),))
DOMAIN = Instances(ANY_LINK, log_policy=Free(depth=20.0), comparator=Free(depth=20.0))


def two_arms(log_tail, reward, ratio, log_policy, log_comparator):
    """Return the instance with ref = (e, 1 - e), r* = (R, 0) and these two policies; R/beta = ratio."""
    log_ref = jnp.stack([log_tail, jnp.log1p(-jnp.exp(log_tail))])[None, :]
    shown = {"rho": jnp.ones(1), "log_ref": log_ref, "reward_bound": reward, "beta": reward / ratio}
    world = traced_world(reward=reward * jnp.array([[1.0, 0.0]]), **shown)
    return Instance(world=world, log_policy=log_policy(world), comparator=log_comparator(world))


@family(log_tail=(-5.0, -0.5), reward=(0.5, 2.0), ratio=(1e-6, 1e-3))
def nearly_optimal(log_tail, reward, ratio):
    """pi = pc = ref, and beta so large that both are nearly pi* (pi* itself is a single point, of no slope)."""
    return two_arms(log_tail, reward, ratio, lambda world: world.log_ref, lambda world: world.log_ref)


@family(log_tail=(-5.0, -0.5), reward=(1.0, 8.0), ratio=(0.1, 2.0), log_doubt=(-40.0, -10.0))
def greedier_comparator(log_tail, reward, ratio, log_doubt):
    """pi nearly pi* = G(r*), it is G(0.99 r*); pc nearly a point mass on the best response."""
    greedy = jnp.stack([jnp.log1p(-jnp.exp(log_doubt)), log_doubt])[None, :]
    return two_arms(log_tail, reward, ratio, lambda w: q.gibbs(w, 0.99 * w.reward), lambda w: greedy)


def overlap_limit(x):
    """Return A of the policy against its comparator."""
    return overlap_bound(q.win_rate(x.world, x.log_policy, x.comparator))


def comparator_distance(x):
    """Return B = sqrt((J(pi*) - J(pc)) / (2 beta))."""
    gap = q.value_gap(x.world, x.comparator)
    positive = gap > 0  # the root has no slope at zero
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, gap, 1.0) / (2.0 * x.world.beta)), 0.0)


class FromWinRate(Lower):
    """What the four forms share: domain, measured side, tight family, the altered A (not a claim by itself)."""

    domain = DOMAIN
    tight_on = nearly_optimal
    tightness = 0.999
    nine_tenths = Control("nine tenths of A, at pi = pc = pi*", constant=10 / 9)

    def measured(self, x):
        return q.coverage(x.world, x.log_policy)


@claim("coverage_from_win_rate", source="huang2025, Lemma 5.1")
class CoverageFromWinRate(FromWinRate):
    """Cov(pi*|pi) >= max_g 1 / ( sqrt((g + 2 P(pi > pc)) log((1+g)/g)) + sqrt((J(pi*) - J(pc))/(2 beta)) ).

    For every policy pi, every opponent pc, every g > 0, every link with P(a > b) >= 1/2 where r_a >= r_b. Stronger
    than the source in that, whose setting is Bradley-Terry; weaker in g, of which a grid is taken. Measured:
    Cov(pi*|pi) of free policies against free opponents. Tight: pi = pc = pi*. Controls: nine tenths of A; the second
    root dropped with pi = pi* and pc greedier; the first root over (g + 2P) alone. (Dropping the factor 2 of P cannot
    be told from the lemma by any search: no control.)
    """

    controls = (
        FromWinRate.nine_tenths,
        Control(
            "B dropped: pi = pi*, pc greedier",
            domain=greedier_comparator,
            theory=lambda x: 1.0 / overlap_limit(x),
        ),
        Control("the root over g + 2P alone", theory=lambda x: wrong_root_bound(x)),
    )

    def theory(self, x, constant=1.0):
        return 1.0 / (overlap_limit(x) / constant + comparator_distance(x))


@claim("coverage_from_win_rate_squared", source="simbench, from huang2025, Lemma 5.1")
class CoverageFromWinRateSquared(FromWinRate):
    """Cov(pi*|pi) >= (A + B)^{-2}: Lemma 5.1 with its exponent doubled.

    A = min_g sqrt((g + 2P) log((1+g)/g)), P = P(pi > pc), B = sqrt((J(pi*) - J(pc))/(2 beta)); any link, any pi and pc.
    Tight: pi = pc = pi*. Controls: nine tenths of A; B dropped with pi = pi* and pc greedier.
    """

    controls = (
        FromWinRate.nine_tenths,
        Control(
            "B dropped: pi = pi*, pc greedier",
            domain=greedier_comparator,
            theory=lambda x: overlap_limit(x) ** -2.0,
        ),
    )

    def theory(self, x, constant=1.0):
        return (overlap_limit(x) / constant + comparator_distance(x)) ** -2.0


@claim("coverage_from_win_rate_exponential", source="simbench, from huang2025, Lemma 5.1")
class CoverageFromWinRateExponential(FromWinRate):
    """Cov(pi*|pi) >= A^{-2} exp(-2 (J(pi*) - J(pc))/beta): the strongest form of Lemma 5.1.

    A = min_g sqrt((g + 2P) log((1+g)/g)), P = P(pi > pc); any link, any pi and any pc. Tight: pi = pc = pi*.
    Controls: nine tenths of A; the exponential dropped with pi = pi* and pc greedier.
    """

    controls = (
        FromWinRate.nine_tenths,
        Control("exponential dropped", domain=greedier_comparator, theory=lambda x: overlap_limit(x) ** -2.0),
    )

    def theory(self, x, constant=1.0):
        gap = q.value_gap(x.world, x.comparator) / x.world.beta
        return (overlap_limit(x) / constant) ** -2.0 * jnp.exp(-2.0 * gap)


@claim("coverage_from_win_rate_triangle", source="simbench, from huang2025, Lemma 5.1")
class CoverageFromWinRateTriangle(FromWinRate):
    """Cov(pi*|pi) >= (A + sqrt2 B)^{-2}: Lemma 5.1 through the triangle inequality of Hellinger distances.

    A = min_g sqrt((g + 2P) log((1+g)/g)), P = P(pi > pc), B = sqrt((J(pi*) - J(pc))/(2 beta)); any link, any pi and pc.
    Tight: pi = pc = pi*. Controls: nine tenths of A; B dropped with pi = pi* and pc greedier.
    """

    controls = (
        FromWinRate.nine_tenths,
        Control(
            "B dropped: pi = pi*, pc greedier",
            domain=greedier_comparator,
            theory=lambda x: overlap_limit(x) ** -2.0,
        ),
    )

    def theory(self, x, constant=1.0):
        return (overlap_limit(x) / constant + jnp.sqrt(2.0) * comparator_distance(x)) ** -2.0


@claim("overlap_from_win_rate", source="simbench, inside huang2025, Lemma 5.1")
class OverlapFromWinRate(Upper):
    """BC(pi, pc) = E sqrt(pi/pc) under pc <= min_g sqrt((g + 2 P(pi > pc)) log((1+g)/g)).

    The step of Lemma 5.1 that speaks of preferences alone: no value, no temperature. Any link, any pi and any
    opponent pc, every g > 0. Tight: pi = pc. Controls: nine tenths of A; P/2 in place of 2P. (Interchanging pi and pc
    gives another true statement: the overlap is symmetric.)
    """

    domain = DOMAIN
    tight_on = nearly_optimal
    tightness = 0.999
    controls = (
        Control("nine tenths of A", constant=0.9),
        Control(
            "P/2 in place of 2P",
            theory=lambda x: overlap_bound(q.win_rate(x.world, x.log_policy, x.comparator) / 4),
        ),
    )

    def measured(self, x):
        return overlap(x.world.rho, x.log_policy, x.comparator)

    def theory(self, x):
        return overlap_limit(x)


def wrong_root_bound(x):
    """Return max_g 1/( sqrt(g + 2P) log((1+g)/g) + B ), the misreading; on a grid of g."""
    win_rate = q.win_rate(x.world, x.log_policy, x.comparator)
    misread = jnp.min(jnp.sqrt(GRID + 2.0 * win_rate) * jnp.log1p(1.0 / jnp.asarray(GRID)))
    return 1.0 / (misread + comparator_distance(x))


@family(log_doubt=(-60.0, -1.0), reward=(0.1, 8.0), ratio=(0.1, 2.0))
def point_mass_on_the_best(log_doubt, reward, ratio):
    """Two arms, ref = (1/2, 1/2), r* = (R, 0), pi = (1 - d, d)."""
    log_policy = jnp.stack([jnp.log1p(-jnp.exp(log_doubt)), log_doubt])[None, :]
    return two_arms(-jnp.log(2.0), reward, ratio, lambda _: log_policy, q.log_optimal)


def coverage_where_it_wins(x):
    """Return Cov(pi*|pi) where P(pi > pi*) > 0.7, and one elsewhere."""
    wins = q.win_rate(x.world, x.log_policy, q.log_optimal(x.world))
    return jnp.where(wins > 0.7, q.coverage(x.world, x.log_policy), 1.0)


def coverage_where_it_is_good(x):
    """Return Cov(pi*|pi) where the value gap is at most 99 beta/kappa(max pi*/pi), and one elsewhere."""
    limit = 99.0 * x.world.beta / q.kappa(q.max_density_ratio(x.world, x.log_policy))
    good = q.value_gap(x.world, x.log_policy) <= limit
    return jnp.where(good, q.coverage(x.world, x.log_policy), 1.0)


@claim("high_win_rate_poor_coverage", source="simbench, on huang2025, Lemma 5.1")
class HighWinRatePoorCoverage(Exists):
    """A policy can beat pi* itself seven times in ten and have Cov(pi*|pi) > 100: Lemma 5.1 is one-sided.

    Witness: nearly a point mass on the best response. A high win rate certifies no coverage.
    Control: a small value gap does; with J(pi*) - J(pi) <= 99 beta/kappa(max pi*/pi) no witness is left (Lemma
    3.1).
    """

    domain = point_mass_on_the_best
    controls = (Control("a small value gap instead", measured=coverage_where_it_is_good),)

    def measured(self, x):
        return coverage_where_it_wins(x)

    def theory(self, x):
        return 100.0
