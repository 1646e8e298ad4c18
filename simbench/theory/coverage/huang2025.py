"""Coverage is controlled by value: [huang2025, Lemma 3.1], its exact two-sided form, and Theorem 3.2's use of it.

At x = pi*/pi (so E_pi x = 1), cell by cell

    Cov(pi*|pi) - 1              = E_pi (x - 1)^2
    gap/beta = KL(pi || pi*)     = E_pi (x - 1 - log x)
    the ratio of the two integrands is kappa(x) = (x - 1)^2 / (x - 1 - log x), increasing in x,

hence kappa(min x) gap/beta <= Cov - 1 <= kappa(max x) gap/beta for EVERY policy. If pi and pi* are Gibbs
policies of rewards in [0, R], or pi mixes such policies, then max x <= e^{2R/beta}, which is the lemma. All of
it is attained: with two arms, one of them rare under the policy, x is M on the rare arm and about 1 on the other.
"""

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Instance, Lower, Upper, claim, family, traced_world
from simbench.verify.domains import Free, Gibbs, Instances, Mixture, Worlds, log_normalise
from simbench.verify.domains.parts import log_sum_exp

WORLDS = Worlds(shapes=((2, 3),))


def two_arms(log_tail, ratio, r_star, r_policy):
    """Return ref = (e, 1 - e), R = 1, pi* = G(r_star), pi = G(r_policy): one prompt."""
    log_ref = jnp.stack([log_tail, jnp.log1p(-jnp.exp(log_tail))])[None, :]
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=jnp.array([r_star]), beta=1.0 / ratio)
    return Instance(world=world, log_policy=q.gibbs(world, jnp.array([r_policy])))


@family(log_tail=(-60.0, -2.0), ratio=(0.1, 20.0))
def rare_arm_wanted(log_tail, ratio):
    """The rare arm is the best one and the policy believes the contrary: x = M there."""
    return two_arms(log_tail, ratio, [1.0, 0.0], [0.0, 1.0])


@family(log_tail=(-60.0, -2.0), ratio=(0.1, 20.0))
def rare_arm_unwanted(log_tail, ratio):
    """The rare arm is the worst one and the policy believes the contrary: x = m there."""
    return two_arms(log_tail, ratio, [0.0, 1.0], [1.0, 0.0])


@family(log_tail=(-60.0, -2.0), ratio=(0.1, 20.0))
def three_times_the_same(log_tail, ratio):
    """Three policies, all of them the one of `rare_arm_wanted`."""
    one = two_arms(log_tail, ratio, [1.0, 0.0], [0.0, 1.0])
    return Instance(world=one.world, log_policies=jnp.stack([one.log_policy] * 3))


def gap_in_nats(x):
    """Return (J(pi*) - J(pi)) / beta of the instance's policy."""
    return q.value_gap(x.world, x.log_policy) / x.world.beta


def span_constant(world, exponent=2):
    """Return kappa(e^{exponent R/beta})."""
    return jnp.exp(q.log_kappa(exponent * world.reward_bound / world.beta))


@claim("coverage_from_value", source="huang2025, Lemma 3.1")
class CoverageFromValue(Upper):
    """Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) (J(pi*) - J(pi)) / beta for pi in conv{G(r): r in [0, R]}.

    Assumes r* in [0, R]; G(r) is the Gibbs policy of r. Tight: two arms, ref = (e, 1 - e), r* = (R, 0),
    pi = G((0, R)), e -> 0. kappa is of our re-derivation: the poster of the source prints O(e^{2R/beta}). Weaker than
    the source, which speaks of all pi with |log pi/ref| <= R/beta: judged are mixtures of two Gibbs policies.
    Measured: their excess coverage E_pi (pi*/pi - 1)^2.
    Controls: nine tenths and half of the constant; the exponent R/beta; a policy with |log pi/ref| far above
    R/beta; the reward gap E_{pi*} r* - E_pi r* in place of the value gap.
    """

    domain = Instances(WORLDS, log_policy=Mixture())
    tight_on = rare_arm_wanted
    tightness = 0.999
    controls = (
        Control("nine tenths of the constant", constant=0.9),
        Control("half the constant", constant=0.5),
        Control(
            "exponent R/beta",
            domain=rare_arm_wanted,
            theory=lambda x: span_constant(x.world, exponent=1) * gap_in_nats(x),
        ),
        Control("policy off the class", domain=Instances(WORLDS, log_policy=Free())),
        Control(
            "reward gap in place of the value gap",
            domain=Instances(WORLDS, log_policy=Gibbs()),
            theory=lambda x: span_constant(x.world) * q.reward_gap(x.world, x.log_policy) / x.world.beta,
        ),
    )

    def measured(self, x):
        return q.coverage_excess(x.world, x.log_policy)

    def theory(self, x):
        return span_constant(x.world) * gap_in_nats(x)

    def constants(self, world):
        return {
            "kappa(e^{2R/beta})": float(span_constant(world)),
            "R/beta": float(world.reward_bound / world.beta),
        }


