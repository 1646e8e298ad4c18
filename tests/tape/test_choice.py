"""Choosing by the inverse CDF: the edges, the law, and the same index in every dialect."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simbench.precision import float64
from simbench.tape import choose_jax, choose_numba, choose_numpy, run_key, uniforms_numpy

LAST = 1 - 2.0**-53  # the largest uniform

uniforms = st.one_of(
    st.floats(0, LAST),
    st.sampled_from([0.0, LAST, 0.5, 0.25, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]),
)
weights = st.one_of(
    st.just(0.0),
    st.sampled_from([0.1, 0.2, 0.25, 1.0, 3.0, 1e-300, 5e-324, 1e-17]),
    st.floats(0, 1e6),
)
probability_vectors = st.lists(weights, min_size=1, max_size=9).filter(lambda p: sum(p) > 0).map(np.array)

_traced = jax.jit(choose_jax)
_traced_many = jax.jit(jax.vmap(choose_jax, in_axes=(None, 0)))


def traced(p, u) -> int:
    with float64():
        return int(_traced(jnp.asarray(p), u))


def compiled(p, u) -> int:
    return int(choose_numba(np.cumsum(p), u))


DIALECTS = [choose_numpy, compiled, traced]


def left_to_right(p, u) -> int:
    """The definition in a loop."""
    sums, total = [], 0.0
    for weight in p:
        total += float(weight)
        sums.append(total)
    for i, cdf in enumerate(sums):
        if cdf > u * total:
            return i
    return max(i for i, weight in enumerate(p) if weight > 0)


@settings(deadline=None, max_examples=150)
@given(probability_vectors, uniforms)
def test_every_dialect_is_the_definition(p, u):
    expected = left_to_right(p, u)
    assert p[expected] > 0
    assert choose_numpy(p, u) == expected
    assert compiled(p, u) == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(weights, min_size=6, max_size=6).filter(lambda p: sum(p) > 1e-290).map(np.array), uniforms)
def test_the_traced_dialect_is_the_definition(p, u):
    """Totals below the normal range are left out: XLA flushes such numbers to zero."""
    p = np.where(p < 1e-300, 0.0, p)
    assert traced(p, u) == left_to_right(p, u)


@pytest.mark.parametrize("size", [1, 10, 40, 65, 150])
def test_the_dialects_agree_at_the_edges_of_the_cdf(size):
    """u at the edges themselves, where sums in another order would choose the neighbour."""
    generator = np.random.default_rng(size)
    for p in (generator.dirichlet(np.ones(size)), np.full(size, 0.1), np.full(size, 1 / size)):
        edges = np.cumsum(p) / np.cumsum(p)[-1]
        u = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1), generator.random(500)])
        u = np.where(u < 1, u, LAST)  # the number of uniforms stays, and with it the compiled function
        expected = [left_to_right(p, x) for x in u]
        assert [choose_numpy(p, x) for x in u] == expected
        assert [compiled(p, x) for x in u] == expected
        with float64():
            many = _traced_many(jnp.asarray(p), jnp.asarray(u))
        np.testing.assert_array_equal(np.asarray(many), expected)


@pytest.mark.parametrize("choose", DIALECTS)
@pytest.mark.parametrize("u", [0.0, 2.0**-53, 0.5, LAST])
@pytest.mark.parametrize(
    "p", [[0, 0, 1, 0], [0, 0.5, 0, 0.5, 0], [1e-12, 0], [0, 1e-12], [0.3, 0, 0], [1.0]], ids=str
)
def test_probability_zero_is_never_chosen(choose, p, u):
    assert p[choose(np.array(p, dtype=float), u)] > 0


@pytest.mark.parametrize("choose", DIALECTS)
def test_the_extreme_uniforms_choose_the_first_and_the_last_positive(choose):
    p = np.array([0.0, 0.2, 0.5, 0.3, 0.0])
    assert choose(p, 0.0) == 1
    assert choose(p, LAST) == 3


@pytest.mark.parametrize("choose", DIALECTS)
@pytest.mark.parametrize("scale", [2.0**-600, 0.5, 2.0, 1024.0, 2.0**600])
def test_weights_need_not_sum_to_one(choose, scale):
    p = np.array([0.125, 0.5, 0.25, 0.125])
    for u in (0.0, 0.124, 0.125, 0.3, 0.625, 0.874, 0.875, LAST):
        assert choose(scale * p, u) == choose(p, u)


def test_law():
    """Chi-squared at p > 1e-7 on 100 000 draws of the tape."""
    p = np.array([0.5, 0.0, 0.3, 0.15, 0.05])
    u = uniforms_numpy(run_key(seed=0, instance=0, run=0), np.arange(100_000), 0)
    with float64():
        drawn = np.asarray(_traced_many(jnp.asarray(p), jnp.asarray(u)))
    counts = np.bincount(drawn, minlength=5)
    assert counts[1] == 0
    assert stats.chisquare(counts[p > 0], 100_000 * p[p > 0]).pvalue > 1e-7


def test_a_draw_is_monotone_in_the_uniform():
    """Common random numbers: a larger uniform never chooses an earlier index."""
    p = np.random.default_rng(0).dirichlet(np.full(30, 0.3))
    drawn = [choose_numpy(p, u) for u in np.linspace(0, LAST, 2000)]
    assert (np.diff(drawn) >= 0).all()
