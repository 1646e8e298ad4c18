"""Binomial counts: the law, the definition, the same integer in every dialect, and the hat above the distribution."""

import functools

import jax
import numba
import numpy as np
import pytest
from scipy import stats

from simbench.errors import SimbenchError
from simbench.precision import float64
from simbench.tape import (
    binomial as sampler,
)
from simbench.tape import (
    binomial_jax,
    binomial_numba,
    binomial_numpy,
    round_key_jax,
    round_key_numba,
    round_key_numpy,
    run_key,
)
from tests.naive.binomial import binomial as naive_binomial
from tests.naive.binomial import log_pmf

TAPE = run_key(seed=0, instance=0, run=0)
KEY = round_key_numpy(TAPE, 0)
LARGEST_N = 1_000_000_000_000
FALSE_ALARM = 1e-6  # of each test of a law


@functools.cache
def mixed(cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots, n log-uniform up to 1e12 with some zeros, and p of every size, the ends included."""
    rng = np.random.default_rng(0)
    n = np.floor(10 ** (rng.random(cells) * 12)).astype(np.int64)
    n[::100] = 0
    special = rng.choice([0.0, 1.0, 0.5, 1e-300, 5e-324, 1e-9, 1 - 1e-9, 1 - 2**-53], cells)
    kind = rng.random(cells)
    p = np.where(
        kind < 0.3, special, np.where(kind < 0.65, rng.random(cells), 10 ** (-12 * rng.random(cells)))
    )
    return np.arange(cells), n, p


@numba.njit
def compiled(key0, key1, round_index, slots, n, p):
    own0, own1 = round_key_numba(key0, key1, round_index)
    counts = np.empty(n.size, np.int64)
    for i in range(n.size):
        counts[i] = binomial_numba(own0, own1, slots[i], n[i], p[i])
    return counts


def test_numpy_vs_jax_on_1e5_draws():
    """Three cells more have a chance that is no number: NumPy refuses, JAX says -1 and does not go on for ever."""
    slots, n, p = mixed(100_000)
    cells = (np.arange(100_003, dtype=np.uint32), np.append(n, [0, 5, 100]), np.append(p, [np.nan] * 3))
    with float64():
        traced = jax.jit(lambda key0, key1, *cells: binomial_jax(*round_key_jax(key0, key1, 7), *cells))
        drawn = np.asarray(traced(*TAPE, *cells))
    np.testing.assert_array_equal(drawn[:-3], binomial_numpy(round_key_numpy(TAPE, 7), slots, n, p))
    assert (drawn[-3:] == -1).all()


@pytest.mark.thorough
@pytest.mark.compiled
def test_numpy_vs_numba_on_1e6_draws():
    """The kernel accepts most candidates without a logarithm; what it skips would have accepted them too."""
    slots, n, p = mixed(1_000_000)
    np.testing.assert_array_equal(compiled(*TAPE, 0, slots, n, p), binomial_numpy(KEY, slots, n, p))


def test_numpy_vs_naive():
    """The naive sampler follows the definition in ball arithmetic, where nothing cancels."""
    slots, n, p = (column[:1500] for column in mixed(100_000))
    expected = [
        naive_binomial(KEY, *cell) for cell in zip(slots.tolist(), n.tolist(), p.tolist(), strict=True)
    ]
    np.testing.assert_array_equal(binomial_numpy(KEY, slots, n, p), expected)


def test_a_round_has_a_key_of_its_own():
    assert len({round_key_numpy(TAPE, t) for t in range(1000)}) == 1000
    assert KEY not in {TAPE, round_key_numpy(run_key(seed=0, instance=0, run=1), 0)}


@pytest.mark.parametrize("n", [0, 1, 10, LARGEST_N])
def test_certain_events(n):
    assert (binomial_numpy(KEY, np.arange(50), n, 0.0) == 0).all()
    assert (binomial_numpy(KEY, np.arange(50), n, 1.0) == n).all()


def test_counts_are_possible():
    slots, n, p = mixed(100_000)
    drawn = binomial_numpy(KEY, slots, n, p)
    assert (drawn >= 0).all()
    assert (drawn <= n).all()


@pytest.mark.parametrize(
    ("n", "p", "words"),
    [
        (-1, 0.5, "n is -1"),
        (2**53, 0.5, "n is"),
        (3, 1.5, "p is 1.5"),
        (3, -0.1, "p is"),
        (3, np.nan, "p is nan"),
    ],
)
def test_impossible_arguments_are_refused(n, p, words):
    with pytest.raises(SimbenchError, match=words):
        binomial_numpy(KEY, 0, n, p)


# The law. Chi-squared over cells of about equal probability, against SciPy's distribution function.

LAWS = [
    (1, 0.3),
    (9, 0.5),
    (40, 0.2499),  # n p just below 10: inversion
    (20, 0.5),  # n p = 10: rejection, at its narrowest
    (35, 0.7),
    (10**6, 1.01e-5),  # Poisson-like rejection
    (1000, 0.9),
    (10**9, 0.3),
    (10**12, 1e-3),
]
DRAWS = 60_000


def p_value(counts: np.ndarray, n: int, p: float, cells: int = 60) -> float:
    """The p-value of the chi-squared test that `counts` were drawn from Binomial(n, p)."""
    law = stats.binom(n, p)
    edges = np.unique(
        law.ppf(np.linspace(0, 1, cells + 1)[1:-1])
    )  # cells (-inf, e_0], (e_0, e_1], ..., (e_last, inf)
    expected = counts.size * np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]]))
    observed = np.bincount(np.searchsorted(edges, counts, side="left"), minlength=expected.size)
    while (expected < 5).any():  # the last cells of a narrow law
        smallest = int(np.argmin(expected))
        into = smallest - 1 if smallest else 1
        for values in (expected, observed):
            values[into] += values[smallest]
        expected, observed = np.delete(expected, smallest), np.delete(observed, smallest)
    return float(stats.chisquare(observed, expected).pvalue)


@pytest.mark.parametrize(("n", "p"), LAWS)
def test_law(n, p):
    """False alarm 1e-6."""
    assert p_value(binomial_numpy(KEY, np.arange(DRAWS), n, p), n, p) > FALSE_ALARM


@pytest.mark.thorough
@pytest.mark.compiled
@pytest.mark.parametrize(("n", "p"), [*LAWS, (25, 0.4), (60, 0.17), (200, 0.5), (10**5, 0.01), (10**7, 0.5)])
def test_law_on_4e6_draws(n, p):
    """False alarm 1e-6."""
    draws = 4_000_000
    counts = compiled(*TAPE, 0, np.arange(draws), np.full(draws, n), np.full(draws, p))
    assert p_value(counts, n, p, cells=200) > FALSE_ALARM


# Controls: samplers that are a little wrong must fail the same test.


@pytest.mark.parametrize(
    ("n", "p", "wrong"),
    [(1, 0.3, 1.03), (9, 0.5, 1.02), (20, 0.5, 1.01), (1000, 0.9, 1.0006), (10**9, 0.3, 1 + 3e-6)],
)
def test_a_slightly_wrong_chance_is_seen(n, p, wrong):
    assert p_value(binomial_numpy(KEY, np.arange(DRAWS), n, p * wrong), n, p) < FALSE_ALARM


@pytest.mark.parametrize(("n", "p"), [(9, 0.5), (20, 0.5), (1000, 0.9)])
def test_an_offset_of_one_is_seen(n, p):
    assert p_value(np.minimum(binomial_numpy(KEY, np.arange(DRAWS), n, p) + 1, n), n, p) < FALSE_ALARM


MUTANTS = {
    "hat too low": ("KAPPA", 0.95, 10**9, 0.3),
    "hat too low where it is narrow": ("KAPPA_SMALL", -0.3, 20, 0.5),
    "normal approximation": ("bend", lambda xp, x, ratio: x * x / 2, 35, 0.7),
    "third order": ("bend", lambda xp, x, ratio: x * x / 2 - x**3 / 6, 10**6, 1.01e-5),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_seen(monkeypatch, mutant):
    name, wrong, n, p = MUTANTS[mutant]
    monkeypatch.setattr(sampler, name, wrong)
    with np.errstate(over="ignore"):
        assert p_value(binomial_numpy(KEY, np.arange(DRAWS), n, p), n, p) < FALSE_ALARM


# The hat: exact rejection needs it above the distribution, for every n and p.


def test_the_ratio_of_probabilities_vs_ball_arithmetic():
    rng = np.random.default_rng(1)
    for n, p in [
        (20, 0.5),
        (35, 0.3),
        (10**4, 2e-3),
        (10**6, 1.01e-5),
        (10**6, 0.4),
        (10**9, 0.3),
        (10**12, 0.5),
    ]:
        mode, spread = np.floor((n + 1) * p), np.sqrt(n * p * (1 - p))
        k = np.unique(np.clip(np.round(mode + spread * rng.normal(size=40) * 3), 0, n))
        ratio = sampler.pmf_ratio(np, float(n), p, mode, k)
        exact = [float((log_pmf(n, p, int(i)) - log_pmf(n, p, int(mode))).exp()) for i in k]
        np.testing.assert_allclose(
            ratio, exact, rtol=1e-14 * max(100.0, 10 * spread)
        )  # p moves by its last bits


def hat_points():
    """(n, p) over all means from 10 on: the tight ones near 10, every skewness, the normal and the Poisson limit."""
    for mean in [*np.linspace(10, 14, 41), 17, 20, 30, 50, 100, 1e3, 1e4, 1e6, 1e9]:
        for p in (0.5, 0.49, 0.4, 0.3, 0.2, 0.1, 0.01, 1e-4, 1e-8):
            yield np.ceil(mean / p), p


def test_the_hat_covers_the_distribution():
    """f(k)/f(m) T'(u) <= kappa b at the edge of k's cell farthest from the mode, where T' is largest."""
    worst, surest = 0.0, np.inf
    for n, p in hat_points():
        mode, s = np.floor((n + 1) * p), np.sqrt(n * p * (1 - p))
        b, kappa = sampler.WIDTH * (s + sampler.SHIFT), sampler.KAPPA + sampler.KAPPA_SMALL / s
        offsets = np.unique(np.round(np.linspace(-9 * s - 40, 9 * s + 40, 4001)))
        k = mode + offsets[(offsets >= -mode) & (offsets <= n - mode)]
        ratio = sampler.pmf_ratio(np, n, p, mode, k)

        def us(x, b=b):  # solves x = b u (1 + 2 TAIL / us) for us = 1/2 - u
            half = (0.5 - 2 * sampler.TAIL - x / b) / 2
            return half + np.sqrt(half**2 + sampler.TAIL)

        far, near = us(np.abs(k - mode) + 0.5), us(np.maximum(np.abs(k - mode) - 0.5, 0.0))
        worst = max(worst, np.max(ratio * (1 + sampler.TAIL / far**2) / kappa))
        certain = near >= sampler.SURE_US
        margin = ratio * (1 + sampler.TAIL / near**2) / kappa - (sampler.SURE - sampler.SURE_SMALL / s)
        surest = min(surest, np.min(margin[certain]))
    assert 0.99 < worst < 0.994  # covers, with at least 0.6 % to spare, and is not wasteful
    assert surest > 0.003  # what the kernel accepts unseen is always accepted
