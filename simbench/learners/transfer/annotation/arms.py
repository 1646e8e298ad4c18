"""The arms of empirical TPO: one per source, and the null arm, which asks no source.

    arm_k = argmax over allowed arms of   wins[arm] / n[arm] + c / sqrt(n[arm])          (+infinity where n = 0)

Arms 0, ..., W - 1 are the sources, arm W is the null arm; ties within 1e-9 go to the first. A source wins a prompt when
the best response is one of its own; the null arm is paid a constant on every prompt, but has the same bonus. The index
is renewed after every `refresh` prompts; before the first time the arm of each prompt is drawn at random.

Baselines are restrictions: no arm but the null arm (iterative preference optimisation without transfer), or none but
one source. Source: huang2025, Algorithm 3.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.transfer.sources import source_gaps
from simbench.quantities.values.value import TIE
from simbench.registry import Index

Arms = Literal["all", "none", "best", "worst"] | Index


class Tally(NamedTuple):
    """Prompts `[W + 1]` on which an arm was pulled, and the sum `[W + 1]` of what it was paid."""

    pulls: Any
    wins: Any


def number_of_sources(world: Bandit) -> int:
    """Return W."""
    return 0 if world.sources is None else int(world.sources.shape[0])


def arms_name(arms: str | int) -> str:
    """Return what a choice of arms is called in names of columns."""
    return arms if isinstance(arms, str) else f"source_{arms}"


def require_arms(world: Bandit, arms: str | int) -> None:
    """Raise `SimbenchError` when the choice of arms names a source that the world does not have."""
    sources = number_of_sources(world)
    if isinstance(arms, int) and arms >= sources:
        has = f"has sources 0 to {sources - 1}" if sources else "has no sources"
        raise SimbenchError(f"arms is {arms}; this world {has}.")
    if arms in ("best", "worst") and not sources:
        raise SimbenchError(f"arms is '{arms}'; this world has no sources (see [sources]).")


def allowed_arms(world: Bandit, arms: str | int) -> Any:
    """Return which arms `[W + 1]` may be pulled: "all", "none" of the sources, one of them by value gap or by index.

    "best" and "worst" are an oracle's: the source whose Gibbs policy has the smallest or the largest value gap.
    """
    sources = number_of_sources(world)
    arm: Any = arms
    if arms == "all":
        return jnp.ones(sources + 1, dtype=bool)
    if arms == "none":
        arm = sources
    elif isinstance(arms, str):
        gaps = source_gaps(world)
        extreme = gaps <= jnp.min(gaps) + TIE if arms == "best" else gaps >= jnp.max(gaps) - TIE
        arm = jnp.argmax(extreme)
    return jnp.arange(sources + 1) == arm


def promising_arm(tally: Tally, allowed: Any, exploration: Any) -> Any:
    """Return the allowed arm of largest upper confidence index, the first within 1e-9."""
    pulls = jnp.maximum(tally.pulls, 1.0)
    index = jnp.where(tally.pulls > 0.0, tally.wins / pulls + exploration / jnp.sqrt(pulls), jnp.inf)
    index = jnp.where(allowed, index, -jnp.inf)
    return jnp.argmax(index >= jnp.max(index) - TIE)


def pull(tally: Tally, arm: Any, payment: Any, counted: Any) -> Tally:
    """Return the tally after prompts with `arm [B]`, `payment [B]`, as far as they are `counted [B]`."""
    weight = counted.astype(jnp.float64)
    return Tally(tally.pulls.at[arm].add(weight), tally.wins.at[arm].add(weight * payment))
