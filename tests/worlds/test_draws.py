"""Draws have the law they claim, whatever NumPy's own generators do.

Kolmogorov–Smirnov tests at p > 1e-7: on a fixed tape they always give the same answer, and over all tapes a
right sampler fails one with probability 1e-7.
"""

import hashlib

import numpy as np
import pytest
from scipy import special, stats

from simbench.tape import instance_key, tape_key, threefry_numpy, uniforms_numpy
from simbench.worlds.draws import (
    integers,
    log_dirichlet,
    log_gamma_variate,
    standard_normal,
    stream,
    uniform,
    unit_uniform,
)

KEY = instance_key(seed=0, instance=0)
FALSE_ALARM = 1e-7


def test_a_stream_is_the_cipher_of_the_hashed_name():
    digest = hashlib.blake2b(b"reward", digest_size=8).digest()
    words = np.frombuffer(digest, dtype="<u4")
    assert stream(KEY, "reward") == tuple(int(w) for w in threefry_numpy(*KEY, words[0], words[1]))


def test_a_draw_is_the_tape_at_the_cell():
    drawn = unit_uniform(KEY, "reward", (3, 4))
    np.testing.assert_array_equal(drawn.ravel(), uniforms_numpy(stream(KEY, "reward"), np.arange(12), 0))


def test_streams_differ_by_name_and_key():
    names = [f"array_{i}" for i in range(2000)]
    assert len({stream(KEY, name) for name in names}) == len(names)
    first = unit_uniform(KEY, "a", (100,))
    for other in (
        unit_uniform(KEY, "b", (100,)),
        unit_uniform(instance_key(seed=0, instance=1), "a", (100,)),
    ):
        assert not np.isin(other, first).any()


def test_an_array_does_not_move_when_it_grows():
    small, large = unit_uniform(KEY, "x", (5,)), unit_uniform(KEY, "x", (50,))
    np.testing.assert_array_equal(small, large[:5])


def test_uniform_law():
    drawn = uniform(KEY, "x", (20_000,), -2.0, 3.0)
    assert stats.kstest(drawn, stats.uniform(-2, 5).cdf).pvalue > FALSE_ALARM


def test_normal_law():
    assert stats.kstest(standard_normal(KEY, "x", (20_000,)), stats.norm.cdf).pvalue > FALSE_ALARM


def test_integers_cover_both_ends_evenly():
    drawn = integers(KEY, "x", (11_000,), 20, 30)
    values, counts = np.unique(drawn, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(20, 31))
    assert stats.chisquare(counts).pvalue > FALSE_ALARM
    assert integers(KEY, "x", (3,), 7, 7).tolist() == [7, 7, 7]


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5, 1.0, 5.0, 200.0, 1e6])
def test_gamma_law(alpha):
    """P(alpha, x) of the drawn x is uniform; where x underflows, by its first term."""
    log_x = log_gamma_variate(KEY, "x", (20_000,), alpha)
    log_tail = alpha * np.minimum(log_x, -100) - special.gammaln(alpha + 1)
    levels = np.where(log_x < -100, np.exp(log_tail), special.gammainc(alpha, np.exp(log_x)))
    assert stats.kstest(levels, stats.uniform.cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.01, 0.3, 1.0, 30.0, 1e6])
def test_gamma_inverts_its_cdf_on_both_sides_of_the_switch(alpha):
    """P(alpha, x(u)) = u, to 1e-9 relative, in the tail formula, at the switch and beyond it."""
    u = np.maximum(unit_uniform(KEY, "x", (2000,)), 2.0**-54)
    log_x = log_gamma_variate(KEY, "x", (2000,), alpha)
    reachable = log_x > -700
    np.testing.assert_allclose(
        special.gammainc(alpha, np.exp(log_x[reachable])), u[reachable], rtol=1e-9, atol=0
    )
    order = np.argsort(u)
    assert (np.diff(log_x[order]) >= 0).all()


@pytest.mark.parametrize("alpha", [1e-6, 1e-3, 0.01])
def test_tiny_concentrations_do_not_underflow(alpha):
    log_p = log_dirichlet(KEY, "x", (50, 10), alpha)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p).sum(-1), 1.0, rtol=0, atol=1e-12)
    if alpha <= 1e-3:
        assert (log_p < -745).any()  # such a probability is zero in float64, its logarithm is not


@pytest.mark.parametrize("alpha", [0.05, 1.0, 10.0])
def test_dirichlet_marginals_are_beta(alpha):
    log_p = log_dirichlet(KEY, "x", (8000, 4), alpha)
    law = stats.beta(alpha, 3 * alpha)
    for column in range(4):
        level = law.cdf(np.exp(log_p[:, column]))
        visible = log_p[:, column] > -600
        low = special.betaln(alpha, 3 * alpha) + np.log(alpha)
        level = np.where(visible, level, np.exp(alpha * log_p[:, column] - low))
        assert stats.kstest(level, stats.uniform.cdf).pvalue > FALSE_ALARM


def test_dirichlet_of_one_response_is_certain():
    np.testing.assert_array_equal(log_dirichlet(KEY, "x", (4, 1), 0.01), np.zeros((4, 1)))


def test_the_least_uniform_is_finite(monkeypatch):
    """u = 0 has probability 2^-53 a draw; then every inverse CDF must still be finite."""
    zero = lambda key, rounds, slots: np.zeros(np.shape(rounds))  # noqa: E731
    monkeypatch.setattr("simbench.worlds.draws.uniforms_numpy", zero)
    assert np.isfinite(standard_normal(KEY, "x", (2,))).all()
    assert np.isfinite(log_gamma_variate(KEY, "x", (2,), 0.01)).all()


def test_the_largest_uniform_is_finite(monkeypatch):
    top = lambda key, rounds, slots: np.full(np.shape(rounds), 1 - 2.0**-53)  # noqa: E731
    monkeypatch.setattr("simbench.worlds.draws.uniforms_numpy", top)
    assert np.isfinite(standard_normal(KEY, "x", (2,))).all()
    for alpha in (1e-3, 0.01, 1.0, 100.0):
        assert np.isfinite(log_gamma_variate(KEY, "x", (2,), alpha)).all()
    assert integers(KEY, "x", (2,), 0, 9).tolist() == [9, 9]


def test_draws_leave_numpy_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what must not move
    log_dirichlet(tape_key(a=1), "x", (5, 5), 1.0)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
