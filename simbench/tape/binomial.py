"""Exact binomial counts: Binomial(n, p) from one address of the tape, at a cost that does not grow with n.

    binomial(round key, slot, n, p) = the same integer in NumPy, numba and JAX,     0 <= n < 2^53, 0 <= p <= 1

The counter is (round, slot, attempt). It has three coordinates and the cipher takes two, so a round of counts has a key
of its own, the cipher's output at (round, `BATCH`); under it, attempt i reads the uniforms at (slot, 2 i) and
(slot, 2 i + 1). With p > 1/2 the failures are drawn, so p <= 1/2 and q = 1 - p below.

**Inversion**, n p < 10. The first k with f(0) + ... + f(k) > u, by f(k + 1) = f(k) (n - k)/(k + 1) p/q; it ends where
a term falls below 2^-64, beyond the grain of u.

**Rejection**, n p >= 10. Let m = floor((n + 1) p) be the mode, s = sqrt(n p q), u uniform in (-1/2, 1/2),
us = 1/2 - |u|, and b = 2.55 (s + 0.8). The candidate is

    k = m + rint(T(u)),     T(u) = b u (1 + 0.048 / us),     T'(u) = b (1 + 0.024 / us^2),

and it is accepted with probability f(k) / f(m) T'(u) / (kappa b), kappa = 1.116 + 0.26 / s. That is an exact sample
as long as this is at most one wherever rint(T(u)) = k - m, which a test asserts over n and p, with 0.7 % to spare. The
hat, a uniform table with tails like 1/x^2, is the transformed rejection of Hörmann (1993), BTRS; it is centred at the
mode, so that only a *deviation* is ever rounded to an integer, and the constants are refitted to that. Between 62 %
(n p = 10) and 88 % of the candidates are accepted. With d = k - m, M = n - m, and a prime for "plus one",

    f(k)/f(m) = sqrt(k' (n-k)' / (m' M')) exp( d log(M' p / (m' q)) - m' bend(d/m') - M' bend(-d/M')
                + remainder(m) + remainder(M) - remainder(k) - remainder(n - k) ).

**Why the dialects agree.** A candidate is made of single operations that IEEE 754 rounds one way only, no product ever
being the operand of a sum, because compilers fuse those. The acceptance agrees to 1e-14 or so, and that is the chance
of two dialects parting on it. Rounding moves p by a few units in its last place, not more.
"""

import math
from typing import Any

import numba
import numpy as np

from simbench.errors import SimbenchError
from simbench.tape.keys import Key
from simbench.tape.stirling import bend, bend_numba, stirling_remainder, stirling_remainder_numba
from simbench.tape.threefry import threefry_jax, threefry_numba, threefry_numpy
from simbench.tape.uniforms import BATCH, uniform_numba, uniforms_jax, uniforms_numpy

SMALL = 10.0  # the mean below which counts are drawn by inversion
GRAIN = 2.0**-64  # terms of the distribution below this are beyond the grain of a uniform
TAIL, WIDTH, SHIFT = 0.024, 2.55, 0.8  # of the hat
KAPPA, KAPPA_SMALL = 1.116, 0.26  # kappa = KAPPA + KAPPA_SMALL / s
SURE, SURE_SMALL, SURE_US = (
    0.89,
    3.2,
    0.1,
)  # acceptance is certain for v <= SURE - SURE_SMALL / s and us >= SURE_US
ATTEMPTS = 400  # none ever needs them (0.4^400): an end for lanes whose p is not a number
WORKERS = 512  # cells that JAX tries together
LARGEST = 2**53  # counts are exact in float64


def round_key_numpy(key: Key, round_index: int) -> Key:
    """Return the key of a round's counts, of the run with tape `key`."""
    word0, word1 = threefry_numpy(key[0], key[1], round_index, BATCH)
    return np.uint32(word0), np.uint32(word1)


def binomial_numpy(key: Key, slot: Any, n: Any, p: Any) -> np.ndarray:
    """Return Binomial(n, p) at `slot` under the round's key, slot, n and p broadcast together, int64.

    Raises `SimbenchError` for an n outside 0 … 2^53 - 1 or a p outside [0, 1].
    """
    slots, n, p = np.broadcast_arrays(slot, np.asarray(n), np.asarray(p, dtype=np.float64))
    for name, value, bad in (("n", n, ~((n >= 0) & (n < LARGEST))), ("p", p, ~((p >= 0) & (p <= 1)))):
        if bad.any():
            allowed = "a whole number in [0, 2^53)" if name == "n" else "a probability"
            raise SimbenchError(f"binomial: {name} is {value[bad].flat[0]}; it must be {allowed}.")
    size, chance = n.astype(np.float64), np.where(p > 0.5, 1.0 - p, p)
    small = size * chance < SMALL
    rare = np.zeros(n.shape)
    rare[small] = _ascend_numpy(uniforms_numpy(key, slots[small], 0), size[small], chance[small])
    pending = np.flatnonzero(~small)
    for attempt in range(ATTEMPTS):
        if not pending.size:
            break
        u, v = (uniforms_numpy(key, slots.flat[pending], 2 * attempt + part) for part in (0, 1))
        with np.errstate(divide="ignore", invalid="ignore"):  # u = 0 makes an infinite candidate
            candidate, accepted = _attempt(np, size.flat[pending], chance.flat[pending], u, v)
        rare.flat[pending[accepted]] = candidate[accepted]
        pending = pending[~accepted]
    return np.where(p > 0.5, size - rare, rare).astype(np.int64)


