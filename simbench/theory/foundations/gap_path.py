"""The value gap along a path of rewards, g(t) = J(pi*) - J(G(r* + t u)): its slope, its growth, its maximum.

    g'(t)  = (t/beta) E_rho Var_{G(r* + t u)} u >= 0
    g(1)   = (1/beta) int_0^1 t E_rho Var_{G(r* + t D)} D dt,           D = rhat - r*
    g_max <= min( 2R, R^2/(2 beta) )                                    over rewards in [0, R]

Second order in the error of the reward: this is why KL-regularised gaps shrink like 1/n where rewards are learned
like 1/sqrt(n). It starts from [zhao2024, Lemma 3.9], which bounds g(1) by the second moment, beta^{-1} E_pi D^2,
at one point of the path; here the variance stands in its place and the 1/2 is kept. The gap is strictly
increasing unless u is constant on every prompt, so a source reward of any gap up to g_max is found by bisection.

In one entry, with the others fixed, the slope changes its sign once, from - to +:

    dg/dr(s,a) = (rho_s/beta) pi(a) (1 - pi(a)) (D(a) - Dbar),   Dbar = mean of D over the other responses,

and Dbar does not depend on r(s,a). Hence the maximum over a box is at a vertex.
"""

import jax
import jax.numpy as jnp
import numpy as np

from simbench import quantities as q
from simbench.quantities.expectation import over_prompts
from simbench.verify import Control, Exists, Identity, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Instances, Reward, Scalar, Worlds
from simbench.verify.domains.cube import log_normalise

PANELS, NODES = 4, 16
PATHS = Instances(Worlds(shapes=((2, 3),)), estimate=Reward(), time=Scalar(0.0, 1.0))
SHORT_PATHS = Instances(Worlds(shapes=((1, 3), (2, 3)), ratio=(0.1, 10.0)), estimate=Reward())
VERTICES = Instances(Worlds(shapes=((1, 4),)), estimate=Reward())


@family(log_tail=(-60.0, -1e-9), ratio=(0.05, 60.0))
def reversed_arms(log_tail, ratio):
    """ref = (e, 1 - e), r* = (0, 1) and the estimate (1, 0): the largest span of D that the box allows."""
    log_ref = jnp.stack([log_tail, jnp.log(-jnp.expm1(log_tail))])[None, :]
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=jnp.array([[0.0, 1.0]]), beta=1.0 / ratio)
    return Instance(world=world, estimate=jnp.array([[1.0, 0.0]]))


@family(log_even=(-1.0, 1.0), ratio=(0.05, 1.0))
def nearly_even_arms(log_even, ratio):
    """Two arms of comparable mass whose order the estimate reverses, a mild tilt."""
    log_ref = log_normalise(jnp.stack([log_even, jnp.zeros(())]))[None, :]
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=jnp.array([[0.0, 1.0]]), beta=1.0 / ratio)
    return Instance(world=world, estimate=jnp.array([[1.0, 0.0]]))


def gap_of_reward(world, reward):
    """Return J(pi*) - J(G(r)) = E_rho [beta log Z* - beta log Z_r + E_{G(r)} (r - r*)], smooth in r."""
    policy = q.gibbs(world, reward)
    lost = q.log_partition(world) - q.log_partition(world, reward)
    excess = jnp.sum(jnp.exp(policy) * (reward - world.reward), axis=-1)
    return over_prompts(world.rho, world.beta * lost + excess)


def gap(x, reward):
    """Return J(pi*) - J(G(r)) with all its digits."""
    return q.value_gap(x.world, q.gibbs(x.world, reward))


def error(x):
    """Return D = rhat - r*."""
    return x.estimate - x.world.reward


def on_path(x, time):
    """Return r* + t D."""
    return x.world.reward + time * error(x)


def variance_on_path(x, time):
    """Return E_rho Var_{G(r* + t D)} D."""
    return q.expected_variance(x.world.rho, q.gibbs(x.world, on_path(x, time)), error(x))


