"""Newton steps for nearly separable labels in JAX; learners/fitting/bradley_terry.py has the mathematics.

The twin of kernels/exact_flows.py, for one run, quick to compile: loops over responses are loops of the program.
"""

from typing import Any

import jax
import jax.numpy as jnp

from simbench.learners.fitting.bradley_terry import FULL_STEP, MAX_STEPS, TOLERANCE


def fit_by_exact_flows(wins: Any, ridge: Any, start: Any, done: Any) -> tuple[Any, Any]:
    """Return the minimiser `[A]` for `wins [A, A]` and whether the rule was met; a fit that is `done` stands still."""
    won = wins * (1.0 - jnp.eye(len(wins)))
    counts = won + won.T

    def step(carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        reward, _, steps = carry
        downhill, curvature = exact_flows(won, counts, reward, ridge)
        direction = eliminate(curvature, jnp.full(len(wins), ridge), downhill)
        spread = jnp.max(direction) - jnp.min(direction)
        centred = direction - jnp.mean(direction)
        full = spread <= FULL_STEP
        length = jnp.where(full, 1.0, jnp.log1p(spread) / jnp.where(full, 1.0, spread))
        met = spread <= TOLERANCE * (1.0 + jnp.max(jnp.abs(reward)))
        return reward + length * centred, met, steps + 1

    fresh = jnp.where(jnp.all(jnp.isfinite(start)), start, 0.0)  # what went astray starts afresh
    carry = (jnp.where(done, start, fresh), done, 0)
    reward, met, _ = jax.lax.while_loop(lambda c: ~c[1] & (c[2] < MAX_STEPS), step, carry)
    return reward, met


def exact_flows(won: Any, counts: Any, reward: Any, ridge: Any) -> tuple[Any, Any]:
    """Return -g `[A]`, whose sums carry what their additions lose, and the curvatures `[A, A]` of the pairs."""
    p = jax.nn.sigmoid(reward[:, None] - reward[None])
    q = p.T  # of the other order, not 1 - p: that cancels when p -> 1
    below = jnp.tril(won * q - won.T * p, -1)

    def add(sums: tuple[Any, Any], term: Any) -> tuple[Any, Any]:
        before, lost = sums
        after = before + term
        gained = after - before
        return after, lost + (before - (after - gained)) + (term - gained)  # Knuth's two-sum

    def add_pairs(b: Any, sums: tuple[Any, Any]) -> tuple[Any, Any]:
        # What enters a loop is computed once; elsewhere XLA may compute a flow twice, to two roundings.
        return add(sums, below[:, b] - below[b])

    nothing = jnp.zeros_like(reward)
    sums = jax.lax.fori_loop(0, len(reward), add_pairs, (nothing, nothing))
    total, lost = add(sums, -ridge * reward)
    return total + lost, counts * p * q


def eliminate(weights: Any, excess: Any, vector: Any) -> Any:
    """Return x with (diag(excess + row sums of w) - w) x = vector, w `[A, A]` symmetric with a zero diagonal.

    Pivots are sums of positive terms: nothing is subtracted. Source: Grassmann, Taksar and Heyman (1985).
    """
    size = len(vector)
    index = jnp.arange(size)

    def down(k: Any, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        weights, excess, vector, shares, pivots = carry
        row = jnp.where(index > k, weights[k], 0.0)
        pivot = excess[k] + jnp.sum(row)
        share = row / pivot
        return (
            weights + row[:, None] * share[None],
            excess + share * excess[k],
            vector + share * vector[k],
            shares.at[k].set(share),
            pivots.at[k].set(pivot),
        )

    start = (weights, excess, vector, jnp.zeros_like(weights), jnp.ones_like(vector))
    _, _, vector, shares, pivots = jax.lax.fori_loop(0, size, down, start)

    def up(i: Any, solution: Any) -> Any:
        k = size - 1 - i
        return solution.at[k].add(jnp.dot(shares[k], solution))  # rows above k are not in its shares

    return jax.lax.fori_loop(0, size, up, vector / pivots)
