"""The two minima of RPO's game, computed: max_pi min_r f = min_r max_pi f on a convex class, and not on a finite one.

On two responses a reward is a gap u = r_1 - r_2, the box of rewards an interval [-R, R]. With base and pi the
probabilities of the first response, and `won` the share of labels that it won,

    inner minimum over u of f(pi, .)     sigma(u) = won - eta (pi - base), cut off at the bounds
    minimum over u of D                  the root of D'(u) = eta (G(u) - base) + sigma(u) - won, cut off at the bounds

the latter enclosed as a root by ball arithmetic. A finite class is not convex: there min D exceeds the maximin by as
much as its members disagree, until its hull is taken (with NLL interpolated).

One prompt and two responses: weaker than the source's game, over which prompts enter f as a sum. Source: [liu2024],
its objective recalled; the finite class: simbench.
"""

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.theory.offline.liu2024 import dual, game, likelihood_loss
from simbench.verify import Control, Exists, Identity, Instance, Upper, claim, family, traced_world
from simbench.verify.ball.named import encloses_root
from simbench.verify.domains import log_normalise

HALVINGS = 80  # of [-R, R], to the last bit


def slope_in_gap(u, log_odds, beta, eta, base, won, bound):
    """Return D'(u) on two responses: increasing in u. `bound` plays no part."""
    return eta * (jax.nn.sigmoid(log_odds + u / beta) - base) + jax.nn.sigmoid(u) - won


@jax.custom_jvp
def _gap(log_odds, beta, eta, base, won, bound):
    def halve(_, ends):
        low, high = ends
        middle = 0.5 * (low + high)
        rising = slope_in_gap(middle, log_odds, beta, eta, base, won, bound) > 0
        return jnp.where(rising, low, middle), jnp.where(rising, middle, high)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (-bound, bound))
    return 0.5 * (low + high)


@_gap.defjvp
def _gap_jvp(parameters, moves):
    """By the implicit function theorem; on the boundary the gap moves with it."""
    u, bound = _gap(*parameters), parameters[-1]
    _, shift = jax.jvp(lambda *p: slope_in_gap(u, *p), parameters, moves)
    curvature = jax.grad(slope_in_gap)(u, *parameters)
    inside = jnp.abs(u) < bound * (1.0 - 1e-12)
    return u, jnp.where(inside, -shift / curvature, jnp.sign(u) * moves[-1])


@jax.jit
def rpo_gap(log_odds, beta, eta, base, won, bound):
    """Return argmin D over gaps u = r_1 - r_2 in [-R, R]; all arguments are numbers.

    Args:
        log_odds: of the reference's first response. base, won: probability of it under the base policy, and the share
            of labels that it won. bound: R.
    """
    return _gap(log_odds, beta, eta, base, won, bound)


encloses_root(
    rpo_gap,
    residual=slope_in_gap,
    low=lambda log_odds, beta, eta, base, won, bound: -bound,
    high=lambda log_odds, beta, eta, base, won, bound: bound,
)


@family(
    log_odds=(-6.0, 6.0), reward=(0.2, 5.0), log_ratio=(-2.0, 2.5), base=(0.02, 0.98), won=(0.0, 1.0),
    log_eta=(-3.0, 3.0), log_policy_odds=(-12.0, 12.0),
)  # fmt: skip
def two_responses(log_odds, reward, log_ratio, base, won, log_eta, log_policy_odds):
    """One prompt, two responses; a data set of their pairs, a base policy, a policy."""
    return duel(log_odds, reward, log_ratio, base, won, log_eta, log_policy_odds)


def duel(log_odds, reward, log_ratio, base, won, log_eta, log_policy_odds):
    """Return the instance of two responses with these numbers."""

    def coin(odds):
        return log_normalise(jnp.stack([odds, jnp.zeros_like(odds)])[None, :])

    world = traced_world(
        rho=jnp.ones(1),
        log_ref=coin(log_odds),
        reward=reward * jnp.array([[1.0, 0.0]]),
        reward_bound=reward,
        beta=reward * jnp.exp(-log_ratio),
    )
    lost = jnp.zeros_like(won)
    return Instance(
        world=world,
        log_odds=log_odds,
        labels=jnp.stack([jnp.stack([lost, won]), jnp.stack([1.0 - won, lost])])[None],
        won=won,
        base=base,
        log_base=jnp.log(jnp.stack([base, 1.0 - base]))[None, :],
        eta=jnp.exp(log_eta),
        log_policy=coin(log_policy_odds),
    )


def as_reward(u):
    """Return the reward `[1, 2]` of a gap: (u, 0)."""
    return jnp.stack([u, jnp.zeros_like(u)])[None, :]


def fitted_gap(x, eta):
    """Return argmin D over [-R, R] at this eta."""
    return rpo_gap(x.log_odds, x.world.beta, eta, x.base, x.won, x.world.reward_bound)


def worst_case(x, log_policy):
    """Return min_r f(pi, r) over gaps in [-R, R]: sigma(u) = won - eta (pi_1 - base), as far as the bounds allow."""
    bound = x.world.reward_bound
    target = x.won - x.eta * (jnp.exp(log_policy[0, 0]) - x.base)
    chance = jnp.clip(target, jax.nn.sigmoid(-bound), jax.nn.sigmoid(bound))
    return game(x, log_policy, as_reward(jnp.log(chance) - jnp.log1p(-chance)), x.log_base, x.eta)


