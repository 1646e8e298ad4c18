"""A batch of m labels under one pair of policies, drawn as counts: the cost does not grow with m.

m independent labels are m times: s ~ rho, a ~ first(.|s), b ~ second(.|s), a preferred with P(a > b | s). How often
each of these happened is drawn directly, level by level,

    (m_s)   ~ Multinomial(m; rho)                 (m_sa)  ~ Multinomial(m_s; first(.|s))
    (m_sab) ~ Multinomial(m_sa; second(.|s))       w_sab   ~ Binomial(m_sab, P(a > b | s)),

a multinomial by successive conditional binomials: category i receives Binomial(what is left, p_i / (p_i + p_{i+1} +
...)), so that a category without probability receives nothing and the last one the rest. The result is

    wins[s, a, b] = w_sab + (m_sba - w_sba),

the sufficient statistic of m comparisons (`comparisons.py`), with self-pairs on the diagonal. The law is that of m
rounds of the loop, but the numbers are others: batch i of a run has the key of round i's counts (`tape/binomial.py`),
and under it the slots

    s,    S + s A + a,    S + S A + (s A + a) A + b,    S + S A + S A^2 + (s A + a) A + b

for the four levels. The same integers come out in NumPy, numba and JAX for the same probabilities; when m is large they
are sensitive to the last bit of those.
"""

from typing import Any

import numba
import numpy as np

from simbench.bandit.bandit import Bandit
from simbench.tape import (
    Key,
    binomial_jax,
    binomial_numba,
    binomial_numpy,
    round_key_jax,
    round_key_numba,
    round_key_numpy,
)


def prompt_weights(world: Bandit) -> Any:
    """Return the weights `[S]` of the prompts that are labelled: `train_rho`, or `rho` when the world has none."""
    return world.rho if world.train_rho is None else world.train_rho


@numba.njit
def first_slots(prompts, responses):
    """Return the first slot of each level: prompts, first responses, second responses, wins."""
    seconds = prompts + prompts * responses
    return 0, prompts, seconds, seconds + prompts * responses * responses


def draw_wins_numpy(
    key: Key, batch: int, labels: int, *, weights: Any, first: Any, second: Any, preference: Any
) -> np.ndarray:
    """Return the win counts `[S, A, A]`, int64, of `labels` labels: batch `batch` of the run with tape `key`.

    Args:
        key: the run's key. batch: index of the batch, from 0. labels: m, below 2^53.
        weights: `[S]` of the prompts. first, second: `[S, A]` probabilities that slots 1 and 2 draw from.
        preference: `[S, A, A]` P(a > b | s).
    """
    weights, first, second = (np.asarray(p, dtype=np.float64) for p in (weights, first, second))
    prompts, responses = first.shape
    by_prompt, by_first, by_second, by_win = first_slots(prompts, responses)
    cells = np.arange(prompts * responses, dtype=np.int64).reshape(prompts, responses)
    pairs = cells[:, :, None] * responses + np.arange(responses)
    own = round_key_numpy(key, batch)
    n_s = _split_numpy(own, by_prompt + np.arange(prompts), np.asarray(labels), weights)
    n_sa = _split_numpy(own, by_first + cells, n_s, first)
    n_sab = _split_numpy(own, by_second + pairs, n_sa, second[:, None, :])
    won = binomial_numpy(own, by_win + pairs, n_sab, np.asarray(preference))
    return won + np.swapaxes(n_sab - won, 1, 2)


