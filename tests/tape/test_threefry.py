"""Threefry-2x32-20: the published known answers, and the same bits in every dialect."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simbench.tape import threefry_jax, threefry_numba, threefry_numpy

# Salmon et al. (2011), the Random123 distribution's known answers: counter, key, output
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]

words = st.integers(0, 2**32 - 1)


@numba.njit
def encrypt(key0, key1, counter0, counter1):
    return threefry_numba(key0, key1, counter0, counter1)


@numba.njit
def encrypt_rows(table, out):
    for i in range(table.shape[0]):
        out[i, 0], out[i, 1] = threefry_numba(table[i, 0], table[i, 1], table[i, 2], table[i, 3])


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_published_known_answers(counter, key, answer):
    assert tuple(int(w) for w in threefry_numpy(*key, *counter)) == answer
    assert tuple(int(w) for w in threefry_jax(*(jnp.uint32(w) for w in (*key, *counter)))) == answer
    assert tuple(int(w) for w in encrypt(*(np.uint32(w) for w in (*key, *counter)))) == answer


@settings(deadline=None, max_examples=50)
@given(st.tuples(words, words, words, words))
def test_the_dialects_agree_word_by_word(block):
    expected = tuple(int(w) for w in threefry_numpy(*block))
    assert tuple(int(w) for w in encrypt(*(np.uint32(w) for w in block))) == expected
    assert tuple(int(w) for w in threefry_jax(*(jnp.uint32(w) for w in block))) == expected


def test_the_dialects_agree_on_many_blocks_at_once():
    table = np.random.default_rng(0).integers(0, 2**32, size=(50_000, 4), dtype=np.uint32)
    expected = np.stack(threefry_numpy(*table.T), axis=1)
    out = np.empty((len(table), 2), dtype=np.uint32)
    encrypt_rows(table, out)
    np.testing.assert_array_equal(out, expected)
    traced = jax.jit(threefry_jax)(*table.T)
    np.testing.assert_array_equal(np.stack(traced, axis=1), expected)


def test_it_is_the_generator_of_jax_random():
    """`jax.random.bits` of a raw threefry key encrypts the two halves of a 64-bit iota under that key."""
    key = np.array([123456789, 987654321], dtype=np.uint32)
    with jax.threefry_partitionable(True):
        bits = jax.random.bits(
            jax.random.wrap_key_data(jnp.asarray(key), impl="threefry2x32"), (1000,), "uint32"
        )
    word0, word1 = threefry_numpy(*key, 0, np.arange(1000))
    np.testing.assert_array_equal(np.asarray(bits), word0 ^ word1)


def test_shapes_broadcast():
    for encrypt_arrays in (threefry_numpy, threefry_jax):
        word0, word1 = encrypt_arrays(1, 2, np.zeros((3, 1), np.uint32), np.arange(4, dtype=np.uint32))
        assert word0.shape == word1.shape == (3, 4)
        assert encrypt_arrays(1, 2, 3, 4)[0].shape == ()


def test_one_flipped_bit_flips_half_of_the_output():
    """Avalanche: over 64 positions x 500 blocks the mean flips per output is 32 within 0.2 (10 sigma)."""
    generator = np.random.default_rng(1)
    block = generator.integers(0, 2**32, size=(500, 4), dtype=np.uint32)
    before = np.stack(threefry_numpy(*block.T), axis=1)
    flips = []
    for word in (2, 3):
        for bit in range(32):
            changed = block.copy()
            changed[:, word] ^= np.uint32(1 << bit)
            after = np.stack(threefry_numpy(*changed.T), axis=1)
            flips.append(np.bitwise_count(before ^ after).sum(axis=1))
    assert np.mean(flips) == pytest.approx(32, abs=0.25)


WITHOUT_JIT = """
import warnings
warnings.simplefilter("error")
import numpy as np
from simbench.tape import (choose_numba, choose_numpy, fill_uniforms_numba, run_key, tape_buffer,
                           threefry_numba, threefry_numpy, uniform_numba, uniforms_numpy)
generator = np.random.default_rng(0)
for block in generator.integers(0, 2**32, size=(200, 4), dtype=np.uint32):
    assert tuple(map(int, threefry_numba(*block))) == tuple(map(int, threefry_numpy(*block)))
key = run_key(seed=1, instance=2, run=3)
buffer = tape_buffer(100)
fill_uniforms_numba(*key, 7, 100, buffer)
np.testing.assert_array_equal(buffer.uniforms, uniforms_numpy(key, np.arange(7, 107), np.arange(4)[:, None]))
assert uniform_numba(*key, 7, 2) == buffer.uniforms[2, 0]
for u in buffer.uniforms[0]:
    p = generator.dirichlet(np.ones(6))
    assert choose_numba(np.cumsum(p), u) == choose_numpy(p, u)
"""


def test_the_kernels_run_without_the_jit_and_without_warnings(tmp_path):
    """A debugger steps through them; uint32 wraps there by design, silently."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_JIT],
        env={"NUMBA_DISABLE_JIT": "1", "PATH": "", "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
