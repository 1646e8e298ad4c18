import jax
import numpy as np
import pytest

from simbench import quantities as q
from simbench.errors import SimbenchError
from tests.quantities.instances import random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")

LINEAR_COVERAGE = jax.jit(q.linear_coverage)


def featured(rng, missing=False):
    return random_bandit(rng, missing=missing).replace(features=rng.normal(size=(3, 4, 2)))


def test_pair_covariance_vs_sum_over_pairs():
    rng = np.random.default_rng(0)
    bandit = featured(rng, missing=True)
    ref = np.exp(bandit.log_ref)
    z = bandit.features[:, :, None, :] - bandit.features[:, None, :, :]
    expected = 0.3 * np.eye(2) + np.einsum("s,sa,sb,sabi,sabj->ij", bandit.rho, ref, ref, z, z)
    np.testing.assert_allclose(q.reference_pair_covariance(bandit, 0.3), expected, rtol=1e-13)


def test_norm_vs_numpy_and_its_invariance():
    rng = np.random.default_rng(1)
    bandit = featured(rng)
    policy = random_policy(rng, bandit)
    sigma, nu = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([0.1, -0.2])
    shift = np.einsum("s,sa,sai->i", bandit.rho, np.exp(policy), bandit.features) - nu
    expected = np.sqrt(shift @ np.linalg.solve(sigma, shift))
    computed = float(LINEAR_COVERAGE(bandit, policy, sigma, nu))
    assert computed == pytest.approx(expected, rel=1e-13)
    # a change of basis of the features changes nothing
    basis = rng.normal(size=(2, 2))
    moved = bandit.replace(features=bandit.features @ basis.T)
    again = float(LINEAR_COVERAGE(moved, policy, basis @ sigma @ basis.T, basis @ nu))
    assert again == pytest.approx(expected, rel=1e-10)


def test_norm_is_the_largest_error_inside_the_confidence_ellipsoid():
    # sup { <E_pi phi - nu, theta> : theta' Sigma theta <= 1 }
    rng = np.random.default_rng(2)
    bandit = featured(rng)
    policy = random_policy(rng, bandit)
    sigma = np.asarray(q.reference_pair_covariance(bandit, 0.1))
    nu = np.asarray(q.feature_mean(bandit, bandit.log_ref))
    shift = np.asarray(q.feature_mean(bandit, policy)) - nu
    angle = np.linspace(0, 2 * np.pi, 20_001)
    theta = np.linalg.solve(np.linalg.cholesky(sigma).T, np.stack([np.cos(angle), np.sin(angle)]))
    assert float(LINEAR_COVERAGE(bandit, policy, sigma, nu)) == pytest.approx((shift @ theta).max(), rel=1e-7)


def test_comparator_itself_is_covered_with_a_finite_gradient():
    bandit = featured(np.random.default_rng(3))
    nu = q.feature_mean(bandit, bandit.log_ref)
    norm, slope = jax.jit(jax.value_and_grad(q.linear_coverage, 1))(bandit, bandit.log_ref, np.eye(2), nu)
    assert norm == 0.0
    assert np.isfinite(slope).all()


def test_world_without_features_is_refused():
    bandit = random_bandit(np.random.default_rng(4))
    for call in (
        lambda: q.feature_mean(bandit, bandit.log_ref),
        lambda: q.reference_pair_covariance(bandit, 1.0),
        lambda: q.linear_coverage(bandit, bandit.log_ref, np.eye(2), np.zeros(2)),
    ):
        with pytest.raises(SimbenchError, match="no features"):
            call()
