import jax
import numpy as np
import pytest

from simbench import quantities as q
from tests.quantities import compiled
from tests.quantities.instances import corners_and_random, normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")

PROFILE = jax.jit(q.coverage_profile)


def test_profile_by_hand():
    # One prompt counts; pi* = (1/2, 1/4, 1/4, 0) against pi = (1/8, 1/4, 1/8, 1/2): ratios 4, 1, 2, 0.
    quarter = np.log([0.5, 0.25, 0.25, 1.0]) + np.array([0.0, 0.0, 0.0, -np.inf])
    bandit = random_bandit(np.random.default_rng(0)).replace(
        rho=[1.0, 0.0, 0.0], log_ref=np.stack([quarter] * 3), reward=np.zeros((3, 4))
    )
    policy = np.log([[0.125, 0.25, 0.125, 0.5]] * 3)
    for threshold, expected in ((1.0, 1.0), (1.5, 0.75), (2.0, 0.75), (3.0, 0.5), (4.0, 0.5), (4.001, 0.0)):
        assert float(PROFILE(bandit, policy, threshold * (1 - 1e-12))) == pytest.approx(expected, abs=1e-14)


def test_profile_vs_loop():
    rng = np.random.default_rng(1)
    for missing in (False, True):
        bandit = random_bandit(rng, missing=missing, zero_weight=missing)
        policy = random_policy(rng, bandit, spread=2.0)
        best = np.exp(compiled.single(bandit, policy)["log_optimal"])
        for threshold in (0.5, 1.5, 4.0):
            expected = sum(
                bandit.rho[s] * best[s, a]
                for s in range(3)
                for a in range(4)
                if best[s, a] > 0 and best[s, a] / np.exp(policy[s, a]) >= threshold
            )
            assert float(PROFILE(bandit, policy, threshold)) == pytest.approx(expected, abs=1e-14)


def test_profile_falls_and_coverage_bounds_it():
    # N Prof_N(pi) <= Cov(pi* | pi) by Markov's inequality; Prof_0+ = 1.
    rng = np.random.default_rng(2)
    worlds = jax.tree.map(lambda x: x[9:], corners_and_random(rng, size=409))
    policies = normalised(2 * rng.normal(size=worlds.log_ref.shape))
    coverage = np.asarray(compiled.batched(worlds, policies)["coverage"])
    thresholds = np.geomspace(1e-3, 1e3, 25)
    over_thresholds = jax.vmap(q.coverage_profile, in_axes=(None, None, 0))
    curves = np.asarray(
        jax.jit(jax.vmap(over_thresholds, in_axes=(0, 0, None)))(worlds, policies, thresholds)
    )
    assert np.all(np.diff(curves, axis=-1) <= 1e-15)
    assert np.all(curves * thresholds <= coverage[:, None] * (1 + 1e-12))


def test_missed_response_is_under_covered_at_every_threshold():
    bandit = random_bandit(np.random.default_rng(3))
    narrow = np.zeros((3, 4))
    narrow[:, 0] = -np.inf
    best = np.exp(compiled.single(bandit, bandit.log_ref)["log_optimal"])
    assert float(PROFILE(bandit, normalised(narrow), 1e300)) == pytest.approx(
        bandit.rho @ best[:, 0], rel=1e-13
    )
