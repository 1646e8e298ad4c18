"""Magnetic mirror descent: the equilibrium of a known preference game, the reference as its magnet.

    log pi_{i+1} = [log pi_i + a R(., pi_i) + a beta log ref] / (1 + a beta) + c,         pi_0 = ref,
                 = (1 - w) log pi_i + w log G(R(., pi_i)) + c,                            w = a beta / (1 + a beta)

c normalises; R(b, pi) = sum_a R(b, a) pi(a), R the log-odds of the preference or P - 1/2. Each step moves the logarithm
of the policy a fraction w towards the best response to itself. For a <= beta / L^2, L = max |R|, it contracts,

    KL(pi_NE || pi_{i+1}) <= KL(pi_NE || pi_i) / (1 + a beta),

and at much larger steps it may circle for ever. Near an equilibrium whose linearised game has eigenvalues +-i lambda it
is the linear map with eigenvalues (1 +- i a lambda) / (1 + a beta), so that exploitability, a square, falls by
(1 + a^2 lambda^2) / (1 + a beta)^2 a step.

Source: sokota2023 (magnetic mirror descent); ye2024 (the game); the local rate is `simbench`.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.quantities import log_odds_payoff, preference_payoff
from simbench.registry import Positive, parameters, register

PAYOFF = {"log_odds": log_odds_payoff, "preference": preference_payoff}


class MirrorState(NamedTuple):
    """The policy `[S, A]`; the payoff over beta `[S, A, A]` and the weight w, which do not change."""

    log_policy: Any
    tilt: Any
    weight: Any


@register("learner", "mirror_descent")
@parameters
class MirrorDescent(IterativeMethod[MirrorState]):
    """Magnetic mirror descent on the game of the world's preferences; it asks for no labels and draws nothing.

    Args:
        payoff: R is "log_odds", log P/(1 - P), or "preference", P - 1/2.
        step_size: a (1 / reward units, or 1 / probability); None means beta / L^2, which contracts.
        average: whether the mean policy is measured too.
    """

    payoff: Literal["log_odds", "preference"] = "log_odds"
    step_size: Positive | None = None
    average: bool = False

    draws = False

    @property
    def averages(self) -> bool:
        """As the parameter says."""
        return self.average

    def init(self, world: Bandit, key: tuple[Any, Any]) -> MirrorState:
        """The reference; every policy is on its support from then on."""
        payoff = PAYOFF[self.payoff](world)
        largest = jnp.max(jnp.abs(payoff))
        pulled = world.beta**2 / largest**2 if self.step_size is None else self.step_size * world.beta
        return MirrorState(
            log_policy=jnp.asarray(world.log_ref),
            tilt=payoff / world.beta,
            weight=jnp.where(jnp.isinf(pulled), 1.0, pulled / (1.0 + pulled)),
        )

    def step(self, state: MirrorState, world: Bandit, key: tuple[Any, Any], i: Any) -> MirrorState:
        """Move a fraction w towards the best response."""
        tilt = jnp.sum(state.tilt * jnp.exp(state.log_policy)[:, None, :], axis=-1)
        supported = world.log_ref > -jnp.inf
        here, pull = (jnp.where(supported, part, 0.0) for part in (state.log_policy, world.log_ref + tilt))
        mixed = jnp.where(supported, (1.0 - state.weight) * here + state.weight * pull, -jnp.inf)
        return state._replace(log_policy=jax.nn.log_softmax(mixed, axis=-1))

    def policy(self, state: MirrorState, world: Bandit) -> Any:
        """The last iterate."""
        return state.log_policy
