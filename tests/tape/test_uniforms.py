"""Uniforms: 53 bits of the cipher's words, the same to the bit in every dialect, in [0, 1)."""

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import simbench.tape.uniforms as module
from simbench.precision import Float32Error, float64
from simbench.tape import (
    LABEL,
    LEARNER,
    PROMPT,
    RESPONSE_1,
    RESPONSE_2,
    ROUND_SLOTS,
    fill_uniforms_numba,
    run_key,
    tape_buffer,
    threefry_numpy,
    uniform_numba,
    uniforms_jax,
    uniforms_numpy,
)

words = st.integers(0, 2**32 - 1)
KEY = run_key(seed=0, instance=0, run=0)


@numba.njit
def one(key0, key1, round_index, slot):
    return uniform_numba(key0, key1, round_index, slot)


def in_integers(key, round_index, slot) -> float:
    """The formula in Python's integers."""
    word0, word1 = (int(w) for w in threefry_numpy(*key, round_index, slot))
    return ((word0 // 2**5) * 2**26 + word1 // 2**6) / 2**53


@settings(deadline=None, max_examples=50)
@given(words, words, words, words)
def test_the_dialects_agree_to_the_bit(key0, key1, round_index, slot):
    key = np.uint32(key0), np.uint32(key1)
    expected = in_integers(key, round_index, slot)
    assert float(uniforms_numpy(key, round_index, slot)) == expected
    assert one(*key, np.uint32(round_index), np.uint32(slot)) == expected
    with float64():
        assert float(uniforms_jax(*key, jnp.uint32(round_index), jnp.uint32(slot))) == expected


def test_the_dialects_agree_on_many_rounds():
    rounds, slots = np.arange(20_000, dtype=np.uint32)[:, None], np.arange(20, dtype=np.uint32)
    expected = uniforms_numpy(KEY, rounds, slots)
    with float64():
        np.testing.assert_array_equal(np.asarray(jax.jit(uniforms_jax)(*KEY, rounds, slots)), expected)
        per_run = jax.vmap(lambda t: uniforms_jax(*KEY, t, slots))(rounds[:100, 0])
    np.testing.assert_array_equal(np.asarray(per_run), expected[:100])


@settings(deadline=None, max_examples=50)
@given(words, words, st.integers(0, 2**32 - 300), st.integers(1, 20), st.integers(1, 257))
def test_fill_is_the_same_numbers_a_block_at_a_time(key0, key1, first_round, slots, rounds):
    key = np.uint32(key0), np.uint32(key1)
    buffer = tape_buffer(rounds, slots)
    fill_uniforms_numba(*key, first_round, rounds, buffer)
    expected = uniforms_numpy(key, first_round + np.arange(rounds), np.arange(slots)[:, None])
    np.testing.assert_array_equal(buffer.uniforms, expected)


def test_fill_may_write_into_part_of_a_buffer():
    buffer = tape_buffer(50)
    buffer.uniforms[:] = -1.0
    fill_uniforms_numba(*KEY, 3, 20, buffer)
    np.testing.assert_array_equal(buffer.uniforms[1, :20], uniforms_numpy(KEY, 3 + np.arange(20), 1))
    assert (buffer.uniforms[:, 20:] == -1).all()


@pytest.mark.parametrize(
    ("word0", "word1", "expected"),
    [
        (0, 0, 0.0),
        (2**5 - 1, 2**6 - 1, 0.0),
        (0, 2**6, 2.0**-53),
        (2**31, 0, 0.5),
        (2**32 - 1, 2**32 - 1, 1 - 2.0**-53),
    ],
)
def test_extremes_of_the_words(monkeypatch, word0, word1, expected):
    """All zeros is 0, all ones is the largest number below one; never 1."""
    pair = np.array(word0, np.uint32), np.array(word1, np.uint32)
    monkeypatch.setattr(module, "threefry_numpy", lambda *block: pair)
    monkeypatch.setattr(module, "threefry_jax", lambda *block: tuple(jnp.asarray(w) for w in pair))
    assert float(uniforms_numpy(KEY, 0, 0)) == expected
    with float64():
        assert float(uniforms_jax(*KEY, 0, 0)) == expected


def test_law():
    """Kolmogorov–Smirnov at p > 1e-7 in each slot, and no correlation between slots beyond 5.5 sigma."""
    n = 100_000
    u = uniforms_numpy(KEY, np.arange(n)[:, None], np.arange(ROUND_SLOTS))
    for slot in range(ROUND_SLOTS):
        assert stats.kstest(u[:, slot], stats.uniform.cdf).pvalue > 1e-7
    correlations = np.corrcoef(u.T)[np.triu_indices(ROUND_SLOTS, 1)]
    assert np.abs(correlations).max() < 5.5 / np.sqrt(n)
    assert abs(np.corrcoef(u[1:, 0], u[:-1, 0])[0, 1]) < 5.5 / np.sqrt(n)


def test_the_slots_of_a_round_and_of_a_learner_are_apart():
    assert sorted((PROMPT, RESPONSE_1, RESPONSE_2, LABEL)) == list(range(ROUND_SLOTS))
    assert LEARNER >= ROUND_SLOTS


def test_outside_the_64_bit_scope_the_traced_dialect_refuses():
    with pytest.raises(Float32Error, match="call it inside"):
        uniforms_jax(*KEY, 0, 0)
    with float64():
        assert uniforms_jax(*KEY, 0, 0).dtype == jnp.float64