@claim("gap_path_slope", source="simbench; zhao2024, Lemma 3.9")
class GapPathSlope(Identity):
    """d/dt [J(pi*) - J(G(r* + t D))] = (t/beta) E_rho Var_{G(r* + t D)} D, for every direction D.

    D = rhat - r*. Measured: the derivative by automatic differentiation. Controls: a thousandth more; the second
    moment of D for its variance.
    """

    domain = PATHS
    controls = (
        Control("a thousandth more", constant=1.001),
        Control(
            "the second moment",
            theory=lambda x: (
                x.time
                / x.world.beta
                * q.expectation(x.world.rho, q.gibbs(x.world, on_path(x, x.time)), error(x) ** 2)
            ),
        ),
    )

    def measured(self, x):
        return jax.jvp(
            lambda time: gap_of_reward(x.world, on_path(x, time)), (x.time,), (jnp.ones_like(x.time),)
        )[1]

    def theory(self, x):
        return x.time / x.world.beta * variance_on_path(x, x.time)


@claim("second_order_identity", source="simbench; zhao2024, Lemma 3.9")
class SecondOrderIdentity(Identity):
    """J(pi*) - J(G(rhat)) = (1/beta) int_0^1 t E_rho Var_{G(r* + t D)} D dt,  D = rhat - r*, R/beta <= 10.

    The integral is a Gauss-Legendre rule, 16 nodes on each of 4 panels. The integrand is analytic while
    |Im t| < pi beta/span(D), for then all terms of Z lie in an open half-plane. With span(D)/beta <= 20 a panel's
    Bernstein ellipse of parameter 2.5 reaches |Im t| span(D)/beta = 2.62, where |Z| keeps a quarter of the sum of
    its terms' moduli and the integrand stays below 96 span(D); the classical error bound of the rule is then
    2e-10 at R <= 2. Balls enclose the rule, not the integral: they decide agreement to 1e-9, and the estimate
    above makes it the integral's.
    Controls: a thousandth more; the same nodes on a single panel, which cannot follow the path.
    """

    domain = SHORT_PATHS
    exact_tolerance = 1e-9
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("a single panel", theory=lambda x: integral_on_panels(x, 1)),
    )

    def measured(self, x):
        return gap(x, x.estimate)

    def theory(self, x):
        return integral_on_panels(x, PANELS)


