"""Uniforms in [0, 1): 53 bits of the cipher's 64, addressed by (round, slot).

    u = ((word0 >> 5) 2^26 + (word1 >> 6)) 2^-53 ,   counter = (round, slot),   rounds from 0

Every round reads four named slots; a learner that needs more randomness owns the slots from `LEARNER` on; `BATCH` is
that of the key of a round that draws counts (tape/binomial.py).
"""

from typing import Any, NamedTuple

import numpy as np

from simbench.precision import Float32Error
from simbench.tape.kernel import kernel
from simbench.tape.keys import Key
from simbench.tape.threefry import threefry_jax, threefry_numba, threefry_numpy

PROMPT, RESPONSE_1, RESPONSE_2, LABEL = 0, 1, 2, 3
ROUND_SLOTS = 4  # what the loop itself reads in a round
LEARNER = 16  # the first slot of the learner's own block
BATCH = 2**32 - 1  # where a round that draws counts instead of a label has its key (tape/binomial.py)

_HIGH = 67108864.0  # 2^26
_UNIT = 1.0 / 9007199254740992.0  # 2^-53


def uniforms_numpy(key: Key, rounds: Any, slots: Any) -> np.ndarray:
    """Return the uniforms at (rounds, slots), broadcast together, as float64 in [0, 1)."""
    word0, word1 = threefry_numpy(key[0], key[1], rounds, slots)
    return np.asarray(((word0 >> np.uint32(5)) * _HIGH + (word1 >> np.uint32(6))) * _UNIT)


def uniforms_jax(key0: Any, key1: Any, rounds: Any, slots: Any) -> Any:
    """Return the uniforms at (rounds, slots), broadcast together, traced.

    Raises `Float32Error` outside `float64()`: 24 bits would be another tape.
    """
    import jax.numpy as jnp

    if jnp.result_type(float) != jnp.float64:
        raise Float32Error("uniforms_jax needs 53-bit numbers; call it inside `with sb.float64():`.")
    word0, word1 = threefry_jax(key0, key1, rounds, slots)
    return ((word0 >> jnp.uint32(5)) * jnp.float64(_HIGH) + (word1 >> jnp.uint32(6))) * jnp.float64(_UNIT)


class TapeBuffer(NamedTuple):
    """Where a kernel reads the tape, n rounds at a time: kernels allocate nothing (tape/kernel.py)."""

    uniforms: np.ndarray  # [slots, n]
    words: np.ndarray  # [2, n] uint32, scratch


def tape_buffer(rounds: int, slots: int = ROUND_SLOTS) -> TapeBuffer:
    """Return an empty buffer for `rounds` rounds."""
    return TapeBuffer(np.empty((slots, rounds)), np.empty((2, rounds), dtype=np.uint32))


@kernel
def uniform_numba(key0, key1, round_index, slot):
    """Return the uniform at (round, slot) inside a kernel."""
    word0, word1 = threefry_numba(key0, key1, np.uint32(round_index), np.uint32(slot))
    return (np.float64(word0 >> np.uint32(5)) * _HIGH + np.float64(word1 >> np.uint32(6))) * _UNIT


@kernel
def fill_uniforms_numba(key0, key1, first_round, rounds, buffer):
    """Fill `buffer.uniforms [slots, n]` with the first slots of `rounds` <= n consecutive rounds.

    Slot-major and in two passes, integers then floats, so that both inner loops vectorise at their own width;
    a number at a time costs twice as much.
    """
    words0, words1 = buffer.words[0], buffer.words[1]
    for slot in range(buffer.uniforms.shape[0]):
        for i in range(rounds):
            words0[i], words1[i] = threefry_numba(key0, key1, np.uint32(first_round + i), np.uint32(slot))
        row = buffer.uniforms[slot]
        for i in range(rounds):
            high, low = np.float64(words0[i] >> np.uint32(5)), np.float64(words1[i] >> np.uint32(6))
            row[i] = (high * _HIGH + low) * _UNIT
