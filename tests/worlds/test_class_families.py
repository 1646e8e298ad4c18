"""Families with a class of rewards, and the tight ones: laws, membership to the bit, and the closed forms they attain.

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


def value_gap(world, log_policy):
    """beta KL(pi || pi*) = J(pi*) - J(pi)."""
    return float(world.beta * (world.rho @ (np.exp(log_policy) * (log_policy - gibbs(world))).sum(-1)))


def linear_misfit(world):
    """theta* by least squares, and how far phi theta* is from r* up to a shift per prompt."""
    features = world.features - world.features.mean(1, keepdims=True)
    target = world.reward - world.reward.mean(1, keepdims=True)
    theta = np.linalg.lstsq(features.reshape(-1, features.shape[-1]), target.ravel(), rcond=None)[0]
    return theta, np.abs(features @ theta - target).max()


@pytest.mark.parametrize("name", ["needle", "random_finite"])
def test_the_truth_is_in_the_class_to_the_bit(name):
    for instance in range(5):
        world = make(name, instance=instance)
        members = (world.reward_class == world.reward).all((1, 2))
        assert members.sum() == 1
        assert world.reward_class.min() >= 0
        assert world.reward_class.max() <= world.reward_bound


def test_the_needle_is_one_of_thirty_and_the_first_member_pays_no_one_more():
    world = make("needle")
    assert world.reward_class.shape == (31, 1, 30)
    np.testing.assert_array_equal(world.reward_class[0], 0.3)
    np.testing.assert_array_equal(world.reward_class[1:, 0].argmax(-1), np.arange(30))
    assert int(world.reward[0].argmax()) == 27
    np.testing.assert_allclose(np.diff(world.log_ref[0]), -0.15, rtol=0, atol=1e-14)
    np.testing.assert_allclose(gibbs(world, world.reward_class[0]), world.log_ref, rtol=0, atol=1e-14)


def test_the_deeper_the_needle_the_less_the_reference_misses():
    """J* - J(ref) = beta log(1 + p (e^{.7/beta} - 1)) - .7 p with p = ref(needle)."""
    for depth in (5, 20, 27):
        world = make("needle", depth=depth)
        p = np.exp(world.log_ref[0, depth])
        expected = 0.1 * np.log1p(p * np.expm1(7.0)) - 0.7 * p
        assert value_gap(world, world.log_ref) == pytest.approx(expected, rel=1e-12)
    assert 0.12 < value_gap(world, world.log_ref) < 0.14


def test_random_finite_classes_follow_their_laws():
    world = make("random_finite", members=2000, prompts=2, responses=3, reward_bound=2.5)
    assert stats.kstest(world.reward_class.ravel(), stats.uniform(0, 2.5).cdf).pvalue > FALSE_ALARM
    places = []
    for instance in range(80):
        drawn = make("random_finite", instance=instance, members=4, prompts=1, responses=2)
        places.append(int((drawn.reward_class == drawn.reward).all((1, 2)).argmax()))
    assert stats.chisquare(np.bincount(places, minlength=4)).pvalue > FALSE_ALARM


def test_random_linear_worlds_have_unit_features_and_parameters_uniform_in_the_ball():
    lengths = []
    for instance in range(80):
        world = make(
            "random_linear", instance=instance, prompts=4, responses=5, dimension=3, reward_bound=2.0
        )
        np.testing.assert_allclose(np.linalg.norm(world.features, axis=-1), 1.0, rtol=0, atol=1e-14)
        theta, misfit = linear_misfit(world)
        assert misfit < 1e-13
        np.testing.assert_allclose(world.features @ theta + 1.0, world.reward, rtol=0, atol=1e-12)
        lengths.append(np.linalg.norm(theta))
    assert stats.kstest(np.array(lengths) ** 3, stats.uniform(0, 1).cdf).pvalue > FALSE_ALARM


def test_features_are_uniform_on_the_sphere():
    """A coordinate of a uniform unit vector in R^3 is uniform on [-1, 1]."""
    world = make("random_linear", prompts=200, responses=10, dimension=3)
    for coordinate in range(3):
        drawn = world.features[..., coordinate].ravel()
        assert stats.kstest(drawn, stats.uniform(-1, 2).cdf).pvalue > FALSE_ALARM


@pytest.mark.parametrize("weight", [1e-2, 1e-4])
def test_the_missing_direction_is_carried_by_the_tail_alone(weight):
    world = make("missing_direction", tail_weight=weight)
    np.testing.assert_array_equal(world.features[:, :12, -1], 0.0)
    np.testing.assert_array_equal(world.features[:, 12:, -1], 1.0)
    np.testing.assert_allclose(np.exp(world.log_ref[:, 12:] - world.log_ref[:, :1]), weight, rtol=1e-12)
    theta, misfit = linear_misfit(world)
    assert misfit < 1e-12
    assert theta[-1] == pytest.approx(2.0, abs=1e-12)
    assert np.linalg.norm(theta) == pytest.approx(np.sqrt(5.0), abs=1e-12)
    assert float(world.reward_bound) == 4.0
    assert np.linalg.matrix_rank(world.features[:, :12].reshape(-1, 6)) == 5


def test_who_knows_everything_but_the_missing_direction_falls_short():
    """The advantage is beta log of the ratio of two partition functions, and grows as the tail gets heavier."""
    shortfalls = []
    for weight in (1e-4, 1e-3, 1e-2):
        world = make("missing_direction", tail_weight=weight)
        theta, _ = linear_misfit(world)
        blind = gibbs(world, world.features[:, :, :-1] @ theta[:-1])
        shortfalls.append(value_gap(world, blind))
    assert (np.diff(shortfalls) > 0.1).all()
    assert shortfalls[-1] > 0.5


def test_the_rare_arm_takes_the_optimum_as_far_as_rewards_allow():
    """KL(pi*||ref) <= R/beta, with a ratio that tends to one as beta falls and the margin grows like log(R/beta)."""
    ratios = []
    for beta in (0.2, 0.05, 0.02, 0.005, 1e-3):
        world = make("rare_arm", beta=beta, margin=0.9 * np.log(1 / beta))
        policy = gibbs(world)
        ratios.append(float((np.exp(policy) * (policy - world.log_ref)).sum()) * beta)
    assert (np.diff(ratios) > 0).all()
    assert 0.98 < ratios[-1] < 1
    world = make("rare_arm")
    p = np.exp(gibbs(world)[0, 0])
    assert p == pytest.approx(1 / (1 + np.exp(-4.0)), rel=1e-12)


def test_close_arms_defy_their_labels():
    """The better arm is a fair coin; playing the arm ahead in n labels loses c Phi(-c/2) / sqrt(n), c = 1.5."""
    worlds = [make("close_arms", instance=instance) for instance in range(80)]
    better = sum(int(world.reward[0].argmax()) for world in worlds)
    assert stats.binomtest(better, 80, 0.5).pvalue > FALSE_ALARM
    for n in (1001, 100_001):  # odd: no draws
        world = make("close_arms", labels=n)
        difference = np.ptp(world.reward)
        assert difference == pytest.approx(1.5 / np.sqrt(n), rel=1e-12)
        error = stats.binom.cdf(n // 2, n, 1 / (1 + np.exp(-difference)))
        assert np.sqrt(n) * difference * error == pytest.approx(1.5 * stats.norm.cdf(-0.75), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "overrides", "sentence"),
    [
        ("needle", {"depth": 30}, "depth is 30; with 30 responses it is at most 29"),
        (
            "missing_direction",
            {"tail_responses": 15},
            "tail_responses is 15; with 15 responses it is at most 14",
        ),
        ("missing_direction", {"dimension": 1}, "dimension is 1: .*greater than or equal to 2"),
        ("rare_arm", {"margin": 50.0}, r"margin is 50\.0; it must be below reward_bound / beta = 50"),
        (
            "close_arms",
            {"labels": 2, "separation": 3.0},
            r"separation is 3\.0; the arms would differ by 2\.12132",
        ),
        ("random_finite", {"members": 0}, "members is 0: .*greater than or equal to 1"),
        ("random_linear", {"dimension": 0}, "dimension is 0: .*greater than or equal to 1"),
    ],
)
def test_impossible_parameters_are_refused_with_file_key_and_value(name, overrides, sentence):
    with pytest.raises(SimbenchError, match=sentence) as error:
        make(name, **overrides)
    assert f"{name}.toml: family '{name}'" in str(error.value)
