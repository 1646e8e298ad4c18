"""Self-exploration (SELM): why a value bonus needs a calibration per prompt, and what its gradient is.

Comparisons never see c(s) in r(s, a) + c(s), but J*(r + c) = J*(r) + E_rho c. So loss(r) - alpha J*(r) without
calibration has no minimum: it falls without bound along c while neither the fit nor the policy G(r) changes.
With the shift fixed by E_ref r = 0 the bonus becomes -beta E_ref log(pi/ref), whose gradient on softmax logits is
rho (pi - ref): ascending it widens whatever the policy already changed about the reference, and it vanishes at
the reference itself, where exploration would have to begin. (General exploration bonuses, arXiv 2510.03269,
start from this.)
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from simbench import quantities as q
from simbench.quantities.losses.optimism import optimistic_value, preference_loss
from simbench.verify import Control, Identity, claim
from simbench.verify.domains import Free, Instances, Part, Reward, Worlds

WORLDS = Worlds(shapes=((2, 3),))


@dataclasses.dataclass(frozen=True)
class PromptShift(Part):
    """A number per prompt, c `[S]` in [-size R, size R]."""

    size: float = 10.0

    def coordinates(self, shape):
        """Return one block `shift`."""
        return {"shift": shape[:1]}

    def build(self, world, blocks):
        """Return c."""
        return self.size * world.reward_bound * (2.0 * blocks["shift"] - 1.0)


SHIFTED = Instances(WORLDS, estimate=Reward(), shift=PromptShift())


@claim("optimism_follows_a_prompt_shift", source="zhang2024selm; cen2024; simbench")
class OptimismFollowsAPromptShift(Identity):
    """J*(r + c) - J*(r) = E_rho c(s): without calibration per prompt the bonus can be anything.

    J*(r) = max_pi E_pi r - beta KL(pi||ref), c = c(s) a shift per prompt. Controls: a thousandth more; the shift of
    the largest prompt in place of the mean.
    """

    domain = SHIFTED
    controls = (
        Control("a thousandth more", constant=1.001),
        Control("the largest shift in place of the mean", theory=lambda x: jnp.max(x.shift)),
    )

    def measured(self, x):
        moved = optimistic_value(x.world, x.estimate + x.shift[:, None])
        return moved - optimistic_value(x.world, x.estimate)

    def theory(self, x):
        return jnp.sum(x.world.rho * x.shift)


@claim("likelihood_ignores_a_prompt_shift", source="zhang2024selm; cen2024; simbench")
class LikelihoodIgnoresAPromptShift(Identity):
    """loss(r + c) = loss(r) for c = c(s): comparisons identify a reward only up to a shift per prompt.

    Population loss of comparisons of two responses of the reference.
    Controls: a thousandth more; a shift of the first response of each prompt alone.
    """

    domain = SHIFTED
    controls = (
        Control("a thousandth more", constant=1.001),
        Control(
            "a shift of the first response alone",
            measured=lambda x: preference_loss(x.world, x.estimate + x.shift[:, None] * np.eye(3)[0]),
        ),
    )

    def measured(self, x):
        return preference_loss(x.world, x.estimate + x.shift[:, None])

    def theory(self, x):
        return preference_loss(x.world, x.estimate)


@claim("gradient_of_the_reference_bonus", source="zhang2024selm; xie2024; simbench")
class GradientOfTheReferenceBonus(Identity):
    """The gradient of E_{rho, ref} log pi on softmax logits is rho (ref - pi); judged along any direction d.

    Measured: the derivative along d by forward differentiation. Theory: sum_s rho_s <ref - pi, d>.
    Controls: pi - ref; prompts not weighted by rho; samples of the policy itself (score zero).
    """

    domain = Instances(WORLDS, log_policy=Free(depth=10.0), direction=Reward())
    controls = (
        Control("pi - ref", constant=-1.0),
        Control("prompts not weighted", theory=lambda x: jnp.sum(pull(x) * x.direction)),
        Control("samples of the policy itself", measured=lambda x: slope(x, x.log_policy)),
    )

    def measured(self, x):
        return slope(x, x.world.log_ref)

    def theory(self, x):
        return jnp.sum(x.world.rho[:, None] * pull(x) * x.direction)


def pull(x):
    """Return ref - pi."""
    return jnp.exp(x.world.log_ref) - jnp.exp(x.log_policy)


def slope(x, samples):
    """Return d/dt E_{rho, samples} log softmax(logits + t d) at t = 0."""

    def log_likelihood(logits):
        return q.expectation(x.world.rho, samples, jax.nn.log_softmax(logits))

    return jax.jvp(log_likelihood, (x.log_policy,), (x.direction,))[1]
