"""Exact identities of the KL-regularised bandit: the value gap is a divergence, and divergences are inner products.

    J(pi*) - J(pi)                            = beta KL(pi || pi*)                                  every pi
    J(pi*)                                    = beta E_rho log Z
    J(pi*) - J(pihat) + beta KL(pi*||pihat)   = E_rho <pi* - pihat, r* - rhat>                      pihat = G(rhat)
    [F - beta KL](pi) + beta KL(pi||pihat)   <= [F - beta KL](pihat)             F concave, pihat the maximiser
    E_{a,b~ref} (D_a - D_b)^2                 = 2 E_rho Var_ref D

The first is the Gibbs variational principle; the third (Jeffreys' divergence) shows that the left side of the
analysis in [xiong2024] equals its right side; the fourth is the three-point lemma of mirror descent with the
entropy's Bregman divergence; the last says that Bradley-Terry data from ref see exactly the shift-free error.
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.log_arithmetic import probability_difference
from simbench.verify import Control, Identity, Upper, claim
from simbench.verify.domains import Free, Instances, Reward, Scalar, Worlds

WORLDS = Worlds(shapes=((2, 3),))
ANY_POLICY = Instances(Worlds(shapes=((2, 3),), missing=0.2), log_policy=Free())
ANY_ESTIMATE = Instances(WORLDS, estimate=Reward())


@claim("value_gap_is_kl", source="simbench; huang2025, eq. 1-2")
class ValueGapIsKL(Identity):
    """J(pi*) - J(pi) = beta KL(pi||pi*) for every policy pi on the support of the reference.

    Measured: beta E log Z minus J(pi), from the definitions. Theory: the divergence.
    Controls: a thousandth more; the divergence the other way round.
    """

    domain = ANY_POLICY
    controls = (
        Control("a thousandth more", constant=1.001),
        Control(
            "KL(pi*||pi) instead",
            theory=lambda x: x.world.beta * q.kl(x.world.rho, q.log_optimal(x.world), x.log_policy),
        ),
    )

    def measured(self, x):
        return q.optimal_value(x.world) - q.value(x.world, x.log_policy)

    def theory(self, x):
        return q.value_gap(x.world, x.log_policy)


@claim("optimal_value_is_log_partition", source="simbench; huang2025, eq. 1-2")
class OptimalValueIsLogPartition(Identity):
    """J(pi*) = beta E_rho log Z, pi* = G(r*).

    Z = sum_a ref e^{r*/beta}, per prompt. Measured: E_pi* r* - beta KL(pi*||ref). Control: a thousandth more (Z at
    another temperature).
    """

    domain = Worlds(shapes=((2, 3),), missing=0.2)
    controls = (Control("a thousandth more", constant=1.001),)

    def measured(self, x):
        return q.value(x.world, q.log_optimal(x.world))

    def theory(self, x):
        return q.optimal_value(x.world)


@claim("jeffreys_identity", source="simbench; xiong2024")
class JeffreysIdentity(Identity):
    """J(pi*) - J(pihat) + beta KL(pi*||pihat) = E_rho <pi* - pihat, r* - rhat>, pihat = G(rhat).

    Assumptions: none on rhat; both policies are Gibbs. By the first identity the left side is beta times
    Jeffreys' divergence. Controls: the right side halved; the policy G(2 rhat) in place of G(rhat).
    """

    domain = ANY_ESTIMATE
    controls = (
        Control("half the inner product", constant=0.5),
        Control(
            "a policy twice as greedy as G(rhat)",
            measured=lambda x: _jeffreys_left(x, q.gibbs(x.world, 2.0 * x.estimate)),
        ),
    )

    def measured(self, x):
        return _jeffreys_left(x, q.gibbs(x.world, x.estimate))

    def theory(self, x):
        moved = probability_difference(q.log_optimal(x.world), q.gibbs(x.world, x.estimate))
        return jnp.sum(x.world.rho * jnp.sum(moved * (x.world.reward - x.estimate), axis=-1))


def _jeffreys_left(x, log_policy):
    gap = q.optimal_value(x.world) - q.value(x.world, log_policy)
    return gap + x.world.beta * q.kl(x.world.rho, q.log_optimal(x.world), log_policy)


@claim("three_point_lemma", source="Chen and Teboulle (1993), Lemma 3.2, recalled; used by liu2024")
class ThreePointLemma(Upper):
    """[F - beta KL](pi) + beta KL(pi||pihat) <= [F - beta KL](pihat) for F concave, pihat = argmax F - beta KL.

    A textbook result on Bregman distances; F - beta KL is F(pi) - beta KL(pi||ref). Weaker than all concave F: judged
    on F(pi) = E_pi[r + c m h] - (c/2)(E_pi h)^2 with c >= 0 and m = E_pihat h, whose slope at pihat is r: its
    maximiser is G(r). Both sides are shifted by 10 R to be positive; equality at c = 0. Controls: the divergence
    counted twice; F convex (c < 0), where G(r) is no maximiser.
    """

    domain = Instances(
        WORLDS, log_policy=Free(), estimate=Reward(), direction=Reward(), curvature=Scalar(0.0, 20.0)
    )
    tightness = 0.999
    controls = (
        Control("the divergence counted twice", constant=2.0),
        Control(
            "F convex",
            measured=lambda x: _gained(x, x.log_policy, -1.0) + _distance(x),
            theory=lambda x: _gained(x, q.gibbs(x.world, x.estimate), -1.0),
        ),
    )

    def measured(self, x):
        return _gained(x, x.log_policy, 1.0) + _distance(x)

    def theory(self, x, constant=1.0):
        return _gained(x, q.gibbs(x.world, x.estimate), 1.0) + (1.0 - constant) * _distance(x)


def _distance(x):
    return x.world.beta * q.kl(x.world.rho, x.log_policy, q.gibbs(x.world, x.estimate))


def _gained(x, log_policy, sign):
    """Return [F - beta KL](pi) + 10 R."""
    world = x.world
    curvature = sign * x.curvature / world.reward_bound
    centre = q.expectation(world.rho, q.gibbs(world, x.estimate), x.direction)
    along = q.expectation(world.rho, log_policy, x.direction)
    bent = curvature * along * (centre - 0.5 * along)
    linear = q.expectation(world.rho, log_policy, x.estimate)
    return 10.0 * world.reward_bound + linear + bent - world.beta * q.kl_ref(world, log_policy)


@claim("pair_error_is_twice_the_variance", source="simbench; zhao2024")
class PairErrorIsTwiceTheVariance(Identity):
    """E_{a,b~ref} (D_a - D_b)^2 = 2 E_rho Var_ref D with D = rhat - r*.

    Controls: the factor 2 missing; the second moment, which a per-prompt shift of rhat moves, for the variance.
    """

    domain = ANY_ESTIMATE
    controls = (
        Control("the factor 2 missing", constant=0.5),
        Control(
            "the second moment",
            theory=lambda x: (
                2.0 * q.expectation(x.world.rho, x.world.log_ref, (x.estimate - x.world.reward) ** 2)
            ),
        ),
    )

    def measured(self, x):
        error, ref = x.estimate - x.world.reward, jnp.exp(x.world.log_ref)
        pairs = (error[:, :, None] - error[:, None, :]) ** 2
        return jnp.einsum("s,sa,sb,sab->", x.world.rho, ref, ref, pairs)

    def theory(self, x):
        return 2.0 * q.expected_variance(x.world.rho, x.world.log_ref, x.estimate - x.world.reward)
