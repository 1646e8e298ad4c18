"""Families draw the worlds they describe: laws, closed forms, and the phenomena they were made for.

The exact quantities here are written out in NumPy, apart from `simbench.quantities`.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from simbench.errors import SimbenchError
from simbench.worlds import make

FALSE_ALARM = 1e-7  # of each test of a law, over all tapes


def gibbs(world, reward=None):
    log_weight = world.log_ref + (world.reward if reward is None else reward) / world.beta
    return log_weight - logsumexp(log_weight, axis=-1, keepdims=True)


def coverage(world, log_policy):
    log_optimal = gibbs(world)
    supported = np.isfinite(log_optimal)
    log_terms = 2 * log_optimal - np.where(supported, log_policy, 0.0)
    return float(world.rho @ np.exp(log_terms).sum(-1))


def kl(rho, log_p, log_q):
    p = np.exp(log_p)
    terms = np.where(p > 0, p * (np.where(p > 0, log_p, 0) - np.where(p > 0, log_q, 0)), 0.0)
    return float(rho @ terms.sum(-1))


def value_gap(world, log_policy):
    """beta KL(pi || pi*) = J(pi*) - J(pi)."""
    return float(world.beta) * kl(world.rho, log_policy, gibbs(world))


@pytest.mark.parametrize("concentration", [0.1, 0.5, 1.0, 5.0])
def test_random_tabular_follows_its_laws(concentration):
    world = make("random_tabular", prompts=3000, responses=4, concentration=concentration, reward_bound=2.5)
    assert stats.kstest(world.reward.ravel(), stats.uniform(0, 2.5).cdf).pvalue > FALSE_ALARM
    law = stats.beta(concentration, 3 * concentration)
    for response in range(4):
        assert stats.kstest(np.exp(world.log_ref[:, response]), law.cdf).pvalue > FALSE_ALARM
    np.testing.assert_array_equal(world.rho, np.full(3000, 1 / 3000))


def test_prompt_weights_may_be_dirichlet():
    weights = np.array(
        [make("random_tabular", instance=i, prompts=3, prompt_concentration=2.0).rho for i in range(300)]
    )
    np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-12)
    assert stats.kstest(weights[:, 1], stats.beta(2, 4).cdf).pvalue > FALSE_ALARM


def test_the_reference_and_the_reward_have_streams_of_their_own():
    plain, other = make("random_tabular"), make("random_tabular", concentration=3.0, prompt_concentration=1.0)
    np.testing.assert_array_equal(plain.reward, other.reward)
    assert not np.isin(plain.log_ref, other.log_ref).any()
    same_beta = make("random_tabular", beta=3.0)
    np.testing.assert_array_equal(plain.log_ref, same_beta.log_ref)


def test_one_prompt_and_one_response_are_a_world():
    world = make("random_tabular", prompts=1, responses=1, concentration=0.01)
    assert world.log_ref.tolist() == [[0.0]]
    assert coverage(world, world.log_ref) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("decay", "depth"), [(0.2, 24), (0.2, 28), (0.1, 39), (0.5, 3)])
def test_geometric_tail_has_the_coverage_that_depth_says(decay, depth):
    """With a concentrated optimum, Cov = 1/ref(h) = e^{decay h} (1 - e^{-A decay}) / (1 - e^{-decay})."""
    world = make("geometric_tail", decay=decay, depth_low=depth, depth_high=depth, background=0.0, beta=0.02)
    expected = np.exp(decay * depth) * (1 - np.exp(-40 * decay)) / (1 - np.exp(-decay))
    assert coverage(world, world.log_ref) == pytest.approx(expected, rel=1e-9)
    rare = 1 / expected  # J(ref) is the reward of the rare response alone
    gap = 1 - world.beta * np.log(expected) - rare
    assert value_gap(world, world.log_ref) == pytest.approx(gap, rel=1e-9)


def test_geometric_tail_draws_depth_and_background_per_prompt():
    world = make("geometric_tail", prompts=2200, reward_bound=2.0)
    depth = world.reward.argmax(-1)
    values, counts = np.unique(depth, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(20, 31))
    assert stats.chisquare(counts).pvalue > FALSE_ALARM
    assert (world.reward[np.arange(2200), depth] == 2.0).all()
    others = world.reward[np.arange(40) != depth[:, None]]
    assert stats.kstest(others[:20_000], stats.uniform(0, 0.6).cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("instance", range(10))
def test_geometric_tail_by_default_is_a_rare_but_valuable_optimum(instance):
    """Cov = E_s 1/ref(h) and gap = E_s[R - beta log 1/ref(h)] - E_ref r*, while pi*(h) is near one."""
    world = make("geometric_tail", instance=instance)
    at = np.arange(5), world.reward.argmax(-1)
    log_rarity = -world.log_ref[at]
    optimum = np.exp(gibbs(world)[at])
    assert optimum.min() > 0.98
    measured = coverage(world, world.log_ref)
    assert np.exp(log_rarity).mean() * optimum.min() ** 2 < measured < np.exp(log_rarity).mean()
    assert 290 < measured < 2230
    reference_reward = world.rho @ (np.exp(world.log_ref) * world.reward).sum(-1)
    gap = 1 - world.beta * log_rarity.mean() - reference_reward
    assert gap < value_gap(world, world.log_ref) < gap - world.beta * np.log(optimum.min())


@pytest.mark.parametrize("missing", ["best", "worst"])
@pytest.mark.parametrize("mass", [0.0, 1e-16, 1e-8, 1e-2])
def test_missing_support_moves_the_mass_of_one_response(missing, mass):
    world = make("missing_support", missing=missing, mass=mass, instance=2)
    plain = make("random_tabular", prompts=5, responses=6, instance=2)
    np.testing.assert_array_equal(world.reward, plain.reward)
    chosen = plain.reward.argmax(-1) if missing == "best" else plain.reward.argmin(-1)
    at = np.arange(6) == chosen[:, None]
    np.testing.assert_allclose(np.exp(world.log_ref[at]), mass, rtol=1e-12)
    others, before = world.log_ref[~at].reshape(5, 5), plain.log_ref[~at].reshape(5, 5)
    ratios = others - before
    np.testing.assert_allclose(ratios - ratios[:, :1], 0, atol=1e-12)
    np.testing.assert_allclose(np.exp(logsumexp(others, axis=-1)), 1 - mass, rtol=1e-12)


def test_without_mass_the_optimum_avoids_the_response_and_global_coverage_is_infinite():
    world = make("missing_support", mass=0.0)
    best = world.reward.argmax(-1)
    assert np.isneginf(gibbs(world)[np.arange(5), best]).all()
    assert np.isfinite(coverage(world, world.log_ref))
    with_mass = make("missing_support", mass=1e-16)
    assert np.isfinite(gibbs(with_mass)[np.arange(5), best]).all()


def test_two_arms_attain_coverage_by_value():
    """(Cov - 1) / (kappa(e^{2R/beta}) gap / beta) rises to 1 as the mass falls [huang2025, Lemma 3.1]."""
    ratios = []
    for mass in (1e-2, 1e-4, 1e-6, 1e-8):
        world = make("two_arms", rare_mass=mass, beta=0.5)
        source = gibbs(world, world.sources[0])
        x = np.exp(2 / 0.5)
        kappa = (x - 1) ** 2 / (x - 1 - np.log(x))
        p, q = np.exp(gibbs(world)), np.exp(source)
        excess = float(((p - q) ** 2 / q).sum())
        ratios.append(excess / (kappa * value_gap(world, source) / world.beta))
    assert (np.diff(ratios) > 0).all()
    assert max(ratios) < 1
    assert ratios[-1] == pytest.approx(1, abs=1e-4)


def test_two_arms_are_the_same_in_every_instance():
    one, other = make("two_arms"), make("two_arms", instance=7, seed=3)
    np.testing.assert_array_equal(one.log_ref, other.log_ref)


@pytest.mark.parametrize(
    ("name", "overrides", "sentence"),
    [
        ("geometric_tail", {"depth_low": 31}, "depth_low is 31; it must not exceed depth_high, 30"),
        ("geometric_tail", {"depth_high": 40}, "depth_high is 40; with 40 responses it is at most 39"),
        ("geometric_tail", {"depth_low": -1}, "depth_low is -1: .*greater than or equal to 0"),
        ("geometric_tail", {"background": 1.5}, "background is 1.5: .*less than or equal to 1"),
        ("geometric_tail", {"decay": 0.0}, "decay is 0.0: .*greater than 0"),
        ("random_tabular", {"prompts": 0}, "prompts is 0: .*greater than or equal to 1"),
        ("random_tabular", {"responses": 2.5}, "responses is 2.5: .*valid integer"),
        ("random_tabular", {"beta": float("inf")}, "beta is inf: .*finite number"),
        ("random_tabular", {"beta": float("nan")}, "beta is nan: .*greater than 0"),
        ("random_tabular", {"concentration": 1e-9}, "concentration is 1e-09: .*0.000001"),
        ("random_tabular", {"beta": "0.1"}, "beta is '0.1': must be a number, not a string"),
        ("random_tabular", {"prompts": True}, "prompts is True: must be a number, not a boolean"),
        ("missing_support", {"responses": 1}, "responses is 1: .*greater than or equal to 2"),
        ("missing_support", {"mass": 1.0}, "mass is 1.0: .*less than 1"),
        ("missing_support", {"missing": "median"}, "missing is 'median': .*'best' or 'worst'"),
        ("two_arms", {"rare_mass": 0.0}, "rare_mass is 0.0: .*greater than 0"),
        ("two_arms", {"rare_mass": 1.0}, "rare_mass is 1.0: .*less than 1"),
    ],
)
def test_impossible_parameters_are_refused_with_file_key_and_value(name, overrides, sentence):
    with pytest.raises(SimbenchError, match=sentence) as error:
        make(name, **overrides)
    assert f"{name}.toml: family '{name}'" in str(error.value)
