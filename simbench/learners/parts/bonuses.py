"""Bonuses: what an objective adds to the loss, to be optimistic or pessimistic about the value of the fit.

    extra(r) = sum_{s,a} c[s, a] r[s, a] - sum_s m[s] beta log Z_r(s),         m[s] = sum_a c[s, a],
             = (beta sum_{s,a} c[s, a] log(G(r)/ref)[s, a])                   because log G(r)/ref = r / beta - log Z_r

Every published bonus is one way to let (m, c) grow with the labels:

    XPO        alpha sum_i log pi(b_i|s_i)      a label with reference draw b: m[s] and c[s, b] += alpha/beta
    VPO        the same in expectation over b   m[s] += alpha/beta,  c[s, :] += (alpha/beta) ref[s, :]
               or once, -(alpha/beta) J*(r) for calibrated r:  m = (alpha/beta) rho,  c = m ref
    pessimism  (RPO) n eta (beta E log Z_r - E_ref r):   m[s] -= eta,  c[s, :] -= eta ref[s, :]

A positive m is optimism: it pushes log Z up, and makes the objective non-convex. A negative m is pessimism, convex.
The sum runs over reference draws and its sign is plus; the other sign (alpha < 0) is the mutant that must lose.
Sources: xie2024 (XPO, Algorithm 1); cen2024 (VPO); liu2024 (RPO); the common form: simbench.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.kernels.codes import CALIBRATED, DRAWS, NOTHING
from simbench.learners.protocols.round import Comparison
from simbench.learners.protocols.twins import Twinned
from simbench.registry import Finite, NonNegative, parameters


class Bonus(ABC, Twinned):
    """How (m `[S]`, c `[S, A]`) start and what a label adds to them."""

    twin = "code"
    twinned = ("increment",)

    code: ClassVar[int | None] = None  # None: the JAX engine only

    @property
    def active(self) -> bool:
        """Whether there is anything to add."""
        return True

    def start(self, world: Bandit) -> tuple[Any, Any]:
        """Return (m, c) before any label."""
        return jnp.zeros(world.log_ref.shape[0]), jnp.zeros(world.log_ref.shape)

    @abstractmethod
    def increment(self, world: Bandit, comparison: Comparison) -> tuple[Any, Any]:
        """Return what a label at prompt s adds to m[s], and to c[s, :] `[A]`."""

    def per_label(self, world: Bandit) -> Any:
        """Return the weight that a label adds to m[s], for the kernels."""
        return 0.0


@parameters
class NoBonus(Bonus):
    """Plain fits."""

    code = NOTHING

    @property
    def active(self) -> bool:
        """Nothing to add."""
        return False

    def increment(self, world: Bandit, comparison: Comparison) -> tuple[Any, Any]:
        """Add nothing."""
        return 0.0, jnp.zeros(world.log_ref.shape[1])


@parameters
class ReferenceDraws(Bonus):
    """XPO: + alpha log pi(b|s) at every draw b of slot 2, which must sample the reference.

    Args:
        alpha: its weight per label (nats); negative is the wrong sign.
    """

    alpha: Finite

    code = DRAWS

    def increment(self, world: Bandit, comparison: Comparison) -> tuple[Any, Any]:
        """alpha / beta, on the drawn response."""
        weight = self.per_label(world)
        return weight, weight * jax.nn.one_hot(comparison.second, world.log_ref.shape[1])

    def per_label(self, world: Bandit) -> Any:
        """alpha / beta."""
        return self.alpha / world.beta


@parameters
class Calibrated(Bonus):
    """VPO: optimism about J*(r) with E_ref r = 0 as the calibration.

    Args:
        alpha: its weight (nats), per label or in all.
        weight: "per_label" grows with the data as XPO's does; "constant" is there from the start.
    """

    alpha: Finite
    weight: Literal["per_label", "constant"] = "per_label"

    code = CALIBRATED

    def start(self, world: Bandit) -> tuple[Any, Any]:
        """All of it at once if the weight is constant."""
        once = self.alpha / world.beta if self.weight == "constant" else 0.0
        m = once * jnp.asarray(world.rho)
        return m, m[:, None] * jnp.exp(world.log_ref)

    def increment(self, world: Bandit, comparison: Comparison) -> tuple[Any, Any]:
        """alpha / beta, spread over the reference."""
        weight = self.per_label(world)
        return weight, weight * jnp.exp(world.log_ref[comparison.prompt])

    def per_label(self, world: Bandit) -> Any:
        """alpha / beta, or nothing."""
        return self.alpha / world.beta if self.weight == "per_label" else 0.0


@parameters
class Pessimism(Bonus):
    """RPO: the adversary of E_pi r - E_ref r - beta KL, in its minimised form; convex.

    Args:
        eta: weight of the value against the mean negative log-likelihood (1 / reward units).
    """

    eta: NonNegative

    code = CALIBRATED

    def increment(self, world: Bandit, comparison: Comparison) -> tuple[Any, Any]:
        """-eta, spread over the reference."""
        return -self.eta, -self.eta * jnp.exp(world.log_ref[comparison.prompt])

    def per_label(self, world: Bandit) -> Any:
        """-eta."""
        return -self.eta
