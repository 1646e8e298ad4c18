"""Samplers: which policy a slot draws from, made of the fit, the reference and fixed policies.

    Own()              G(rhat), the learner's policy                      Reference(), Uniform()
    Temperature(x)     ref exp(rhat / (beta x)) / Z                       Source(w)   G(r^w) of the world's source w
    Mixture(w, p, q)   w p + (1 - w) q                                    Fixed(p)    a given table
    BestOf(n, p), WorstOf(n, p)    the exact law of the best (worst) of n draws from p by rhat

The law of best-of-n, with F(a) = sum_b p_b 1{r_b <= r_a} and F_-(a) = sum_b p_b 1{r_b < r_a}:

    p_a (F(a)^n - F_-(a)^n) / (F(a) - F_-(a)),

ties (within 1e-9) split in proportion to p. A sampler maps rows to rows, so that after a label only its prompt's row is
made anew. Sources: guo2024 (on-policy samplers); dong2024 (best-of-n against worst-of-n); beirami2024 (the law).
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from pydantic import InstanceOf

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.kernels.codes import (
    BEST_OF,
    MIXTURE,
    OWN,
    REFERENCE,
    TABLE,
    TEMPERATURE,
    UNIFORM,
    WORST_OF,
    Program,
)
from simbench.learners.protocols.twins import Twinned
from simbench.quantities.values.value import TIE
from simbench.registry import Count, Index, Positive, Probability, parameters


class Sampler(ABC, Twinned):
    """Maps the fit to a log-policy, row by row."""

    twin = "program"
    twinned = ("log_policy",)

    needs_fit: ClassVar[bool] = True

    @abstractmethod
    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """Return the log-policy `[S, A]` for the fitted `reward` and G(reward), `log_own`, both `[S, A]`.

        With a `prompt`, the three are that prompt's rows `[A]`; what is read of `world` must be taken at it (`at`).
        """

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program | None:
        """Return the sampler for the numba kernels, appending fixed policies `[S, A]` to `tables`; None: JAX only."""
        return None


def at(array: Any, prompt: Any) -> Any:
    """Return the row of a prompt, or all rows."""
    return jnp.asarray(array) if prompt is None else jnp.asarray(array)[prompt]


def normalised(logits: Any) -> Any:
    """Return log softmax over responses."""
    top = jnp.max(logits, axis=-1, keepdims=True)
    return logits - (top + jnp.log(jnp.sum(jnp.exp(logits - top), axis=-1, keepdims=True)))


@parameters
class Own(Sampler):
    """The Gibbs policy of the fit."""

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """G(rhat)."""
        return log_own

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push G(rhat)."""
        return [(OWN, 0.0)]


@parameters
class Reference(Sampler):
    """The reference policy."""

    needs_fit = False

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """ref."""
        return at(world.log_ref, prompt)

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push ref."""
        return [(REFERENCE, 0.0)]


@parameters
class Uniform(Sampler):
    """Every supported response alike."""

    needs_fit = False

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """1 / number of supported responses."""
        supported = at(world.log_ref, prompt) > -jnp.inf
        return jnp.where(supported, -jnp.log(jnp.sum(supported, axis=-1, keepdims=True)), -jnp.inf)

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push the uniform policy."""
        return [(UNIFORM, 0.0)]