def integral_on_panels(x, panels):
    """Return the Gauss-Legendre value of (1/beta) int_0^1 t E_rho Var_{G(r* + t D)} D dt."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    starts = np.arange(panels)[:, None]
    times = jnp.asarray(((starts + 0.5 * (nodes + 1.0)) / panels).ravel())
    values = jax.vmap(lambda time: time * variance_on_path(x, time))(times)
    return jnp.sum(jnp.asarray(np.tile(0.5 * weights / panels, panels)) * values) / x.world.beta


@claim("gap_path_increases", source="simbench")
class GapPathIncreases(Upper):
    """J(pi*) - J(G(r* + t D)) <= J(pi*) - J(G(r* + D)) for 0 <= t <= 1 and every direction D.

    D = rhat - r*. Any two points of a path are of this form. Controls: the path that starts at ref instead, G(t
    rhat), along which the gap may fall; nine tenths of the right side.
    """

    domain = PATHS
    tightness = 0.999
    controls = (
        Control("a path from the reference", measured=lambda x: gap(x, x.time * x.estimate)),
        Control("nine tenths of it", constant=0.9),
    )

    def measured(self, x):
        return gap(x, on_path(x, x.time))

    def theory(self, x):
        return gap(x, x.estimate)


@claim("gap_slope_in_one_reward", source="simbench")
class GapSlopeInOneReward(Identity):
    """dg/dr(s,a) = (rho_s/beta) pi(a) (1 - pi(a)) (D(a) - Dbar), Dbar = E_pi[D | another response than a].

    pi = G(r), D = r - r*; the entry is the first one, which by symmetry is any. Dbar does not depend on r(s,a):
    along one coordinate the gap falls, then rises. Controls: a thousandth more; Dbar over all the responses.
    """

    domain = PATHS
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("the mean over all responses", theory=lambda x: slope_in_first_entry(x, others_only=False)),
    )

    def measured(self, x):
        first = jnp.zeros_like(x.estimate).at[0, 0].set(1.0)
        return jax.jvp(lambda reward: gap_of_reward(x.world, reward), (x.estimate,), (first,))[1]

    def theory(self, x):
        return slope_in_first_entry(x, others_only=True)


def slope_in_first_entry(x, *, others_only):
    """Return the slope formula for the entry (0, 0)."""
    policy = jnp.exp(q.gibbs(x.world, x.estimate))[0]
    own, rest = error(x)[0, 0], jnp.sum(policy[1:])
    tilted = x.world.log_ref[0, 1:] + x.estimate[0, 1:] / x.world.beta
    mean = jnp.sum(jnp.exp(log_normalise(tilted)) * error(x)[0, 1:])
    if not others_only:
        mean = jnp.sum(policy * error(x)[0])
    return x.world.rho[0] / x.world.beta * policy[0] * rest * (own - mean)


@claim("largest_gap_at_a_vertex", source="simbench")
class LargestGapAtAVertex(Upper):
    """J(pi*) - J(G(r)) <= max over vertices v in {0, R}^A of J(pi*) - J(G(v)), for every reward r in [0, R].

    A is the number of responses. Prompts separate, so one is enough (four responses, 16 vertices). Attained at every
    such vertex. Control: nine tenths of it. That fewer vertices do not suffice: `thresholds_are_not_worst`.
    """

    domain = VERTICES
    tightness = 0.999999
    controls = (Control("nine tenths of it", constant=0.9),)

    def measured(self, x):
        return gap(x, x.estimate)

    def theory(self, x):
        return q.largest_gap(x.world)


def best_threshold(world):
    """Return the largest gap of rewards R 1{r* on one side of a level}, either side, over all levels."""
    levels = world.reward[0][:, None, None]  # r*[0, b] for every b, against [1, A]
    above, at_least = world.reward[None] > levels, world.reward[None] >= levels
    candidates = jnp.concatenate([above, at_least, ~above, ~at_least])
    return q.largest_gap_among(world, world.reward_bound * candidates.astype(jnp.float64))


@claim("thresholds_are_not_worst", source="simbench")
class ThresholdsAreNotWorst(Exists):
    """Some world's largest gap is at a vertex that is no threshold in r*.

    One prompt, three responses whose true rewards differ by a hundredth of R at least, so that no tie is in play:
    a rare response of middling reward is lifted alone, where every threshold lifts a frequent one with it.
    It is why the vertices are enumerated. Control: no threshold beats the best vertex.
    """

    domain = Worlds(shapes=((1, 3),))
    controls = (
        Control(
            "a threshold beats the vertices",
            measured=lambda x: best_threshold(x.world),
            theory=lambda x: q.largest_gap(x.world),
        ),
    )

    def measured(self, x):
        return q.largest_gap(x.world)

    def theory(self, x):
        return best_threshold(x.world)

    def assumes_margin(self, x):
        ordered = jnp.sort(x.world.reward[0])
        return jnp.min(ordered[1:] - ordered[:-1]) - 0.01 * x.world.reward_bound


class LargestGap(Upper):
    """The gap of an estimate in the reward's own box is measured; the bounds differ."""

    domain = Instances(Worlds(shapes=((2, 3),)), estimate=Reward())

    def measured(self, x):
        return gap(x, x.estimate)


@claim("largest_gap_linear", source="simbench")
class LargestGapLinear(LargestGap):
    """J(pi*) - J(G(rhat)) <= 2R for rewards r*, rhat in [0, R].

    Tight: the estimate reverses two arms, one of them rare, as R/beta grows. Controls: nine tenths of it; an
    estimate in [0, 3R].
    """

    tight_on = reversed_arms
    tightness = 0.92
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control(
            "an estimate in [0, 3R]", domain=Instances(Worlds(shapes=((1, 2),)), estimate=Reward(stretch=3.0))
        ),
    )

    def theory(self, x):
        return 2.0 * x.world.reward_bound


@claim("largest_gap_quadratic", source="simbench")
class LargestGapQuadratic(LargestGap):
    """J(pi*) - J(G(rhat)) <= R^2/(2 beta) for rewards r*, rhat in [0, R]: a large beta makes every gap tiny.

    Tight: the estimate reverses two arms of equal mass, as R/beta falls. Controls: nine tenths of it; an estimate
    in [0, 3R].
    """

    tight_on = nearly_even_arms
    tightness = 0.99
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control(
            "an estimate in [0, 3R]", domain=Instances(Worlds(shapes=((1, 2),)), estimate=Reward(stretch=3.0))
        ),
    )

    def theory(self, x):
        return x.world.reward_bound**2 / (2.0 * x.world.beta)