def _ascend_numpy(u: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the counts that `u` inverts to, all `[cells]`."""
    term, odds, k = np.exp(n * np.log1p(-p)), p / (1.0 - p), np.zeros(n.shape)
    going = (u >= term) & (term > GRAIN)
    while going.any():
        u = np.where(going, u - term, u)
        term = np.where(going, term * ((n - k) / (k + 1.0) * odds), term)
        k += going
        going = (u >= term) & (term > GRAIN)
    return k


def round_key_jax(key0: Any, key1: Any, round_index: Any) -> tuple[Any, Any]:
    """Return the key of a round's counts, traced."""
    return threefry_jax(key0, key1, round_index, np.uint32(BATCH))


def binomial_jax(key0: Any, key1: Any, slot: Any, n: Any, p: Any) -> Any:
    """Return Binomial(n, p) at `slot` under the round's key, all broadcast together, int64, traced.

    -1 where p is not a number. Many cells at once are better than one under vmap, see `_reject_jax`.
    """
    import jax.numpy as jnp

    key0, key1, slot, n, p = jnp.broadcast_arrays(key0, key1, slot, n, p)
    size, chance = n.astype(jnp.float64), jnp.where(p > 0.5, 1.0 - p, p)
    small = size * chance < SMALL
    rare = _ascend_jax(uniforms_jax(key0, key1, slot, 0), size, chance, small)
    rare = _reject_jax(key0, key1, slot, size, chance, rare, ~small)
    return jnp.where((p > 0.5) & (rare >= 0.0), size - rare, rare).astype(jnp.int64)


def _ascend_jax(u: Any, n: Any, p: Any, small: Any) -> Any:
    """Return the counts that `u` inverts to where `small`, 0 elsewhere."""
    import jax
    import jax.numpy as jnp

    odds = p / (1.0 - p)

    def going(u: Any, term: Any) -> Any:
        return (u >= term) & (term > GRAIN)

    def ascend(carry: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        u, term, k = carry
        goes = going(u, term)
        step = jnp.where(goes, (n - k) / (k + 1.0) * odds, 1.0)
        return jnp.where(goes, u - term, u), term * step, k + goes

    first = jnp.where(small, jnp.exp(n * jnp.log1p(-p)), 0.0)
    start = u, first, jnp.zeros(n.shape)
    return jax.lax.while_loop(lambda carry: jnp.any(going(*carry[:2])), ascend, start)[2]


def _reject_jax(key0: Any, key1: Any, slot: Any, n: Any, p: Any, rare: Any, large: Any) -> Any:
    """Return `rare` with the counts put in that are drawn by rejection, where `large`.

    `WORKERS` cells try at a time; one that has its count hands its place to the next in the queue. If all cells went on
    side by side until the last had its count, they would make six times as many attempts.
    """
    import jax
    import jax.numpy as jnp

    shape, cells = rare.shape, rare.size
    columns = [x.reshape(-1) for x in (key0, key1, slot, n, p)]
    (queue,) = jnp.nonzero(large.reshape(-1), size=cells, fill_value=cells)
    workers = min(cells, WORKERS)
    parts = jnp.arange(2, dtype=jnp.uint32)[:, None]

    def attempt(carry: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        here, tried, taken, rare = carry
        own0, own1, at, size, chance = (x.at[here].get(mode="clip") for x in columns)
        u, v = uniforms_jax(own0, own1, at, jnp.uint32(2) * tried + parts)
        candidate, accepted = _attempt(jnp, size, chance, u, v)
        rare = rare.at[here].set(jnp.where(accepted, candidate, -1.0), mode="drop")
        free = accepted | (here >= cells) | (tried + 1 >= ATTEMPTS)
        following = queue.at[taken + jnp.cumsum(free) - 1].get(mode="fill", fill_value=cells)
        tried = jnp.where(free, jnp.uint32(0), tried + jnp.uint32(1))
        return jnp.where(free, following, here), tried, taken + jnp.sum(free), rare

    start = queue[:workers], jnp.zeros(workers, dtype=jnp.uint32), jnp.asarray(workers), rare.reshape(-1)
    return jax.lax.while_loop(lambda carry: jnp.any(carry[0] < cells), attempt, start)[3].reshape(shape)


def _attempt(xp: Any, n: Any, p: Any, u: Any, v: Any) -> tuple[Any, Any]:
    """Return the candidate that the uniforms u, v in [0, 1) make, and whether it is accepted."""
    mode = xp.floor((n + 1.0) * p)
    deviation = xp.sqrt(n * p * (1.0 - p))
    width = WIDTH * (deviation + SHIFT)
    kappa = KAPPA + KAPPA_SMALL / deviation
    centred = u - 0.5
    us = 0.5 - xp.abs(centred)
    candidate = mode + xp.rint(width * (centred * (2.0 * TAIL / us + 1.0)))
    inside = (candidate >= 0.0) & (candidate <= n)
    k = xp.where(inside, candidate, mode)
    accepted = v * kappa <= (TAIL / (us * us) + 1.0) * pmf_ratio(xp, n, p, mode, k)
    return candidate, inside & accepted


def pmf_ratio(xp: Any, n: Any, p: Any, mode: Any, k: Any) -> Any:
    """Return f(k) / f(mode), all float64, 0 <= k <= n, with n p >= 1 so that nothing cancels."""
    d, rest, other = k - mode, n - k, n - mode
    ones, others = mode + 1.0, other + 1.0
    up, down = (k + 1.0) / ones, (rest + 1.0) / others
    log_ratio = (
        d * xp.log((others * p) / (ones * (1.0 - p)))
        - ones * bend(xp, d / ones, up)
        - others * bend(xp, -d / others, down)
        + (stirling_remainder(xp, mode) + stirling_remainder(xp, other))
        - (stirling_remainder(xp, k) + stirling_remainder(xp, rest))
    )
    return xp.sqrt(up * down) * xp.exp(log_ratio)


@numba.njit(error_model="numpy")
def _ascend_numba(u, n, p):
    """Return the count that `u` inverts to."""
    term = math.exp(n * math.log1p(-p))
    odds = p / (1.0 - p)
    k = 0.0
    while u >= term and term > GRAIN:
        u -= term
        term *= (n - k) / (k + 1.0) * odds
        k += 1.0
    return k


@numba.njit(error_model="numpy")
def _reject_numba(key0, key1, slot, n, p):
    """Return the first accepted candidate; logarithms wait until an attempt cannot be accepted without them."""
    mode = math.floor((n + 1.0) * p)
    other = n - mode
    ones, others = mode + 1.0, other + 1.0
    deviation = math.sqrt(n * p * (1.0 - p))
    width = WIDTH * (deviation + SHIFT)
    kappa = KAPPA + KAPPA_SMALL / deviation
    sure = SURE - SURE_SMALL / deviation
    slope, remainders, known = 0.0, 0.0, False
    for attempt in range(ATTEMPTS):
        centred = uniform_numba(key0, key1, slot, 2 * attempt) - 0.5
        v = uniform_numba(key0, key1, slot, 2 * attempt + 1)
        us = 0.5 - abs(centred)
        k = mode + np.rint(width * (centred * (2.0 * TAIL / us + 1.0)))
        if not (k >= 0.0 and k <= n):
            continue
        if us >= SURE_US and v <= sure:
            return k
        if not known:
            slope = math.log((others * p) / (ones * (1.0 - p)))
            remainders = stirling_remainder_numba(mode) + stirling_remainder_numba(other)
            known = True
        d, rest = k - mode, n - k
        up, down = (k + 1.0) / ones, (rest + 1.0) / others
        log_ratio = (
            d * slope
            - ones * bend_numba(d / ones, up)
            - others * bend_numba(-d / others, down)
            + remainders
            - (stirling_remainder_numba(k) + stirling_remainder_numba(rest))
        )
        if v * kappa <= (TAIL / (us * us) + 1.0) * math.sqrt(up * down) * math.exp(log_ratio):
            return k
    return -1.0


@numba.njit(error_model="numpy")
def round_key_numba(key0, key1, round_index):
    """Return the key of a round's counts inside a kernel."""
    return threefry_numba(key0, key1, np.uint32(round_index), np.uint32(BATCH))


@numba.njit(error_model="numpy")
def binomial_numba(key0, key1, slot, n, p):
    """Return Binomial(n, p) at `slot` under the round's key, inside a kernel; -1 where p is not a number."""
    size = np.float64(n)
    chance = 1.0 - p if p > 0.5 else p
    if size * chance < SMALL:
        rare = _ascend_numba(uniform_numba(key0, key1, slot, 0), size, chance)
    else:
        rare = _reject_numba(key0, key1, slot, size, chance)
        if rare < 0.0:
            return np.int64(-1)
    return np.int64(size - rare) if p > 0.5 else np.int64(rare)
