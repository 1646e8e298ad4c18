import jax
import numpy as np
import pytest

from simbench import quantities as q
from tests.quantities import arb_oracle as oracle
from tests.quantities import compiled
from tests.quantities.instances import extreme_bandits, random_bandit, random_batch

pytestmark = pytest.mark.usefixtures("in_float64")

EXTREMES = extreme_bandits(np.random.default_rng(0))


def partition_and_gibbs(bandit, reward):
    return tuple(np.asarray(x) for x in compiled.gibbs(bandit, reward))


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.usefixtures("in_400_bits")
def test_partition_and_gibbs_vs_400_bits(case):
    bandit = EXTREMES[case]
    log_partition, log_gibbs = partition_and_gibbs(bandit, bandit.reward)
    exact = oracle.gibbs(bandit, bandit.reward)
    for s, z in enumerate(oracle.partition(bandit, bandit.reward)):
        assert abs(float(log_partition[s] - z.log())) < 4e-16 * max(1, abs(float(z.log())))
    scale = float(np.ptp(bandit.reward) / bandit.beta - bandit.log_ref[np.isfinite(bandit.log_ref)].min())
    for (s, a), probability in exact.items():
        if probability == 0:
            assert log_gibbs[s, a] == -np.inf
        else:  # logs of size `scale` carry `scale` ulps
            assert abs(float(log_gibbs[s, a] - probability.log())) < 1e-15 * max(1.0, scale)


def test_rows_sum_to_one_and_support_is_kept():
    for bandit in EXTREMES.values():
        _, log_gibbs = partition_and_gibbs(bandit, bandit.reward)
        np.testing.assert_allclose(np.exp(log_gibbs).sum(axis=-1), 1.0, rtol=1e-14)
        np.testing.assert_array_equal(np.isneginf(log_gibbs), np.isneginf(bandit.log_ref))


def test_gibbs_ignores_a_shift_per_prompt_and_reads_reward_over_beta_only():
    rng = np.random.default_rng(1)
    bandit = random_bandit(rng)
    reward = rng.normal(size=(3, 4))
    partition, policy = partition_and_gibbs(bandit, reward)
    shift = np.array([1.0, -2.0, 0.5])
    shifted_partition, shifted = partition_and_gibbs(bandit, reward + shift[:, None])
    np.testing.assert_allclose(shifted, policy, atol=1e-14)
    np.testing.assert_allclose(shifted_partition - partition, shift / bandit.beta, rtol=1e-13)
    _, rescaled = partition_and_gibbs(bandit.replace(beta=3 * bandit.beta), 3 * reward)
    np.testing.assert_allclose(rescaled, policy, atol=1e-14)


def test_policy_is_the_gibbs_map_of_its_own_reward():
    # r_pi = beta log(pi/ref) inverts G.
    rng = np.random.default_rng(2)
    bandit = random_bandit(rng)
    _, policy = partition_and_gibbs(bandit, rng.normal(size=(3, 4)))
    partition, again = partition_and_gibbs(bandit, bandit.beta * (policy - bandit.log_ref))
    np.testing.assert_allclose(again, policy, atol=1e-14)
    np.testing.assert_allclose(partition, 0.0, atol=1e-14)


def test_log_ratio_to_reference_is_at_most_range_over_beta():
    # |log G(r)/ref| <= R/beta for r in [0, R]
    worlds = random_batch(np.random.default_rng(3), 500)
    ratio = np.abs(np.asarray(jax.jit(jax.vmap(q.log_optimal))(worlds)) - worlds.log_ref)
    assert np.all(ratio <= (1 / worlds.beta)[:, None, None] * (1 + 1e-12))


def test_log_partition_slope_is_the_expected_reward():
    # d log Z / d r = pi* / beta
    bandit = random_bandit(np.random.default_rng(4))
    slope = jax.jit(jax.grad(lambda reward: q.log_partition(bandit, reward).sum()))(bandit.reward)
    np.testing.assert_allclose(slope, np.exp(q.log_optimal(bandit)) / bandit.beta, rtol=1e-12)
