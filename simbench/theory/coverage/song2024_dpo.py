"""Why DPO needs global coverage: [song2024, Proposition 4.1], in a version with no error at all.

The population DPO loss on pairs that mu emits depends on the policy only through its ratios on the support of
mu. If mu leaves out a response y3 of the reference, every

    pi_m = (1 - m) pi*(. | not y3) + m delta_{y3},        0 <= m < 1,

has the least loss there is, and its value is linear in log p3, p3 = ref(y3), with slope beta m:

    J(pi_m) = (1 - m) beta log Z_12 + m r3 - beta m log(1/p3) + beta h(m),        h the entropy of (m, 1 - m).

As p3 falls this has no lower bound, while every G(rhat) of a bounded rhat loses at most min(2R, R^2/(2 beta)).
The paper's own construction puts p3 = 0 and an in-distribution error of eps. (Of Assumption 4.3 and the sign of
its log Z: `reward_policy_duality.py`.)
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.theory.foundations.gap_path import gap_of_reward
from simbench.verify import Control, Exists, Identity, Instance, claim, family, traced_world


def left_out(share, log_tail, beta, reward, mass):
    """Return the world with ref = ((1 - p3) share, (1 - p3)(1 - share), p3), the policy pi_m, mu = ref given not y3."""
    log_seen = jnp.stack([jnp.log(share), jnp.log1p(-share)])
    log_ref = jnp.concatenate([log_seen + jnp.log1p(-jnp.exp(log_tail)), log_tail[None]])[None]
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=reward[None], beta=beta)
    tilted = log_seen + reward[:2] / beta
    log_kept = tilted - jnp.logaddexp(tilted[0], tilted[1]) + jnp.log1p(-mass)
    return Instance(
        world=world,
        log_policy=jnp.concatenate([log_kept, jnp.log(mass)[None]])[None],
        log_data=jnp.concatenate([log_seen, jnp.full(1, -jnp.inf)])[None],
        mass=mass,
    )


@family(
    share=(0.05, 0.95), log_tail=(-40.0, -1.0), beta=(0.1, 2.0), reward=(0.0, 1.0, (3,)), mass=(0.01, 0.99)
)
def unsampled_response(share, log_tail, beta, reward, mass):
    """Three responses, the third one emitted by the reference and absent from the data."""
    return left_out(share, log_tail, beta, reward, mass)


@family()
def far_tail():
    """Half of the mass on a response of probability e^-40."""
    number = jnp.asarray
    return left_out(number(0.5), number(-40.0), number(1.0), jnp.array([1.0, 0.0, 0.0]), number(0.5))


@claim("dpo_loss_ignores_the_unsampled", source="simbench; song2024, Proposition 4.1")
class DPOLossIgnoresTheUnsampled(Identity):
    """L(pi_m) = L(pi*) for every m: mass on a response that the data never show costs nothing.

    L is the population DPO loss on pairs from mu = ref(. | not y3); pi_m has mass m on y3 and is pi* elsewhere, in
    proportion. Stronger than the source, whose error is eps > 0. Controls: pairs that may involve y3; a
    thousandth more.
    """

    domain = unsampled_response
    controls = (
        Control(
            "comparisons that involve y3",
            measured=lambda x: q.dpo_loss(x.world, x.log_policy, x.world.log_ref),
        ),
        Control("a thousandth more", constant=1.001),
    )

    def measured(self, x):
        return q.dpo_loss(x.world, x.log_policy, x.log_data)

    def theory(self, x):
        return q.dpo_loss(x.world, q.log_optimal(x.world), x.log_data)


@claim("dpo_minimiser_value", source="simbench; song2024, Proposition 4.1")
class DPOMinimiserValue(Identity):
    """J(pi_m) = (1 - m) beta log Z_12 + m r3 - beta m log(1/p3) + beta h(m): linear in log p3, slope beta m.

    pi_m has mass m on y3 and is pi* elsewhere, in proportion; p3 = ref(y3), h(m) the entropy of (m, 1 - m), Z_12 the
    partition function without y3's term. Controls: a slope of beta/2; a thousandth more.
    """

    domain = unsampled_response
    controls = (
        Control("half the slope", theory=lambda x: minimiser_value(x, slope=0.5)),
        Control("a thousandth more", constant=1.001),
    )

    def measured(self, x):
        return q.value(x.world, x.log_policy)

    def theory(self, x):
        return minimiser_value(x, slope=1.0)


def minimiser_value(x, slope):
    """Return the formula, its slope in log p3 multiplied by `slope`."""
    world, m = x.world, x.mass
    logits = world.log_ref[0, :2] + world.reward[0, :2] / world.beta
    entropy = -m * jnp.log(m) - (1.0 - m) * jnp.log1p(-m)
    tail = m * (world.reward[0, 2] / world.beta + slope * world.log_ref[0, 2])
    return world.beta * ((1.0 - m) * jnp.logaddexp(logits[0], logits[1]) + tail + entropy)


@claim("dpo_minimiser_without_value", source="simbench; song2024, Proposition 4.1")
class DPOMinimiserWithoutValue(Exists):
    """A minimiser of the DPO loss can fall short by thirty times what any bounded reward's policy can.

    One constructed witness: half of the mass on a response of probability e^-40. An excess of its loss over the
    least one would count a million times against it. Control: the RLHF policy of the reversed reward, which
    minimises no such loss and still loses less.
    """

    domain = far_tail
    controls = (
        Control(
            "RLHF on the reversed reward", measured=lambda x: gap_of_reward(x.world, 1.0 - x.world.reward)
        ),
    )

    def measured(self, x):
        surplus = q.dpo_loss(x.world, x.log_policy, x.log_data) - q.dpo_loss(
            x.world, q.log_optimal(x.world), x.log_data
        )
        return q.value_gap(x.world, x.log_policy) - 1e6 * jnp.abs(surplus)

    def theory(self, x):
        bound, beta = x.world.reward_bound, x.world.beta
        return 30.0 * jnp.minimum(2.0 * bound, bound**2 / (2.0 * beta))


@family(share=(0.05, 0.95), weight=(0.05, 0.95), beta=(0.1, 2.0), log_error=(-12.0, 1.0))
def construction(share, weight, beta, log_error):
    """ref = (p1, p2, 0), Z = 1, pi*(y1) = weight; pi(y_i) = ref exp((r_i - sqrt eps)/beta), the rest on y3."""
    log_ref = jnp.stack([jnp.log(share), jnp.log1p(-share), jnp.asarray(-jnp.inf)])
    log_best = jnp.stack([jnp.log(weight), jnp.log1p(-weight)])
    reward = jnp.concatenate([beta * (log_best - log_ref[:2]), jnp.zeros(1)])
    drop = jnp.exp(0.5 * log_error) / beta
    log_policy = jnp.concatenate([log_best - drop, jnp.log(-jnp.expm1(-drop))[None]])
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref[None], reward=reward[None], beta=beta)
    return Instance(world=world, log_policy=log_policy[None], error=jnp.exp(log_error))


@claim("song_proposition_4_1", source="song2024, Proposition 4.1")
class SongPropositionFourOne(Identity):
    """E_ref (beta log(pi/ref) - r*)^2 = eps for a policy with mass 1 - e^{-sqrt(eps)/beta} where ref has none.

    For any eps > 0: ref = (p1, p2, 0), Z = 1, pi(y_i) = p_i exp((r*_i - sqrt(eps))/beta), i = 1, 2. So KL(pi||ref) =
    inf and J(pi) = -inf at any in-distribution error. Weaker than a statement about all policies of small error:
    judged at the source's one construction, over eps, p1, pi* and beta. Measured: the error, plus |sum pi - 1|.
    Controls: a thousandth more; the policy's own expectation of the error.
    """

    domain = construction
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("the error under pi", measured=lambda x: in_distribution_error(x, x.log_policy)),
    )

    def measured(self, x):
        return in_distribution_error(x, x.world.log_ref) + jnp.abs(jnp.sum(jnp.exp(x.log_policy)) - 1.0)

    def theory(self, x):
        return x.error


def in_distribution_error(x, log_weight):
    """Return sum over y1, y2 of weight (beta log(pi/ref) - r*)^2."""
    implicit = x.world.beta * (x.log_policy[0, :2] - x.world.log_ref[0, :2])
    return jnp.sum(jnp.exp(log_weight[0, :2]) * (implicit - x.world.reward[0, :2]) ** 2)
