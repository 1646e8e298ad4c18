"""The pairs of an iteration: chunks of prompts under one arm each, the arm renewed from chunk to chunk.

    for chunk 0, 1, ...:    arm = a random one per prompt (chunk 0), or the promising one (annotation/arms.py)
        for each of `refresh` prompts:   eight responses under the arm   ->   pair (best, worst), arm's payment
        tally the chunk

A pair whose two members are the same response says nothing and is skipped; the arm is paid all the same. Prompts of a
chunk do not depend on each other, so that a chunk is one vmapped step of a scan.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.transfer.annotation.arms import Tally, promising_arm, pull
from simbench.learners.transfer.annotation.responses import ARM, Draws, answer, tied, uniforms_of


class Pairs(NamedTuple):
    """One entry `[chunks x refresh]` per prompt, in order; entries that are not `counted` are beyond the iteration."""

    prompt: Any
    chosen: Any
    rejected: Any
    comparator: Any  # a draw from the policy that was deployed
    arm: Any
    payment: Any
    counted: Any

    @property
    def kept(self) -> Any:
        """Which pairs enter the training set: two different responses."""
        return self.counted & (self.chosen != self.rejected)


class Collecting(NamedTuple):
    """c of the bonus, prompts between two renewals of the arm, draws that a source ranks, the null arm's payment."""

    exploration: float
    refresh: int
    source_samples: int
    null_reward: float


def payments(null: Any, won: Any, null_reward: Any) -> Any:
    """Return what arms are paid `[B]`: the constant where it is the null arm, whether the source won elsewhere."""
    return jnp.where(null, null_reward, won.astype(jnp.float64))


def collect_pairs(
    world: Bandit,
    how: Collecting,
    draws: Draws,
    allowed: Any,
    key: tuple[Any, Any],
    start: Any,
    labels: Any,
    chunks: int,
) -> tuple[Pairs, Tally]:
    """Return the pairs of labels number `start`, ..., `start + labels - 1`, and the tally of the arms `[W + 1]`."""
    null = allowed.shape[0] - 1

    def chunk(tally: Tally, number: Any) -> tuple[Tally, Pairs]:
        i = number * how.refresh + jnp.arange(how.refresh)
        label = (start + i).astype(jnp.uint32)
        u = uniforms_of(key, label, how.source_samples)
        at_random = jax.vmap(tied, (None, 0))(allowed, u[:, ARM])
        arm = jnp.where(number == 0, at_random, promising_arm(tally, allowed, how.exploration))
        answers = jax.vmap(lambda u, a: answer(world, draws, u, a))(u, arm)
        payment = payments(arm == null, answers.won, how.null_reward)
        counted = i < labels
        pairs = Pairs(
            prompt=answers.prompt,
            chosen=answers.chosen,
            rejected=answers.rejected,
            comparator=answers.comparator,
            arm=arm,
            payment=payment,
            counted=counted,
        )
        return pull(tally, arm, payment, counted), pairs

    nothing = jnp.zeros(null + 1)
    tally, pairs = jax.lax.scan(chunk, Tally(nothing, nothing), jnp.arange(chunks))
    return jax.tree.map(lambda leaf: leaf.reshape(-1), pairs), tally
