"""Threefry-2x32 with 20 rounds: the counter-based generator under every random number of Simbench.

A block cipher used as a generator: `threefry(key, counter)` maps a 64-bit key and a 64-bit counter (two
uint32 words each) to 64 bits. There is no state, so the number a run sees in round t does not depend on
scheduling, interruption, or which other numbers were read. One round is `x0 += x1; x1 = rotl(x1, r); x1 ^=
x0`, the rotations cycle through two groups of four, and after each group the key schedule (k0, k1, k0^k1^C)
is injected.

The same bits in three dialects: `threefry_numpy` (arrays), `threefry_numba` (scalars inside a kernel) and
`threefry_jax` (arrays, traced). Equality to each other and to the published known answers is a test.

Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

from typing import Any

import numba
import numpy as np

from simbench.tape.kernel import inner, kernel

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA  # Threefry's key-schedule constant for 32-bit words
GROUPS = 5  # five groups of four rounds
AT_A_TIME = 2**15  # words that NumPy encrypts at once: a hundred passes over them stay in the cache


def _encrypt(xp: Any, key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[Any, Any]:
    """The cipher over uint32 arrays of module `xp` (numpy or jax.numpy), all broadcast together."""
    schedule = (key0, key1, key0 ^ key1 ^ xp.uint32(PARITY))
    x0 = counter0 + schedule[0]
    x1 = counter1 + schedule[1]
    for group in range(GROUPS):
        for rotation in ROTATIONS[:4] if group % 2 == 0 else ROTATIONS[4:]:
            x0 = x0 + x1
            x1 = (x1 << xp.uint32(rotation)) | (x1 >> xp.uint32(32 - rotation))
            x1 = x1 ^ x0
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + xp.uint32(group + 1)
    return x0, x1


def threefry_numpy(key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[np.ndarray, np.ndarray]:
    """Encrypt uint32 arrays (broadcast together) with NumPy; returns the two uint32 output words."""
    words = [np.asarray(word, dtype=np.uint32) for word in (key0, key1, counter0, counter1)]
    flags = ["external_loop", "buffered", "zerosize_ok"]
    access = [["readonly"]] * len(words) + [["writeonly", "allocate"]] * 2
    with (
        np.errstate(over="ignore"),  # uint32 wraps by design
        np.nditer([*words, None, None], flags, access, buffersize=AT_A_TIME) as parts,  # type: ignore[arg-type]
    ):
        for *counters, out0, out1 in parts:
            out0[...], out1[...] = _encrypt(np, *counters)
        return parts.operands[-2], parts.operands[-1]


def threefry_jax(key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[Any, Any]:
    """Encrypt uint32 arrays (broadcast together) with jax.numpy; returns the two uint32 output words."""
    import jax.numpy as jnp

    return _encrypt(jnp, *(jnp.asarray(word, dtype=jnp.uint32) for word in (key0, key1, counter0, counter1)))


@inner
def _mix(x0, x1, rotation):
    x0 = np.uint32(x0 + x1)
    x1 = np.uint32((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation)))
    return x0, np.uint32(x1 ^ x0)


@inner
def _four(x0, x1, r0, r1, r2, r3, add0, add1):
    x0, x1 = _mix(x0, x1, r0)
    x0, x1 = _mix(x0, x1, r1)
    x0, x1 = _mix(x0, x1, r2)
    x0, x1 = _mix(x0, x1, r3)
    return np.uint32(x0 + add0), np.uint32(x1 + add1)


def _kernel(function: Any) -> Any:
    """Compile; without the JIT, for debugging, silence the wrapping of uint32 instead: it is by design."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return np.errstate(over="ignore")(function)
    return kernel(function)


@_kernel
def threefry_numba(key0, key1, counter0, counter1):
    """Encrypt one counter (uint32 scalars) inside a kernel; unrolled, so a loop over counters vectorises."""
    key2 = np.uint32(key0 ^ key1 ^ np.uint32(PARITY))
    x0 = np.uint32(counter0 + key0)
    x1 = np.uint32(counter1 + key1)
    x0, x1 = _four(x0, x1, 13, 15, 26, 6, key1, np.uint32(key2 + np.uint32(1)))
    x0, x1 = _four(x0, x1, 17, 29, 16, 24, key2, np.uint32(key0 + np.uint32(2)))
    x0, x1 = _four(x0, x1, 13, 15, 26, 6, key0, np.uint32(key1 + np.uint32(3)))
    x0, x1 = _four(x0, x1, 17, 29, 16, 24, key1, np.uint32(key2 + np.uint32(4)))
    return _four(x0, x1, 13, 15, 26, 6, key2, np.uint32(key0 + np.uint32(5)))
