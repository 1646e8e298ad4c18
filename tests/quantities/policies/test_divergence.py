import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import rel_entr

from simbench import quantities as q
from tests.quantities import arb_oracle as oracle
from tests.quantities.instances import near, normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")

KL, CHI_SQUARED = jax.jit(q.kl), jax.jit(q.chi_squared)
LOGITS = hnp.arrays(np.float64, (3, 4), elements=st.floats(-300, 300))
RHO = np.array([0.2, 0.3, 0.5])


@pytest.mark.parametrize("distance", [30.0, 1.0, 1e-2, 1e-5, 1e-8, 1e-11, 1e-14])
@pytest.mark.usefixtures("in_400_bits")
def test_near_and_far_policies_vs_400_bits(distance):
    rng = np.random.default_rng(0)
    for _ in range(20):
        bandit = random_bandit(rng, missing=True, zero_weight=True)
        log_q = random_policy(rng, bandit, spread=3.0)
        log_p = near(rng, log_q, distance)
        p, reference = oracle.policy(log_p), oracle.policy(log_q)
        exact = oracle.kl(bandit, p, reference)
        assert oracle.relative_error(KL(bandit.rho, log_p, log_q), exact) < 1e-14
        exact = oracle.chi_squared(bandit, p, reference)
        assert oracle.relative_error(CHI_SQUARED(bandit.rho, log_p, log_q), exact) < 1e-13


@settings(derandomize=True, deadline=None, max_examples=100)
@given(LOGITS, LOGITS)
def test_kl_vs_scipy_and_its_sign(x, y):
    log_p, log_q = normalised(x), normalised(y)
    computed = float(KL(RHO, log_p, log_q))
    assert computed >= 0
    with np.errstate(divide="ignore", over="ignore"):
        textbook = rel_entr(np.exp(log_p), np.exp(log_q))
    if np.isfinite(textbook).all():
        assert computed == pytest.approx(RHO @ textbook.sum(axis=-1), rel=1e-11, abs=1e-13)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(LOGITS, LOGITS)
@pytest.mark.thorough
def test_order_of_the_divergences(x, y):
    # Pinsker: TV^2 <= KL/2 per prompt (Jensen over prompts); and KL <= log(1 + chi2).
    log_p, log_q = normalised(x), normalised(y)
    divergence, chi_squared = float(KL(RHO, log_p, log_q)), float(CHI_SQUARED(RHO, log_p, log_q))
    total_variation = RHO @ np.abs(np.exp(log_p) - np.exp(log_q)).sum(axis=-1) / 2
    assert total_variation**2 <= divergence / 2 * (1 + 1e-9) + 1e-15
    assert divergence <= np.log1p(chi_squared) * (1 + 1e-9) + 1e-15


def test_equal_policies_are_at_distance_exactly_zero():
    rng = np.random.default_rng(1)
    bandit = random_bandit(rng, missing=True)
    policy = random_policy(rng, bandit, spread=100.0)
    assert KL(bandit.rho, policy, policy) == 0.0
    assert CHI_SQUARED(bandit.rho, policy, policy) == 0.0


def test_mass_where_the_other_has_none_is_infinite_unless_the_prompt_does_not_count():
    rng = np.random.default_rng(2)
    bandit = random_bandit(rng)
    narrow = np.array(random_policy(rng, bandit))
    narrow[2] = [-np.inf, *normalised(np.zeros(3))]
    wide = random_policy(rng, bandit)
    silent = np.array([0.4, 0.6, 0.0])
    for divergence in (KL, CHI_SQUARED):
        assert divergence(RHO, wide, narrow) == np.inf
        assert np.isfinite(divergence(RHO, narrow, wide))
        assert divergence(silent, wide, narrow) == pytest.approx(divergence(silent, wide, narrow.round(300)))
        two_prompts = jax.jit(divergence)(silent[:2], wide[:2], narrow[:2])
        assert divergence(silent, wide, narrow) == pytest.approx(float(two_prompts), rel=1e-14)


def test_kl_of_a_point_mass_is_its_surprise():
    log_q = normalised(np.random.default_rng(3).normal(size=(3, 4)))
    point = np.full((3, 4), -np.inf)
    point[:, 1] = 0.0
    assert KL(RHO, point, log_q) == pytest.approx(-RHO @ log_q[:, 1], rel=1e-14)
    chi_squared = RHO @ (np.exp(-log_q[:, 1]) - 1)
    assert CHI_SQUARED(RHO, point, log_q) == pytest.approx(chi_squared, rel=1e-13)


def test_gradients_of_the_unnormalised_divergences():
    # d/dlog p of sum p log(p/q) - p + q is p log(p/q), d/dlog q is q - p: zero at p = q, as on the simplex.
    rng = np.random.default_rng(4)
    log_p, log_q = normalised(rng.normal(size=(3, 4))), normalised(rng.normal(size=(3, 4)))
    p, ref, rho = np.exp(log_p), np.exp(log_q), RHO[:, None]

    def both(log_p, log_q):
        return jnp.stack([q.kl(RHO, log_p, log_q), q.chi_squared(RHO, log_p, log_q)])

    by_p, by_q = jax.jit(jax.jacrev(both, (0, 1)))(log_p, log_q)
    np.testing.assert_allclose(by_p[0], rho * p * (log_p - log_q), atol=1e-14)
    np.testing.assert_allclose(by_q[0], rho * (ref - p), atol=1e-14)
    np.testing.assert_allclose(by_p[1], rho * 2 * p * (p / ref - 1), atol=1e-12)
    np.testing.assert_allclose(by_q[1], rho * (ref - p**2 / ref), atol=1e-12)
