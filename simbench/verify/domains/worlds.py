"""Worlds over the unit cube: every bandit of a shape, from uniform references to e^-50 tails, vertex rewards.

    rho = softmax,  ref = softmax of logits in [-ref_depth, 0],  reward = R u,  beta = R / ratio

R spans `reward_bound` and R/beta spans `ratio`, both evenly in their logarithms: a statement whose units
are wrong (a missing beta, an R in the wrong place) cannot hide behind R = 1.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from simbench.errors import SimbenchError
from simbench.verify.domains.cube import Blocks, Domain, Shape, deep_logits, log_between, log_normalise
from simbench.verify.instance import Instance, traced_world


@dataclasses.dataclass(frozen=True, kw_only=True)
class Worlds(Domain):
    """All bandits of the given shapes; as a domain on its own, instances have only `x.world`.

    Args:
        shapes: (S, A) pairs to range over; each is compiled once, so two or three small ones are plenty.
        ratio: the interval of R/beta (the useful range is [2, 20]; below, gaps are tiny).
        reward_bound: the interval of R (reward units).
        ref_depth: L; reference probabilities go down to about e^-L.
        missing: the fraction of responses (never the first) that the reference cannot emit: log_ref = -inf.
        features: d > 0 gives `world.features [S, A, d]` in [-1, 1].
        general_preferences: `world.prefs` is any P with P[s,a,b] + P[s,b,a] = 1 instead of Bradley-Terry.
    """

    shapes: tuple[Shape, ...] = ((1, 2), (3, 4))
    ratio: tuple[float, float] = (0.1, 20.0)
    reward_bound: tuple[float, float] = (0.5, 2.0)
    ref_depth: float = 50.0
    missing: float = 0.0
    features: int = 0
    general_preferences: bool = False

    def __post_init__(self) -> None:
        """Refuse ranges that are not finite positive intervals, and shapes that are not (S, A)."""
        for name in ("ratio", "reward_bound"):
            interval(f"Worlds.{name}", getattr(self, name), positive=True)
        if not (self.shapes and all(len(shape) == 2 and min(shape) >= 1 for shape in self.shapes)):
            raise SimbenchError(f"Worlds.shapes is {self.shapes}; it must list (S, A) pairs with S, A >= 1.")
        if not 0 <= self.ref_depth <= 600:
            raise SimbenchError(f"Worlds.ref_depth is {self.ref_depth}; it must lie in [0, 600] nats.")
        if not 0 <= self.missing < 1:
            raise SimbenchError(f"Worlds.missing is {self.missing}; it is a fraction in [0, 1).")

    def coordinates(self, shape: Shape) -> dict[str, Shape]:
        """Return the blocks: ratio, reward_bound, rho (S > 1), ref, reward, and the optional ones."""
        prompts, responses = shape
        blocks: dict[str, Shape] = {"ratio": (), "reward_bound": ()}
        if prompts > 1:
            blocks["rho"] = (prompts,)
        blocks |= {"ref": shape, "reward": shape}
        if self.missing:
            blocks["support"] = shape
        if self.features:
            blocks["features"] = (*shape, self.features)
        if self.general_preferences:
            blocks["prefs"] = (prompts, responses, responses)
        return blocks

    def build(self, shape: Shape, blocks: Blocks) -> Instance:
        """Return the instance whose only part is the world at these coordinates."""
        return Instance(world=self.world(shape, blocks))

    def world(self, shape: Shape, blocks: Blocks) -> Any:
        """Return the world at these coordinates (traced, not validated)."""
        reward_bound = log_between(*self.reward_bound, blocks["reward_bound"])
        fields: dict[str, Any] = {
            "rho": jnp.exp(log_normalise(deep_logits(8.0, blocks["rho"]))) if shape[0] > 1 else jnp.ones(1),
            "log_ref": log_normalise(self._ref_logits(blocks)),
            "reward": reward_bound * blocks["reward"],
            "reward_bound": reward_bound,
            "beta": reward_bound / log_between(*self.ratio, blocks["ratio"]),
        }
        if self.features:
            fields["features"] = 2.0 * blocks["features"] - 1.0
        if self.general_preferences:
            fields["prefs"] = _antisymmetric(blocks["prefs"])
        return traced_world(**fields)

    def _ref_logits(self, blocks: Blocks) -> Any:
        logits = deep_logits(self.ref_depth, blocks["ref"])
        if not self.missing:
            return logits
        first = np.arange(logits.shape[-1]) == 0  # always emitted: a prompt needs some response
        return jnp.where(first | (blocks["support"] >= self.missing), logits, -jnp.inf)


def _antisymmetric(u: Any) -> Any:
    """Return P[s, a, b] = u for a < b, 1 - u mirrored below, 1/2 on the diagonal."""
    above = np.triu(np.ones(u.shape[-2:], dtype=bool), 1)
    return jnp.where(above, u, jnp.where(above.T, 1.0 - jnp.swapaxes(u, -1, -2), 0.5))


def interval(name: str, bounds: tuple[float, float], *, positive: bool = False) -> None:
    """Raise unless `bounds` is (low, high) with finite low <= high (and low > 0 where asked)."""
    low, high = bounds
    if not (np.isfinite(low) and np.isfinite(high) and low <= high and (low > 0 or not positive)):
        least = "0 < low" if positive else "low"
        raise SimbenchError(
            f"{name} is {bounds}; a domain does not run to infinity: it must be {least} <= high < inf."
        )