@claim("coverage_from_value_and_ratio", source="simbench, from huang2025, Lemma 3.1")
class CoverageFromValueAndRatio(Upper):
    """Cov(pi*|pi) - 1 <= kappa(M) (J(pi*) - J(pi)) / beta, M = max pi*/pi, for any policy whatever.

    No reward bound and no class is needed, only M < inf. Tight on the lemma's two arms.
    Controls: nine tenths of the constant; kappa(m), m = min pi*/pi, in its place.
    """

    domain = Instances(WORLDS, log_policy=Free(depth=20.0))
    tight_on = rare_arm_wanted
    tightness = 0.999
    controls = (
        Control("nine tenths of the constant", constant=0.9),
        Control(
            "kappa(m) in place of kappa(M)",
            theory=lambda x: q.kappa(q.min_density_ratio(x.world, x.log_policy)) * gap_in_nats(x),
        ),
    )

    def measured(self, x):
        return q.coverage_excess(x.world, x.log_policy)

    def theory(self, x):
        return q.kappa(q.max_density_ratio(x.world, x.log_policy)) * gap_in_nats(x)


@claim("value_from_coverage", source="simbench, from huang2025, Lemma 3.1")
class ValueFromCoverage(Lower):
    """Cov(pi*|pi) - 1 >= kappa(m) (J(pi*) - J(pi)) / beta, m = min pi*/pi, for any policy whatever.

    So coverage close to one certifies value. Tight: two arms, the rare one the worst, the policy reversed.
    Controls: ten ninths of the constant; kappa(M) in its place.
    """

    domain = Instances(WORLDS, log_policy=Free(depth=20.0))
    tight_on = rare_arm_unwanted
    tightness = 0.999
    controls = (
        Control("ten ninths of the constant", constant=10 / 9),
        Control(
            "kappa(M) in place of kappa(m)",
            theory=lambda x: q.kappa(q.max_density_ratio(x.world, x.log_policy)) * gap_in_nats(x),
        ),
    )

    def measured(self, x):
        return q.coverage_excess(x.world, x.log_policy)

    def theory(self, x):
        return q.kappa(q.min_density_ratio(x.world, x.log_policy)) * gap_in_nats(x)


def mean_policy(x):
    """Return log pibar, the uniform mixture of the instance's policies `[k, S, A]`."""
    return log_normalise(log_sum_exp(x.log_policies))


def gaps_in_nats(x):
    """Return (J(pi*) - J(pi_t)) / beta of each of the instance's policies, `[k]`."""
    return jax.vmap(lambda log_policy: q.value_gap(x.world, log_policy))(x.log_policies) / x.world.beta


@claim("coverage_of_the_average_policy", source="huang2025, Theorem 3.2; simbench")
class CoverageOfTheAveragePolicy(Upper):
    """Cov(pi*|pibar) - 1 <= kappa(e^{2R/beta}) mean_t (J(pi*) - J(pi_t)) / beta, pibar = mean_t pi_t.

    The deterministic ingredient of Theorem 3.2: a learner of small regret leaves data that cover pi*. Lemma 3.1 at
    the mixture, whose gap is at most the mean gap by convexity. Assumes pi_t = G(r_t), r_t and r* in [0, R]. The
    constant is of our re-derivation, and three policies are judged. Tight: all pi_t the policy that makes Lemma 3.1
    tight. Controls: nine tenths of the constant; the least gap in place of the mean; policies off the class.
    """

    domain = Instances(WORLDS, log_policies=Gibbs(count=3))
    tight_on = three_times_the_same
    tightness = 0.999
    controls = (
        Control("nine tenths of the constant", constant=0.9),
        Control(
            "the least gap in place of the mean",
            theory=lambda x: span_constant(x.world) * jnp.min(gaps_in_nats(x)),
        ),
        Control("policies off the class", domain=Instances(WORLDS, log_policies=Gibbs(count=3, stretch=5.0))),
    )

    def measured(self, x):
        return q.coverage_excess(x.world, mean_policy(x))

    def theory(self, x):
        return span_constant(x.world) * jnp.mean(gaps_in_nats(x))
