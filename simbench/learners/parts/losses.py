"""Losses of one label: a convex function of u = r[winner] - r[loser], with its first two derivatives.

    logistic   log(1 + e^{-u})     Bradley-Terry maximum likelihood, DPO
    squared    (u - 1/2)^2         online IPO: with h = log pi/ref, r = beta h and beta^2 taken out,
                                   (h_w - h_l - 1/(2 beta))^2 = (u - 1/2)^2 / beta^2

A loss of your own derives from `Loss` and needs the three methods, in jax.numpy; it then runs on the JAX engine.
Sources: rafailov2023 (DPO); azar2024 (IPO; the target is 1/(2 beta), not beta/2); tang2024gpo (the family).
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from simbench.learners.kernels.codes import LOGISTIC, SQUARED
from simbench.learners.protocols.twins import Twinned
from simbench.registry import parameters


class Loss(ABC, Twinned):
    """A convex loss of u; `damped` says whether Newton steps need shortening (not when it is quadratic)."""

    twin = "code"
    twinned = ("value", "slope", "curvature")

    code: ClassVar[int | None] = None  # None: the JAX engine only
    damped: ClassVar[bool] = True

    @abstractmethod
    def value(self, u: Any) -> Any:
        """Return the loss."""

    @abstractmethod
    def slope(self, u: Any) -> Any:
        """Return its derivative in u."""

    @abstractmethod
    def curvature(self, u: Any) -> Any:
        """Return its second derivative in u, >= 0."""


@parameters
class Logistic(Loss):
    """The negative log-likelihood of Bradley-Terry."""

    code = LOGISTIC

    def value(self, u: Any) -> Any:
        """log(1 + e^{-u})."""
        return jnp.logaddexp(0.0, -u)

    def slope(self, u: Any) -> Any:
        """-sigmoid(-u)."""
        return -jax.nn.sigmoid(-u)

    def curvature(self, u: Any) -> Any:
        """sigmoid(u) sigmoid(-u)."""
        return jax.nn.sigmoid(u) * jax.nn.sigmoid(-u)


@parameters
class Squared(Loss):
    """IPO's squared loss, in reward units."""

    code = SQUARED
    damped = False

    def value(self, u: Any) -> Any:
        """(u - 1/2)^2."""
        return jnp.square(u - 0.5)

    def slope(self, u: Any) -> Any:
        """2 u - 1."""
        return 2.0 * u - 1.0

    def curvature(self, u: Any) -> Any:
        """2."""
        return jnp.full_like(u, 2.0)
