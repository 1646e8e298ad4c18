"""What rejection sampling can recover of a target: the coverage profile decides, cross-entropy does not.

    TV(out, p) <= E_M + exp(-n (1 - E_M)/M),    E_M = sum_a (p - M q)_+ <= Prof_M = P_p[p/q >= M]

for n proposals from q, accepted with probability min(1, p/(M q)). The first term is what the threshold cuts off,
the second that no proposal is accepted: one is with probability (1 - E_M)/M. Prof_M is not a function of
KL(p||q): two models of one divergence can have profiles that cross.

Source: the coverage principle, arXiv 2510.15020.
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.log_arithmetic import log_complement
from simbench.verify import Control, Exists, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Free, Instances, Optimal, Scalar, Worlds
from simbench.verify.domains.cube import log_normalise

SOURCE = "simbench; arXiv 2510.15020"
DOMAIN = Instances(
    Worlds(shapes=((1, 3),), ratio=(0.1, 10.0), ref_depth=10.0),
    log_policy=Free(20.0),
    target=Optimal(),
    threshold=Scalar(1.0, 1000.0, log=True),
    patience=Scalar(0.01, 20.0, log=True),
)


@family(log_excess=(-30.0, 10.0), log_threshold=(0.0, 6.0), patience=(0.01, 20.0), share=(0.01, 0.99))
def two_responses(log_excess, log_threshold, patience, share):
    """The target is (share, 1 - share); the model has e^-excess times that on the first response."""
    log_target = jnp.log(jnp.stack([share, 1.0 - share]))[None, :]
    log_model = log_normalise(log_target - jnp.stack([log_excess, jnp.zeros(())]))
    world = traced_world(rho=jnp.ones(1), log_ref=log_target, reward=jnp.zeros((1, 2)), beta=1.0)
    return Instance(
        world=world,
        log_policy=log_model,
        target=log_target,
        threshold=jnp.exp(log_threshold),
        patience=patience,
    )


def excess(x):
    """Return E_M."""
    return q.excess_mass(x.world.rho, x.target, x.log_policy, x.threshold)


@claim("rejection_sampling_error", source=SOURCE)
class RejectionSamplingError(Upper):
    """TV(out, pi*) <= E_M + exp(-n (1 - E_M)/M) on one prompt, n proposals, acceptance threshold M >= 1.

    out is the law of the first accepted proposal, TV the total variation, E_M = sum_a (pi* - M pi)_+.
    n = M `patience`, any real, at most 20 M: further on float64 sees no second term. The model is any policy.
    Tight: the target's main response is all but missing from the model. Controls: half of it; the first term
    alone; the second term alone.
    """

    domain = DOMAIN
    tight_on = two_responses
    tightness = 0.98
    controls = (
        Control("half the bound", constant=0.5),
        Control("only the mass above the threshold", theory=excess),
        Control(
            "only the failure to accept",
            theory=lambda x: jnp.exp(-x.patience * (1.0 - excess(x))),
        ),
    )

    def measured(self, x):
        law = q.rejection_sampling(x.target, x.log_policy, x.threshold, x.patience * x.threshold)
        return q.total_variation(x.world.rho, law, x.target)

    def theory(self, x):
        return excess(x) + jnp.exp(-x.patience * (1.0 - excess(x)))


@claim("excess_mass_below_profile", source=SOURCE)
class ExcessMassBelowProfile(Upper):
    """E_M = sum_a (pi* - M pi)_+ <= Prof_M(pi) = P_{pi*}[pi*/pi >= M].

    M >= 1 is the acceptance threshold, pi the model. Tight: where the model is far below. Controls: the profile at
    2M; nine tenths of it.
    """

    domain = DOMAIN
    tightness = 0.999
    controls = (
        Control("nine tenths of the profile", constant=0.9),
        Control(
            "the profile at 2M",
            theory=lambda x: q.coverage_profile(x.world, x.log_policy, 2.0 * x.threshold),
        ),
    )

    def measured(self, x):
        return excess(x)

    def theory(self, x):
        return q.coverage_profile(x.world, x.log_policy, x.threshold)


@family()
def equal_cross_entropy():
    """One target, two models: each under-covers one response, at the same KL(p||model) = 1/4.

    The models' masses on "their" response are e^-8 and e^-2; the target's are the roots a, b of
    kl(a||e^-8) = kl(b||e^-2) = 1/4, and the rest of either model is in proportion.
    """
    log_first, log_second, budget = jnp.asarray(-8.0), jnp.asarray(-2.0), jnp.asarray(0.25)
    log_a = q.binary_kl_root(budget, log_first)
    log_b = q.binary_kl_root(budget, log_second)
    rest = jnp.log(1.0 - jnp.exp(log_a) - jnp.exp(log_b))
    target = jnp.stack([log_a, log_b, rest])[None, :]
    world = traced_world(rho=jnp.ones(1), log_ref=target, reward=jnp.zeros((1, 3)), beta=1.0)
    return Instance(world=world, first=moved(target, 0, log_first), second=moved(target, 1, log_second))


def moved(target, response, log_mass):
    """Return the model with this mass on one response, the others in the target's proportions."""
    scale = log_complement(log_mass) - log_complement(target[0, response])
    return jnp.where(jnp.arange(target.shape[1]) == response, log_mass, target + scale)


@claim("cross_entropy_hides_the_profile", source=SOURCE)
class CrossEntropyHidesTheProfile(Exists):
    """Two models of equal KL(pi*||.) = 1/4 whose coverage profiles cross: neither is the better one.

    One constructed witness. At N = e^(1/2) the second model under-covers five times as much of the target as
    the first, at N = e^2 only the first under-covers any. A difference of the two divergences would count a million
    times against it. Controls: fifty times as much; the two models of one profile.
    """

    domain = equal_cross_entropy
    controls = (
        Control("fifty times as much", constant=10.0),
        Control("the first model twice", measured=lambda x: crossing(x, x.first, x.first)),
    )

    def measured(self, x):
        return crossing(x, x.first, x.second)

    def theory(self, x):
        return 5.0


def crossing(x, first, second):
    """Return Prof(second)/Prof(first) at N = e^(1/2) if only the first has any profile left at N = e^2."""
    low, high = jnp.exp(0.5), jnp.exp(2.0)
    ratio = q.coverage_profile(x.world, second, low) / q.coverage_profile(x.world, first, low)
    lone = (q.coverage_profile(x.world, first, high) > 0) & (q.coverage_profile(x.world, second, high) == 0)
    divergences = q.kl(x.world.rho, x.world.log_ref, first) - q.kl(x.world.rho, x.world.log_ref, second)
    return jnp.where(lone, ratio, 0.0) - 1e6 * jnp.abs(divergences)
