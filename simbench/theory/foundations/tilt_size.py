"""How far a Gibbs policy can stray from its reference: bounded by the span of its reward, in two ways.

    KL(G(r)||ref) <= E_rho min( span_s/beta, span_s^2/(8 beta^2) ),      span_s = max_a r - min_a r

The first from beta [KL(G||ref) + KL(ref||G)] = E_G r - E_ref r <= span (Jeffreys' identity with r* = 0), the
second from d/dt KL(G(tr)||ref) = t Var_{G(tr)} r / beta^2 and Var <= span^2/4. Per prompt, so that the minimum is
taken inside the average. Both are attained in a limit: the first by a response so rare that the tilt only just
lifts it, p = e^{-span/beta + O(log)}; the second by two equal responses and a small tilt.

[song2024, Lemma 4.1] is the first bound at span 2R'.
"""

import jax.numpy as jnp

from simbench import quantities as q
from simbench.verify import Control, Instance, Upper, claim, family, traced_world
from simbench.verify.domains import Instances, Reward, Worlds

DOMAIN = Instances(Worlds(shapes=((2, 3),)), estimate=Reward())


def two_responses(log_best, tilt):
    """Return ref = (p, 1 - p) and the reward (1, 0), R = 1, beta = 1/tilt, that is also the estimate."""
    log_ref = jnp.stack([log_best, jnp.log1p(-jnp.exp(log_best))])[None, :]
    reward = jnp.array([[1.0, 0.0]])
    world = traced_world(rho=jnp.ones(1), log_ref=log_ref, reward=reward, beta=1.0 / tilt)
    return Instance(world=world, estimate=reward)


@family(tilt=(11.0, 1010.0), log_odds=(-4.0, 8.0))
def barely_lifted(tilt, log_odds):
    """The better response has p = e^{log_odds - tilt}: the tilt lifts it to odds of about e^{log_odds}."""
    return two_responses(log_odds - tilt, tilt)


@family(tilt=(0.001, 1.0))
def equal_responses(tilt):
    """Two equal responses."""
    return two_responses(-jnp.log(2.0), tilt)


def span_per_prompt(reward):
    """Return max_a r - min_a r, shape [S]."""
    return jnp.max(reward, axis=-1) - jnp.min(reward, axis=-1)


def distinct(world, reward):
    """Return whether r differs from a constant on every prompt by more than 1e-6 R.

    Below that KL(G(r)||ref) is second-order small in a log-ratio that float64 knows to 1e-14 only.
    """
    return jnp.min(span_per_prompt(reward)) > 1e-6 * world.reward_bound


class TiltSize(Upper):
    """KL(G(r)||ref) is measured; the bounds differ."""

    domain = DOMAIN

    def assumes(self, x):
        return distinct(x.world, x.estimate)

    def measured(self, x):
        return q.kl_ref(x.world, q.gibbs(x.world, x.estimate))


@claim("tilt_size_linear", source="simbench; song2024, Lemma 4.1")
class TiltSizeLinear(TiltSize):
    """KL(G(r)||ref) <= E_rho span(r)/beta for every reward r.

    Tight: a rare best response that the tilt only just lifts. Controls: nine tenths of it; the standard
    deviation of r under ref in place of its span.
    """

    tight_on = barely_lifted
    tightness = 0.98
    controls = (
        Control("nine tenths of the bound", constant=0.9),
        Control(
            "standard deviation for span",
            theory=lambda x: (
                jnp.sqrt(q.expected_variance(x.world.rho, x.world.log_ref, x.estimate) + 1e-300)
                / x.world.beta
            ),
        ),
    )

    def theory(self, x):
        return jnp.sum(x.world.rho * span_per_prompt(x.estimate)) / x.world.beta


@claim("tilt_size", source="simbench; song2024, Lemma 4.1")
class TiltSizeBoth(TiltSize):
    """KL(G(r)||ref) <= E_rho min( span(r)/beta, span(r)^2/(8 beta^2) ) for every reward r.

    Tight: two equal responses and a small tilt. Controls: nine tenths of it; half of it.
    """

    tight_on = equal_responses
    tightness = 0.999
    controls = (Control("nine tenths of the bound", constant=0.9), Control("half of it", constant=0.5))

    def theory(self, x):
        return jnp.sum(x.world.rho * q.tilt_budgets(x.world, span_per_prompt(x.estimate)))
