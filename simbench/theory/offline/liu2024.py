"""RPO [liu2024]: a zero-sum game between policy and reward, its value, and its three ways of writing.

    f(pi, r) = eta ( E_pi r - E_base r - beta KL(pi||ref) ) + NLL(r),             NLL a mean over labelled pairs
    D(r)     = max_pi f(pi, r) = eta ( beta E log Z_r - E_base r ) + NLL(r),      attained at G(r)

f is concave in pi and convex in r. On a convex class of rewards, therefore, max_pi min_r f = min_r D(r), and the policy
of the maximin, pi_OFF, is G(rhat) at rhat = argmin D: the learner `rpo` need not solve a game (liu2024_maximin.py
computes both minima). As beta log Z_r - r = -beta log(G(r)/ref), D is DPO's loss plus eta times an SFT loss on
responses of the base policy.

The objective of [liu2024] is recalled, not seen again when this was written; what is proved here is ours.

Here rhat is not searched for. The base policy is chosen such that a given reward is the stationary point of D, hence
its global minimum, for D is convex.
"""

from typing import Any

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.losses.optimism import implicit_bonus, optimistic_value
from simbench.verify import Control, Identity, Upper, claim
from simbench.verify.domains import Free, Instances, Part, Reward, Scalar, Worlds, log_normalise
from simbench.verify.domains.cube import deep_logits


class Labels(Part):
    """A data set: the shares `[S, A, A]` of labels at prompt s that preferred a to b, any that add up to one."""

    def coordinates(self, shape: Any) -> dict[str, Any]:
        """Return one block `share`."""
        return {"share": (*shape, shape[1])}

    def build(self, world: Any, blocks: Any) -> jax.Array:
        """Return a softmax over all triples, down to e^-8."""
        logits = deep_logits(8.0, blocks["share"])
        return jnp.exp(log_normalise(logits.reshape(-1))).reshape(logits.shape)

    def __repr__(self) -> str:
        return "Labels()"


def surprise(margin):
    """Return -log sigma(margin)."""
    return jnp.maximum(-margin, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(margin)))


def likelihood_loss(labels, reward):
    """Return NLL(r), the mean over labels `[S, A, A]` of -log sigma(r_winner - r_loser)."""
    return jnp.sum(labels * surprise(reward[:, :, None] - reward[:, None, :]))


def game(x, log_policy, reward, log_base, eta):
    """Return f(pi, r)."""
    world = x.world.replace(reward=reward)
    return eta * (q.value(world, log_policy) - q.expectation(world.rho, log_base, reward)) + likelihood_loss(
        x.labels, reward
    )


def dual(x, reward, log_base, eta):
    """Return D(r)."""
    against = q.expectation(x.world.rho, log_base, reward)
    return eta * (optimistic_value(x.world, reward) - against) + likelihood_loss(x.labels, reward)


def dpo_and_sft(x, sft=1.0):
    """Return DPO's loss of pi = G(estimate) on the labels, plus sft eta beta E_base[-log pi/ref]."""
    log_policy = q.gibbs(x.world, x.estimate)
    implicit = x.world.beta * (log_policy - x.world.log_ref)
    return likelihood_loss(x.labels, implicit) + sft * x.eta * implicit_bonus(x.world, log_policy, x.log_base)


@claim("rpo_is_dpo_plus_sft", source="liu2024; simbench")
class RPOIsDPOPlusSFT(Identity):
    """D(r) = DPO-loss(G(r)) + eta beta E_base[-log(G(r)/ref)] for every reward, data set, base policy and eta.

    D(r) = eta (beta E_rho log Z_r - E_base r) + NLL(r) is the dual of RPO's game, Z_r = sum_a ref e^{r/beta}, NLL the
    mean negative log-likelihood of labels; eta weighs value against it. No calibration of r is needed: the base
    policy's own reward is subtracted. The left side sees the reward alone, the right side the policy alone. Controls:
    the SFT term with the other sign; on the reference's responses; left out.
    """

    domain = Instances(
        Worlds(shapes=((2, 3),)),
        estimate=Reward(),
        labels=Labels(),
        log_base=Free(depth=10.0),
        eta=Scalar(0.01, 1.0, log=True),
    )
    tolerance = 1e-12
    controls = (
        Control("the other sign", theory=lambda x: dpo_and_sft(x, sft=-1.0)),
        Control("the reference's responses", measured=lambda x: dual(x, x.estimate, x.world.log_ref, x.eta)),
        Control("DPO alone", theory=lambda x: dpo_and_sft(x, sft=0.0)),
    )

    def measured(self, x):
        return dual(x, x.estimate, x.log_base, x.eta)

    def theory(self, x):
        return dpo_and_sft(x)


def stationary(x, reward):
    """Return (log base, eta) under which `reward` minimises D: base = G(r) + grad NLL(r)/(eta rho), eta large."""
    policy = jnp.exp(q.gibbs(x.world, reward))
    slope = x.labels * jax.nn.sigmoid(reward[:, None, :] - reward[:, :, None])
    pull = (jnp.sum(slope, axis=1) - jnp.sum(slope, axis=2)) / x.world.rho[:, None]
    eta = 0.01 + x.firmness * jnp.max(-pull / policy)
    return jnp.log(policy + pull / eta), eta


@claim("rpo_saddle_point", source="liu2024; simbench")
class RPOSaddlePoint(Upper):
    """f(pi, rhat) <= f(G(rhat), r) for every policy pi and every reward r, rhat = argmin D over all rewards.

    f(pi, r) = eta (E_pi r - E_base r - beta KL(pi||ref)) + NLL(r), D(r) = max_pi f, NLL the mean negative
    log-likelihood of labels. So (G(rhat), rhat) is a saddle point, and max_pi min_r f = min_r max_pi f on every
    convex class that holds rhat. Measured: free policies against rhat. Theory: rewards in [0, 3R] against G(rhat).
    Tight: at the saddle point. Controls: nine tenths of the right side; the base policy replaced by the reference, so
    that rhat minimises nothing.
    """

    domain = Instances(
        Worlds(shapes=((2, 3),), ratio=(0.1, 5.0), ref_depth=5.0),
        estimate=Reward(),
        adversary=Reward(stretch=3.0),
        labels=Labels(),
        log_policy=Free(depth=10.0),
        firmness=Scalar(1.01, 10.0, log=True),
    )
    controls = (
        Control("nine tenths of the right side", constant=0.9),
        Control(
            "the reference as base: rhat minimises nothing",
            measured=lambda x: game(
                x, x.log_policy, x.estimate, x.world.log_ref, stationary(x, x.estimate)[1]
            ),
            theory=lambda x: game(
                x, q.gibbs(x.world, x.estimate), x.adversary, x.world.log_ref, stationary(x, x.estimate)[1]
            ),
        ),
    )

    def measured(self, x):
        return game(x, x.log_policy, x.estimate, *stationary(x, x.estimate))

    def theory(self, x):
        return game(x, q.gibbs(x.world, x.estimate), x.adversary, *stationary(x, x.estimate))