@parameters
class Source(Sampler):
    """The Gibbs policy of a source reward of the world.

    Args:
        index: w, counted from 0.
    """

    index: Index

    needs_fit = False

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """G(r^w)."""
        require_source(world, self.index)
        return normalised(at(world.log_ref, prompt) + at(world.sources[self.index], prompt) / world.beta)

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push a table."""
        require_source(world, self.index)
        tables.append(np.exp(np.asarray(normalised(world.log_ref + world.sources[self.index] / world.beta))))
        return [(TABLE, float(len(tables) - 1))]


def require_source(world: Bandit, index: int) -> None:
    """Raise `SimbenchError` unless the world has source `index`."""
    count = 0 if world.sources is None else world.sources.shape[0]
    if index >= count:
        raise SimbenchError(f"source {index} is asked for; the world has {count}, counted from 0.")


@parameters
class Fixed(Sampler):
    """A given policy.

    Args:
        probabilities: S rows of A probabilities.
    """

    probabilities: tuple[tuple[Probability, ...], ...]

    needs_fit = False

    def _table(self, world: Bandit) -> np.ndarray:
        table = np.array(self.probabilities)
        if table.shape != world.log_ref.shape or not np.allclose(table.sum(axis=-1), 1.0, rtol=0, atol=1e-9):
            raise SimbenchError(
                f"the fixed policy has shape {table.shape}; it must be rows of probabilities, {world.log_ref.shape}."
            )
        return table / table.sum(axis=1, keepdims=True)

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """The table."""
        return jnp.log(at(self._table(world), prompt))

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push a table."""
        tables.append(self._table(world))
        return [(TABLE, float(len(tables) - 1))]


@parameters
class Temperature(Sampler):
    """The Gibbs policy of the fit at another temperature.

    Args:
        factor: x in beta x; above one is flatter.
    """

    factor: Positive

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """ref exp(rhat / (beta x)) / Z."""
        return normalised(at(world.log_ref, prompt) + reward / (world.beta * self.factor))

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program:
        """Push it."""
        return [(TEMPERATURE, float(self.factor))]


@parameters
class Mixture(Sampler):
    """One policy with probability `weight`, the other otherwise."""

    weight: Probability
    one: InstanceOf[Sampler]
    other: InstanceOf[Sampler]

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """w p + (1 - w) q."""
        one = self.one.log_policy(world, reward, log_own, prompt)
        other = self.other.log_policy(world, reward, log_own, prompt)
        return jnp.log(self.weight * jnp.exp(one) + (1.0 - self.weight) * jnp.exp(other))

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program | None:
        """Push both, then mix."""
        one, other = self.one.program(tables, world), self.other.program(tables, world)
        return None if one is None or other is None else [*one, *other, (MIXTURE, float(self.weight))]


def order_statistic(reward: Any, policy: Any, n: int) -> Any:
    """Return the law `[..., A]` of the best of n draws from `policy` by `reward`, ties within 1e-9 split fairly."""
    difference = reward[..., :, None] - reward[..., None, :]
    worse = jnp.sum(jnp.where(difference > TIE, policy[..., None, :], 0.0), axis=-1)
    tied = jnp.sum(jnp.where(jnp.abs(difference) <= TIE, policy[..., None, :], 0.0), axis=-1)
    mass = jnp.where(
        tied > 0, policy * ((worse + tied) ** n - worse**n) / jnp.where(tied > 0, tied, 1.0), 0.0
    )
    return mass / jnp.sum(mass, axis=-1, keepdims=True)


@parameters
class BestOf(Sampler):
    """The best of `n` draws from `of`, ranked by the fit."""

    n: Count
    of: InstanceOf[Sampler] = Own()

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """The law of the largest order statistic."""
        policy = jnp.exp(self.of.log_policy(world, reward, log_own, prompt))
        return jnp.log(order_statistic(reward, policy, self.n))

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program | None:
        """Push the base, then take its best."""
        base = self.of.program(tables, world)
        return None if base is None else [*base, (BEST_OF, float(self.n))]


@parameters
class WorstOf(Sampler):
    """The worst of `n` draws from `of`, ranked by the fit."""

    n: Count
    of: InstanceOf[Sampler] = Own()

    def log_policy(self, world: Bandit, reward: Any, log_own: Any, prompt: Any = None) -> Any:
        """The law of the smallest order statistic."""
        policy = jnp.exp(self.of.log_policy(world, reward, log_own, prompt))
        return jnp.log(order_statistic(-reward, policy, self.n))

    def program(self, tables: list[np.ndarray], world: Bandit) -> Program | None:
        """Push the base, then take its worst."""
        base = self.of.program(tables, world)
        return None if base is None else [*base, (WORST_OF, float(self.n))]