def _split_numpy(key: Key, slots: Any, n: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Split counts `n [...]` over the last axis of `weights [..., C]`, with one slot `[..., C]` per category."""
    weights = np.broadcast_to(weights, slots.shape)
    tails = np.cumsum(weights[..., ::-1], axis=-1)[..., ::-1]
    counts = np.zeros(slots.shape, dtype=np.int64)
    for i in range(slots.shape[-1] - 1):
        chance = np.divide(weights[..., i], tails[..., i], out=np.zeros(n.shape), where=tails[..., i] > 0)
        counts[..., i] = binomial_numpy(key, slots[..., i], n, chance)
        n = n - counts[..., i]
    counts[..., -1] = n
    return counts


def draw_wins_jax(
    key0: Any,
    key1: Any,
    batch: Any,
    labels: Any,
    *,
    weights: Any,
    first: Any,
    second: Any,
    preference: Any,
) -> Any:
    """Return the win counts `[..., S, A, A]`, int64, of as many runs as the keys `[...]` name, traced.

    `first` and `second` are `[..., S, A]`, `weights [S]` and `preference [S, A, A]` shared by the runs. Runs are taken
    side by side without vmap, so that all their cells share the loops of the sampler. -1 appears where a probability
    is not a number.
    """
    import jax.numpy as jnp

    runs = jnp.shape(key0)
    prompts, responses = first.shape[-2:]
    by_prompt, by_first, by_second, by_win = first_slots(prompts, responses)
    cells = jnp.arange(prompts * responses, dtype=jnp.uint32).reshape(prompts, responses)
    pairs = cells[:, :, None] * jnp.uint32(responses) + jnp.arange(responses, dtype=jnp.uint32)
    own = round_key_jax(key0, key1, batch)
    n = jnp.broadcast_to(jnp.asarray(labels, dtype=jnp.int64), runs)
    weights = jnp.broadcast_to(weights, (*runs, prompts))
    n_s = _split_jax(own, jnp.uint32(by_prompt) + jnp.arange(prompts, dtype=jnp.uint32), n, weights)
    n_sa = _split_jax(own, jnp.uint32(by_first) + cells, n_s, first)
    n_sab = _split_jax(own, jnp.uint32(by_second) + pairs, n_sa, second[..., None, :])
    won = binomial_jax(*_under(own, n_sab.ndim), jnp.uint32(by_win) + pairs, n_sab, preference)
    return won + jnp.swapaxes(n_sab - won, -1, -2)


def _under(keys: tuple[Any, Any], axes: int) -> tuple[Any, Any]:
    """Return the keys with as many trailing axes of size one as counts of `axes` axes need."""
    import jax.numpy as jnp

    trailing = (...,) + (None,) * (axes - jnp.ndim(keys[0]))
    return jnp.asarray(keys[0])[trailing], jnp.asarray(keys[1])[trailing]


def _split_jax(keys: tuple[Any, Any], slots: Any, n: Any, weights: Any) -> Any:
    """Split counts `n [...]` over the last axis of `weights`, which broadcasts to `[..., C]`; slots `[..., C]`."""
    import jax
    import jax.numpy as jnp

    def add(tail: Any, weight: Any) -> tuple[Any, Any]:
        tail = tail + weight
        return tail, jnp.where(tail > 0.0, weight / jnp.where(tail > 0.0, tail, 1.0), 0.0)

    weights = jnp.moveaxis(weights, -1, 0)
    _, chances = jax.lax.scan(add, jnp.zeros(weights.shape[1:]), weights, reverse=True)

    def receive(left: Any, category: tuple[Any, Any]) -> tuple[Any, Any]:
        slot, chance = category
        count = binomial_jax(*_under(keys, left.ndim), slot, left, chance)
        return left - count, count

    categories = jnp.moveaxis(slots, -1, 0)[:-1], chances[:-1]
    last, counts = jax.lax.scan(receive, n, categories)
    return jnp.moveaxis(jnp.concatenate([counts, last[None]]), 0, -1)


@numba.njit(error_model="numpy")
def _split_numba(key0, key1, slot, n, weights, tails, counts):
    """Split `n` over `weights [C]` into `counts [C]`, from `slot` on; `tails [C]` is scratch."""
    last = weights.shape[0] - 1
    tail = 0.0
    for i in range(last, -1, -1):
        tail += weights[i]
        tails[i] = tail
    for i in range(last):
        counts[i] = 0
        if n > 0 and tails[i] > 0.0:
            counts[i] = binomial_numba(key0, key1, slot + i, n, weights[i] / tails[i])
            n -= counts[i]
    counts[last] = n


@numba.njit(error_model="numpy")
def draw_wins_numba(key0, key1, batch, labels, weights, first, second, preference, wins):
    """Overwrite `wins [S, A, A]`, int64, with the counts of `labels` labels of one run."""
    prompts, responses = first.shape
    by_prompt, by_first, by_second, by_win = first_slots(prompts, responses)
    key0, key1 = round_key_numba(key0, key1, batch)
    tails = np.empty(max(prompts, responses))
    n_s = np.empty(prompts, np.int64)
    n_a = np.empty(responses, np.int64)
    n_b = np.empty(responses, np.int64)
    _split_numba(key0, key1, by_prompt, labels, weights, tails, n_s)
    wins[:] = 0
    for s in range(prompts):
        _split_numba(key0, key1, by_first + s * responses, n_s[s], first[s], tails, n_a)
        for a in range(responses):
            cell = s * responses + a
            _split_numba(key0, key1, by_second + cell * responses, n_a[a], second[s], tails, n_b)
            for b in range(responses):
                if n_b[b] > 0:
                    slot = by_win + cell * responses + b
                    won = binomial_numba(key0, key1, slot, n_b[b], preference[s, a, b])
                    wins[s, a, b] += won
                    wins[s, b, a] += n_b[b] - won
