"""Quantities where float64 has few digits to spare, against balls of 400 bits: point masses, near-equal policies."""

import jax
import numpy as np
import pytest
from flint import arb, arb_mat

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities import arb_oracle as exact

pytestmark = pytest.mark.usefixtures("in_float64", "in_400_bits")

TOTAL_VARIATION, EXCESS, REWARD_GAP = (jax.jit(f) for f in (q.total_variation, q.excess_mass, q.reward_gap))


def sharp(beta, reward=((1.0, 0.0),), ref=None):
    reward = np.array(reward)
    log_ref = np.full(reward.shape, -np.log(reward.shape[1])) if ref is None else np.log(ref)
    return Bandit(rho=[1.0], log_ref=log_ref, reward=reward, beta=beta)


def variation(p, q_):
    return sum(abs(p[cell] - q_[cell]) for cell in p) / 2


def test_total_variation_from_a_point_mass_as_filed():
    world = sharp(1 / 50)
    off = float(TOTAL_VARIATION(world.rho, q.log_optimal(world), np.array([[0.0, -np.inf]])))
    optimal = exact.gibbs(world, world.reward)
    true = variation(optimal, {(0, 0): arb(1), (0, 1): arb(0)})
    assert float(true) == pytest.approx(1.93e-22, rel=2e-3)
    assert exact.relative_error(off, true) < 1e-13


@pytest.mark.parametrize("beta", [1 / 700, 1 / 50, 1 / 36, 1 / 30, 0.1])
@pytest.mark.parametrize("other", [0.9 / 50, 1.0 / 47, 0.013])
def test_near_a_point_mass(beta, other):
    """Three responses, two Gibbs policies of rewards that differ: both are nearly the first response."""
    world = sharp(beta, [(1.0, 0.2, 0.0)], [(0.2, 0.5, 0.3)])
    estimate = np.array([[1.0, other * 10, 0.1]])
    p, q_ = q.log_optimal(world), q.gibbs(world, estimate)
    true_p, true_q = exact.gibbs(world, world.reward), exact.gibbs(world, estimate)
    true = variation(true_p, true_q)
    assert exact.relative_error(TOTAL_VARIATION(world.rho, p, q_), true) < 1e-11
    assert exact.relative_error(EXCESS(world.rho, p, q_, 1.0), true) < 1e-11
    gap = exact.expectation(world, true_p, world.reward) - exact.expectation(world, true_q, world.reward)
    assert exact.relative_error(REWARD_GAP(world, q_), gap) < 1e-11


@pytest.mark.parametrize("excess", [0.0, 1e-12, 1e-3, 1.0])
def test_excess_mass_at_thresholds_near_one(excess):
    """E_M in closed form for two responses: p_1 - M q_1 where that is positive, and the other cell is negative."""
    world = sharp(1 / 40)
    threshold = 1.0 + excess
    p, q_ = q.log_optimal(world), q.gibbs(world, 1.2 * world.reward)
    true_p, true_q = exact.gibbs(world, world.reward), exact.gibbs(world, 1.2 * np.asarray(world.reward))
    terms = [true_p[c] - arb(threshold) * true_q[c] for c in true_p]
    true = sum((t for t in terms if t > 0), arb(0))
    assert exact.relative_error(EXCESS(world.rho, p, q_, threshold), true) < 1e-11


def collinear(rng, angle):
    """Features along one direction, but for a share `angle` of another."""
    first, rest = rng.normal(size=(2, 4, 1)), rng.normal(size=(2, 4, 3))
    features = first * np.array([1.0, -0.5, 2.0]) + angle * rest
    log_ref = np.log(rng.dirichlet(np.ones(4), size=2))
    return Bandit(
        rho=[0.3, 0.7], log_ref=log_ref, reward=rng.uniform(size=(2, 4)), beta=0.5, features=features
    )


def exact_norm(world, log_policy, regularisation, baseline):
    ref, policy = exact.policy(world.log_ref), exact.policy(log_policy)
    rho = [arb(float(x)) for x in world.rho]
    phi = {cell: [arb(float(x)) for x in world.features[cell]] for cell in ref}
    size = range(3)
    sigma = [[arb(regularisation) * (i == j) for j in size] for i in size]
    for s, a in ref:
        for b in range(4):
            z = [x - y for x, y in zip(phi[s, a], phi[s, b], strict=True)]
            for i in size:
                for j in size:
                    sigma[i][j] += rho[s] * ref[s, a] * ref[s, b] * z[i] * z[j]
    shift = [
        sum((rho[s] * policy[s, a] * phi[s, a][i] for s, a in ref), arb(0)) - arb(float(baseline[i]))
        for i in size
    ]
    solved = arb_mat(sigma).solve(arb_mat(3, 1, shift))
    return sum((shift[i] * solved[i, 0] for i in size), arb(0)).sqrt()


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 0.0])
def test_linear_coverage_of_nearly_collinear_features(angle):
    """By the root to 1e-11, though the covariance itself has lost half of its digits."""
    rng = np.random.default_rng(np.random.PCG64(3))
    world = collinear(rng, angle)
    policy = np.log(rng.dirichlet(np.ones(4), size=2))
    baseline = np.array([0.3, -0.4, 0.1])
    true = exact_norm(world, policy, 1e-8, baseline)
    root = q.reference_pair_root(world, 1e-8)
    np.testing.assert_allclose(
        root.T @ root, q.reference_pair_covariance(world, 1e-8), rtol=1e-12, atol=1e-12
    )
    by_root = q.linear_coverage_by_root(world, policy, root, baseline)
    by_matrix = q.linear_coverage(world, policy, q.reference_pair_covariance(world, 1e-8), baseline)
    assert exact.relative_error(by_root, true) < 1e-11
    assert exact.relative_error(by_matrix, true) < 1e-6
