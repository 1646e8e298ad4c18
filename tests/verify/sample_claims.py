"""Claims for testing the laboratory itself: true ones, false ones, ill-posed ones. The catalogue lives elsewhere."""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Exists, Identity, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Free, Instances, Mixture, Worlds

SMALL = Worlds(shapes=((2, 3),))


@family(log_tail=(-50.0, -2.0), ratio=(0.5, 16.0))
def two_arms(log_tail, ratio):
    """ref = (e, 1-e), r* = (1, 0), the policy G((0, 1)): Lemma 3.1 is attained as e -> 0."""
    log_ref = jnp.stack([log_tail, jnp.log1p(-jnp.exp(log_tail))])[None, :]
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=jnp.array([[1.0, 0.0]]), beta=1.0 / ratio)
    return Instance(world=world, log_policy=q.gibbs(world, jnp.array([[0.0, 1.0]])))


def gap_over_beta(x):
    return q.value_gap(x.world, x.log_policy) / x.world.beta


@claim("test_lemma_3_1", source="huang2025, Lemma 3.1")
class Lemma31(Upper):
    """Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) gap/beta for mixtures of Gibbs policies of rewards in [0, R].

    Controls: half the constant; a policy far off the class.
    """

    domain = Instances(SMALL, log_policy=Mixture())
    tight_on = two_arms
    tightness = 0.999
    controls = (
        Control("half the constant", constant=0.5),
        Control("policy off the class", domain=Instances(SMALL, log_policy=Free())),
    )

    def measured(self, x):
        return q.coverage_excess(x.world, x.log_policy)

    def theory(self, x):
        return jnp.exp(q.log_kappa(2 * x.world.reward_bound / x.world.beta)) * gap_over_beta(x)


@claim("test_gap_is_kl", source="simbench")
class GapIsKL(Identity):
    """J(pi*) - J(pi) = beta KL(pi||pi*), the left side by the values themselves."""

    domain = Instances(Worlds(shapes=((1, 3), (2, 2))), log_policy=Free(depth=20.0))
    controls = (
        Control("a thousandth more", constant=1.001),
        Control(
            "the other direction of KL",
            theory=lambda x: x.world.beta * q.kl(x.world.rho, q.log_optimal(x.world), x.log_policy),
        ),
    )

    def measured(self, x):
        return q.optimal_value(x.world) - q.value(x.world, x.log_policy)

    def theory(self, x):
        return q.value_gap(x.world, x.log_policy)


@claim("test_exponent_misprinted", source="me", expected="violated", corrected_by="test_lemma_3_1")
class ExponentMisprinted(Lemma31):
    """Cov(pi*|pi) - 1 <= kappa(e^{R/beta}) gap/beta: the exponent lacks its 2."""

    tightness = 0.0
    controls = ()

    def theory(self, x):
        return jnp.exp(q.log_kappa(x.world.reward_bound / x.world.beta)) * gap_over_beta(x)


@claim("test_high_win_rate_poor_coverage", source="simbench")
class HighWinRatePoorCoverage(Exists):
    """A policy can win nine comparisons in ten against the reference and still have Cov(pi*|pi) > 100."""

    domain = Instances(Worlds(shapes=((1, 3),), ratio=(0.1, 5.0), reward_bound=(1.0, 8.0)), log_policy=Free())
    controls = (Control("coverage above what any policy has", constant=1e60),)

    def measured(self, x):
        wins = q.win_rate(x.world, x.log_policy)
        return jnp.where(wins > 0.9, q.coverage(x.world, x.log_policy), 1.0)

    def theory(self, x):
        return 100.0