def minimal_dual(x):
    """Return min_r D(r) over gaps in [-R, R]."""
    return dual(x, as_reward(fitted_gap(x, x.eta)), x.log_base, x.eta)


def worst_case_of_fit(x, eta):
    """Return min_r f(G(r), r') at r = argmin D, the latter with this eta."""
    return worst_case(x, q.gibbs(x.world, as_reward(fitted_gap(x, eta))))


@claim("rpo_maximin_is_minimax", source="liu2024; simbench")
class RPOMaximinIsMinimax(Identity):
    """min_r f(G(rhat), r) = min_r D(r) = D(rhat) over rewards with |r_1 - r_2| <= R: nothing is lost by the swap.

    f(pi, r) = eta (E_pi r - E_base r - beta KL(pi||ref)) + NLL(r), D(r) = max_pi f, rhat = argmin D. One prompt and
    two responses: weaker than the source, whose game has many of both. Both minima are computed, the inner one in
    closed form, rhat as a root, also where they lie on the boundary. Controls: a thousandth more; the policy of
    likelihood alone in place of G(rhat); that of twice eta.
    """

    domain = two_responses
    tolerance = 1e-12
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("the policy of likelihood alone", measured=lambda x: worst_case_of_fit(x, 1e-9 * x.eta)),
        Control("the policy of twice eta", measured=lambda x: worst_case_of_fit(x, 2.0 * x.eta)),
    )

    def measured(self, x):
        return worst_case_of_fit(x, x.eta)

    def theory(self, x):
        return minimal_dual(x)


@family(log_odds=(-3.0, 3.0), reward=(0.5, 2.0), log_ratio=(-1.0, 2.0), won=(0.1, 0.9), log_eta=(-2.0, 2.0))
def nearly_maximin(log_odds, reward, log_ratio, won, log_eta):
    """The base policy is the reference, so that the value of the game is positive; pi nearly G(rhat)."""
    base = jax.nn.sigmoid(log_odds)
    gap = rpo_gap(log_odds, reward * jnp.exp(-log_ratio), jnp.exp(log_eta), base, won, reward)
    return duel(
        log_odds, reward, log_ratio, base, won, log_eta, log_odds + 0.99 * gap * jnp.exp(log_ratio) / reward
    )


@claim("rpo_policy_is_maximin", source="liu2024; simbench")
class RPOPolicyIsMaximin(Upper):
    """min_r f(pi, r) <= min_r D(r) for every policy pi, over rewards with |r_1 - r_2| <= R: none is safer than G(rhat).

    f, D and rhat as in `rpo_maximin_is_minimax`, and one prompt and two responses as there. Tight: pi near G(rhat).
    Controls: nine tenths of the right side; the price beta KL of the policy forgotten; D at the likeliest gap less
    its value term.
    """

    domain = two_responses
    tight_on = nearly_maximin
    tightness = 0.999
    controls = (
        Control("nine tenths of the right side", constant=0.9),
        Control(
            "the price of the policy forgotten",
            measured=lambda x: (
                worst_case(x, x.log_policy) + x.eta * x.world.beta * q.kl_ref(x.world, x.log_policy)
            ),
        ),
        Control(
            "the likelihood alone",
            theory=lambda x: likelihood_loss(x.labels, as_reward(fitted_gap(x, 1e-9 * x.eta))),
        ),
    )

    def measured(self, x):
        return worst_case(x, x.log_policy)

    def theory(self, x):
        return minimal_dual(x)


@family(reward=(0.5, 3.0), log_ratio=(-1.0, 3.0), log_eta=(-2.0, 2.0))
def two_opinions(reward, log_ratio, log_eta):
    """Two equal responses, labels that favour neither, and a class of two: (R, 0) and (0, R)."""
    half = jnp.asarray(0.5)
    return duel(jnp.asarray(0.0), reward, log_ratio, half, half, log_eta, jnp.asarray(0.0))


def least_duality_gap(x):
    """Return min D over the two members less an upper bound on the maximin over ALL policies.

    min_m f(pi, r^m) <= mean_m f(pi, r^m) <= max_pi of it = D at the mean reward, with the mean of the losses.
    """
    bound = x.world.reward_bound
    members = [as_reward(bound), as_reward(-bound)]
    losses = [likelihood_loss(x.labels, r) for r in members]
    least = jnp.minimum(*(dual(x, r, x.log_base, x.eta) for r in members))
    middle = as_reward(0.0 * bound)
    at_middle = dual(x, middle, x.log_base, x.eta) - likelihood_loss(x.labels, middle)
    return least - (at_middle + 0.5 * (losses[0] + losses[1]))


@claim("rpo_finite_class_has_a_duality_gap", source="simbench, on liu2024")
class RPOFiniteClassHasADualityGap(Exists):
    """In a finite class min_r max_pi f may exceed max_pi min_r f, over all policies whatever, by more than 1/2.

    f(pi, r) = eta (E_pi r - E_ref r - beta KL(pi||ref)) + NLL(r). Witness: two responses, two rewards that contradict
    each other, data that decide nothing: the maximin plays ref, the minimax bets on the first member. So enumerating
    D is not the pessimism of the theorem; the hull restores it. Control: the segment between the members, on which
    the two values agree.
    """

    domain = two_opinions
    controls = (
        Control(
            "the segment between the two",
            measured=lambda x: minimal_dual(x) - worst_case_of_fit(x, x.eta),
        ),
    )

    def measured(self, x):
        return least_duality_gap(x)

    def theory(self, x):
        return 0.5
