"""Eight responses to a prompt, and which of them is the best and which the worst.

    null arm           y[0:8] ~ pi                                                pi: the policy that is being trained
    arm of source w    y[4:8] ~ pi,  and y[0:4] are
        "best_of"      the four of largest r^w among n draws from pi: best-of-n stands for a policy trained on r^w
        "exact"        draws from pi_w = G(r^w) itself

The judge ranks the eight by r*. Exact ties for best and for worst are broken at random, each of the tied positions
alike, because a rule such as "the first" would let a useless source win whenever the same response was drawn in both
halves. Among the n draws ties may go to the earlier one: the draws are exchangeable, so that is fair.

What a prompt reads of the tape: `PROMPT`, and from `LEARNER` on the arm, the two ties, eight draws from pi, the draws
of the source. The same draws from pi serve every arm. Source: huang2025, Algorithm 3; the released program sorts
(reward, position) pairs, which gives the best place to the last of equals and the worst to the first.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit, prompt_weights
from simbench.learners.parts.samplers import normalised
from simbench.tape import LEARNER, PROMPT, uniforms_jax

RESPONSES = 8
FROM_SOURCE = 4  # of which a source contributes
# Positions among the uniforms of a prompt: the prompt, its arm if that is random, two ties, draws from pi, and behind
# them those of the source. Position p > 0 is slot LEARNER + p - 1.
ARM, BEST, WORST, OWN = 1, 2, 3, slice(4, 4 + RESPONSES)


class Draws(NamedTuple):
    """Running sums of probabilities: of prompts `[S]`, of pi `[S, A]`, of source policies `[W, S, A]` if drawn from."""

    prompts: Any
    policy: Any
    sources: Any


class Answer(NamedTuple):
    """What becomes of a prompt: prompt, chosen and rejected response, a draw from pi, whether the source won."""

    prompt: Any
    chosen: Any
    rejected: Any
    comparator: Any
    won: Any


def running_sums(probabilities: Any) -> Any:
    """Return the sums `[..., A]` of the first 1, ..., A probabilities, added one by one as in every dialect."""
    columns = jnp.moveaxis(probabilities, -1, 0)
    _, sums = jax.lax.scan(lambda total, p: (total + p, total + p), jnp.zeros(columns.shape[1:]), columns)
    return jnp.moveaxis(sums, 0, -1)


def draws_from(world: Bandit, log_policy: Any, source_policy: str) -> Draws:
    """Return what the responses are drawn from while the policy is `log_policy [S, A]`."""
    sources = None
    if source_policy == "exact" and world.sources is not None:
        log_sources = normalised(jnp.asarray(world.log_ref) + jnp.asarray(world.sources) / world.beta)
        sources = running_sums(jnp.exp(log_sources))
    return Draws(
        prompts=running_sums(jnp.asarray(prompt_weights(world))),
        policy=running_sums(jnp.exp(log_policy)),
        sources=sources,
    )


def drawn(sums: Any, u: Any) -> Any:
    """Return the index drawn from the running sums `[A]` by each uniform `[...]`.

    A scan over A adds along the runs, where XLA vectorises; comparing in one go is thirty times slower.
    """
    target = u * sums[-1]

    def step(counts: tuple[Any, Any], total: Any) -> tuple[tuple[Any, Any], None]:
        return (counts[0] + (total <= target), counts[1] + (total < sums[-1])), None

    nothing = jnp.zeros(target.shape, jnp.int32), jnp.zeros((), jnp.int32)
    (below, last), _ = jax.lax.scan(step, nothing, sums)
    return jnp.minimum(below, last)  # rounding may leave no index: the last one of positive probability


def foremost(scores: Any, values: Any, size: int) -> Any:
    """Return the `values` of the `size` largest `scores [n]`, best first; equal scores keep their order."""

    def insert(ranking: list[tuple[Any, Any]], new: tuple[Any, Any]) -> tuple[list[tuple[Any, Any]], None]:
        # Places are separate arrays, each contiguous over the runs.
        places, falling = [], new
        for score, value in ranking:
            better = new[0] > score
            places.append((jnp.where(better, falling[0], score), jnp.where(better, falling[1], value)))
            falling = (jnp.where(better, score, new[0]), jnp.where(better, value, new[1]))
        return places, None

    nobody = (jnp.asarray(-jnp.inf), jnp.zeros((), values.dtype))
    ranking, _ = jax.lax.scan(insert, [nobody] * size, (scores, values))
    return jnp.stack([value for _, value in ranking])


def tied(extreme: Any, u: Any) -> Any:
    """Return one of the positions where `extreme [n]` is true, all alike."""
    return drawn(jnp.cumsum(extreme.astype(jnp.float64)), u)


def answer(world: Bandit, draws: Draws, u: Any, arm: Any) -> Answer:
    """Return what becomes of a prompt under `arm`, given its uniforms `u [OWN.stop + samples]`."""
    s = drawn(draws.prompts, u[0])
    from_policy = drawn(draws.policy[s], u[OWN.start :])
    own, sampled = from_policy[:RESPONSES], from_policy[RESPONSES:]
    y = own
    if world.sources is not None:
        null = world.sources.shape[0]
        w = jnp.minimum(arm, null - 1)
        if draws.sources is None:
            offered = foremost(jnp.asarray(world.sources)[w, s, sampled], sampled, FROM_SOURCE)
        else:
            offered = drawn(draws.sources[w, s], u[OWN.stop : OWN.stop + FROM_SOURCE])
        y = jnp.where(arm < null, own.at[:FROM_SOURCE].set(offered), own)
    reward = jnp.asarray(world.reward)[s, y]
    best = tied(reward == jnp.max(reward), u[BEST])
    worst = tied(reward == jnp.min(reward), u[WORST])
    return Answer(s, y[best], y[worst], y[FROM_SOURCE], best < FROM_SOURCE)


def uniforms_of(key: tuple[Any, Any], labels: Any, samples: int) -> Any:
    """Return the uniforms `[B, OWN.stop + samples]` that the prompts of labels number `labels [B]` read."""
    own = LEARNER + jnp.arange(OWN.stop - 1 + samples)
    slots = jnp.concatenate([jnp.array([PROMPT]), own])
    return uniforms_jax(key[0], key[1], labels[:, None], slots[None, :])
