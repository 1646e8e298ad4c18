"""RPO: offline maximum likelihood that doubts itself, the adversary of the value taken in closed form.

    data:   s ~ rho_train,   a, b ~ ref(.|s),   a label each: n of them
    max over pi, min over r in the class of   eta ( E_pi r - E_base r - beta KL(pi||ref) ) + NLL(r),    NLL the mean

The inner maximum over policies of E_pi r - beta KL(pi||ref) is beta E log Z_r, attained at G(r). Hence, where the two
may be exchanged (a convex class: `tabular`, `box`, `linear`; not a finite one, see simbench/theory/offline/liu2024.py),

    rhat    = argmin over r in the class of   eta ( beta E log Z_r - E_base r ) + NLL(r) + regulariser / n
    policy  = G(rhat),

which is offline MLE with a bonus of weight n eta; in policies, DPO + SFT: beta log Z_r - r(b) = -beta log(pi/ref)(b).
In the finite class the learner enumerates this second form. eta = 0 is `offline_mle`, to the bit.

    base = "reference":  E_base r = sum_s rho_s sum_a ref r,             E log Z over rho;  m = -n eta rho, c = m ref
    base = "chosen":     E_base r = the mean over labels of r(winner),   E log Z over the labels' prompts
    eta_n = eta                                                                          weight = "constant"
          = eta sqrt(log(N/delta) / n) / (1 + e^R)^2,  N = M, or log N = the number of
            parameters (S A, or d) in the other classes                                  weight = "theory"

A constant weight leaves a bias that no amount of labels removes; the theory's goes to zero. A label of a response with
itself counts, and its response is the chosen one. Source: liu2024, Algorithm 1 and Theorem 5.3; log N of the infinite
classes, up to its logarithm, is ours.
"""

import math
from typing import Annotated, Any, Literal

import jax.numpy as jnp
from pydantic import Field

from simbench.bandit import Bandit
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.learners.parts.bonuses import Bonus, NoBonus, Pessimism
from simbench.registry import NonNegative, Probability, parameters, register

Failure = Annotated[Probability, Field(gt=0, lt=1)]


@register("learner", "rpo")
@parameters
class RPO(OfflineMLE):
    """Regularised preference optimisation on comparisons of the reference with itself.

    Args:
        eta: weight of the value against the mean negative log-likelihood (1 / reward units); 0 is offline MLE.
        weight: "theory" lets it fall with the labels, times `eta`.
        base: what the value is compared with, "reference" or the "chosen" responses of the data.
        delta: failure probability in the theory's weight, in (0, 1).
    """

    eta: NonNegative = 1.0
    weight: Literal["theory", "constant"] = "theory"
    base: Literal["reference", "chosen"] = "reference"
    delta: Failure = 0.1

    def bonus(self) -> Bonus:
        """Return the kind of bonus: pessimism, or none when eta = 0."""
        return Pessimism(eta=self.eta) if self.eta > 0.0 else NoBonus()

    def weight_of_value(self, world: Bandit, labels: Any) -> Any:
        """Return n eta_n after n = `labels` of them."""
        if self.weight == "constant":
            return labels * self.eta
        steepest = 1.0 + jnp.exp(world.reward_bound)
        doubt = self.log_members(world) - math.log(self.delta)
        return self.eta * jnp.sqrt(labels * doubt) / steepest**2

    def log_members(self, world: Bandit) -> float:
        """Return log N of the class: the finite one's, or the number of parameters of the others."""
        if self.model == "finite":
            return math.log(world.reward_class.shape[0])
        return float(world.features.shape[-1] if self.model == "linear" else math.prod(world.log_ref.shape))

    def mass_and_credit(self, world: Bandit, wins: Any) -> tuple[Any, Any]:
        """Return (m `[S]`, c `[S, A]`) of the pessimism about all labels `wins [S, A, A]`."""
        if self.eta == 0.0:
            return super().mass_and_credit(world, wins)
        labels = jnp.sum(wins)
        if self.base == "chosen":
            chosen = jnp.sum(wins, axis=2)
            per_label = self.weight_of_value(world, labels) / jnp.maximum(labels, 1.0)
            return -per_label * jnp.sum(chosen, axis=1), -per_label * chosen
        m = -self.weight_of_value(world, labels) * jnp.asarray(world.rho)
        return m, m[:, None] * jnp.exp(world.log_ref)
