"""The exploration bonus of XPO is optimism about value, and its sign matters.

XPO adds + alpha sum_i log pi(b_i|s_i), b_i drawn from the REFERENCE, to the DPO loss that it minimises: these
log-probabilities are pushed down, the normaliser of the implicit reward r = beta log(pi/ref) + beta log Z up, and

    J*(r) = max_pi { E_pi r - beta KL(pi||ref) } = -beta E_ref log(G(r)/ref)        for rewards with E_ref r = 0.

The released code of [huang2025] subtracts the term instead: a step along it lowers J*, which is pessimism.
"""

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.losses.optimism import calibrated, implicit_bonus, optimistic_value
from simbench.verify import Control, Identity, Lower, claim
from simbench.verify.domains import Free, Instances, Reward, Worlds

WORLDS = Worlds(shapes=((2, 3),))


def attained_value(world, reward):
    """Return E_pi r - beta KL(pi||ref) at pi = G(r): J*(r) by its definition."""
    return q.value(world.replace(reward=reward), q.gibbs(world, reward))


@claim("xpo_bonus_is_optimism", source="xie2024; simbench")
class XPOBonusIsOptimism(Identity):
    """J*(r) = -beta E_ref log(G(r)/ref) for every reward with E_ref r = 0.

    Measured: E_pi r - beta KL(pi||ref) at pi = G(r), r centred under the reference.
    Controls: the other sign; the reward not centred; the bonus on responses of pi = G(r) instead of ref.
    """

    domain = Instances(WORLDS, estimate=Reward())
    controls = (
        Control("the other sign", constant=-1.0),
        Control("the reward not centred", measured=lambda x: attained_value(x.world, x.estimate)),
        Control(
            "the bonus on the policy's own responses",
            theory=lambda x: implicit_bonus(
                x.world, q.gibbs(x.world, x.estimate), q.gibbs(x.world, x.estimate)
            ),
        ),
    )

    def measured(self, x):
        return attained_value(x.world, calibrated(x.world, x.estimate))

    def theory(self, x):
        return implicit_bonus(x.world, q.gibbs(x.world, x.estimate))


def optimism_of_logits(world, logits):
    """Return J* of the implicit reward beta log(pi/ref) of pi = softmax(logits), centred under ref."""
    implicit = world.beta * (jax.nn.log_softmax(logits) - world.log_ref)
    return optimistic_value(world, calibrated(world, implicit))


def slope_along(x, samples):
    """Return d/dt J* of the implicit reward when the logits move along the gradient of E_samples log pi."""
    gradient = jax.grad(lambda logits: q.expectation(x.world.rho, samples, jax.nn.log_softmax(logits)))
    towards = gradient(x.log_policy)
    _, slope = jax.jvp(lambda logits: optimism_of_logits(x.world, logits), (x.log_policy,), (towards,))
    return slope


@claim("xpo_bonus_raises_optimism", source="simbench, from xie2024")
class XPOBonusRaisesOptimism(Identity):
    """Descending + alpha E_ref log pi raises J* of the implicit reward at the rate alpha beta |rho (ref - pi)|^2.

    J*(r) = max_pi E_pi r - beta KL(pi||ref), here of r = beta log(pi/ref) centred under ref; the step is on softmax
    logits; alpha = 1 is judged. Controls: the other sign; the samples drawn from the chosen and rejected mixture (ref
    + pi)/2.
    """

    domain = Instances(WORLDS, log_policy=Free(depth=10.0))
    controls = (
        Control("the other sign", constant=-1.0),
        Control(
            "samples from (ref + pi)/2",
            measured=lambda x: -slope_along(x, pair(x)),
        ),
    )

    def measured(self, x):
        return -slope_along(x, x.world.log_ref)

    def theory(self, x):
        moved = x.world.rho[:, None] * (jnp.exp(x.world.log_ref) - jnp.exp(x.log_policy))
        return x.world.beta * jnp.sum(moved**2)


def pair(x):
    """Return the log-law of the two responses of a label, one drawn from pi and one from ref, taken together."""
    return jnp.logaddexp(x.world.log_ref, x.log_policy) - jnp.log(2.0)


@claim(
    "xpo_term_as_released",
    source="code: jiaweihhuang/RLHF_RewardTransfer, train_iteration/xpo.py at 4bd3d7b",
    expected="violated",
    corrected_by="xpo_bonus_raises_optimism",
)
class XPOTermAsReleased(Lower):
    """Descending - alpha (log pi(chosen) + log pi(rejected))/2 raises J* of the implicit reward, on labelled pairs.

    That is the term of the program (alpha = .01 by default). The sum does not depend on which response was chosen; its
    mean over pairs of one draw from pi and one from ref is judged, on one prompt or several, for softmax logits.
    The published XPO adds + alpha log pi at draws from ref; the program's term has the sign of an SFT term, and lowers
    J* wherever pi differs from ref. Drawn twice from pi itself it has no slope at all.
    """

    domain = Instances(WORLDS, log_policy=Free(depth=10.0))

    def measured(self, x):
        return slope_along(x, pair(x))

    def theory(self, x):
        return 0.0
