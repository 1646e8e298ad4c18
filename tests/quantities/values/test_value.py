import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities import arb_oracle as oracle
from tests.quantities import compiled
from tests.quantities.instances import extreme_bandits, near, normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64", "in_400_bits")

EXTREMES = extreme_bandits(np.random.default_rng(0))
LOGITS = hnp.arrays(np.float64, (3, 4), elements=st.floats(-30, 30))
REWARDS = hnp.arrays(np.float64, (3, 4), elements=st.floats(0, 1))
BETA = st.floats(1e-3, 1e3)
RHO = np.array([0.2, 0.3, 0.5])


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("spread", [1.0, 50.0])
def test_values_and_gaps_vs_400_bits(case, spread):
    bandit = EXTREMES[case]
    log_policy = random_policy(np.random.default_rng(1), bandit, spread)
    policy, ref = oracle.policy(log_policy), oracle.policy(bandit.log_ref)
    best = oracle.gibbs(bandit, bandit.reward)
    computed = compiled.single(bandit, log_policy)
    beta = oracle.arb(float(bandit.beta))
    value = oracle.expectation(bandit, policy, bandit.reward) - beta * oracle.kl(bandit, policy, ref)
    assert oracle.relative_error(computed["value"], value) < 1e-13
    gap = beta * oracle.kl(bandit, policy, best)
    assert oracle.relative_error(computed["value_gap"], gap) < 1e-12 or gap < 1e-30
    earned = oracle.expectation(bandit, policy, bandit.reward)
    exact = oracle.expectation(bandit, best, bandit.reward) - earned
    assert abs(float(float(computed["reward_gap"]) - exact)) < 1e-15


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_gap_of_a_nearly_optimal_policy_vs_400_bits(distance):
    # log pi* is known to a few ulps of R/beta; the gap, of size distance^2, inherits that over the distance.
    for bandit in EXTREMES.values():
        log_policy = near(
            np.random.default_rng(2), compiled.single(bandit, bandit.log_ref)["log_optimal"], distance
        )
        gap = oracle.arb(float(bandit.beta)) * oracle.kl(
            bandit, oracle.policy(log_policy), oracle.gibbs(bandit, bandit.reward)
        )
        ulps = 1e-15 * max(1.0, float(1 / bandit.beta))
        error = oracle.relative_error(compiled.single(bandit, log_policy)["value_gap"], gap)
        assert error < 1e-14 + ulps / distance or gap < 1e-30


@settings(derandomize=True, deadline=None, max_examples=60)
@given(LOGITS, REWARDS, LOGITS, LOGITS, st.floats(0, 1), BETA)
@pytest.mark.thorough
def test_value_is_concave_and_never_above_the_optimum(ref, reward, x, y, mix, beta):
    bandit = Bandit(rho=RHO, log_ref=normalised(ref), reward=reward, beta=beta)
    first, second = normalised(x), normalised(y)
    mixture = np.log(mix * np.exp(first) + (1 - mix) * np.exp(second))
    values = [compiled.single(bandit, policy) for policy in (first, second, mixture)]
    line = mix * float(values[0]["value_gap"]) + (1 - mix) * float(values[1]["value_gap"])
    assert float(values[2]["value_gap"]) <= line * (1 + 1e-12) + 1e-12 * beta
    assert all(float(v["value_gap"]) >= 0 for v in values)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(LOGITS, REWARDS, LOGITS, BETA, st.permutations(range(4)))
@pytest.mark.thorough
def test_symmetries(ref, reward, x, beta, order):
    # Renaming responses and shifting or rescaling rewards (with beta) moves gaps as their unit does.
    bandit = Bandit(rho=RHO, log_ref=normalised(ref), reward=reward / 2, beta=beta)
    policy = normalised(x)
    base = compiled.single(bandit, policy)
    renamed = bandit.replace(log_ref=bandit.log_ref[:, order], reward=bandit.reward[:, order])
    shifted = bandit.replace(reward=bandit.reward + np.array([[0.0], [0.25], [0.5]]))
    rescaled = bandit.replace(reward=2 * bandit.reward, beta=2 * beta)
    tolerance = {"rel": 1e-10, "abs": 1e-13 * max(1.0, beta)}
    for name in ("value_gap", "reward_gap"):
        expected = float(base[name])
        assert float(compiled.single(renamed, policy[:, order])[name]) == pytest.approx(expected, **tolerance)
        assert float(compiled.single(shifted, policy)[name]) == pytest.approx(expected, **tolerance)
        assert float(compiled.single(rescaled, policy)[name]) == pytest.approx(2 * expected, **tolerance)


def test_policy_outside_the_support_is_worthless_but_has_a_finite_reward_gap():
    bandit = random_bandit(np.random.default_rng(3), missing=True)
    computed = compiled.single(bandit, normalised(np.zeros((3, 4))))
    assert computed["value"] == -np.inf
    assert computed["value_gap"] == np.inf
    assert np.isfinite(computed["reward_gap"])
    silent = compiled.single(bandit.replace(rho=[0.0, 0.5, 0.5]), normalised(np.zeros((3, 4))))
    assert np.isfinite(silent["value"])
    assert np.isfinite(silent["value_gap"])


def test_greedier_than_the_optimum_has_a_negative_reward_gap():
    bandit = random_bandit(np.random.default_rng(4))
    greedy = normalised(20.0 * bandit.reward)
    assert compiled.single(bandit, greedy)["reward_gap"] < 0 < compiled.single(bandit, greedy)["value_gap"]


def test_argmax_gap_by_hand():
    log_ref = normalised([[0.0, 0.0, -np.inf], [0.0, 0.0, 0.0]])
    bandit = Bandit(rho=[0.25, 0.75], log_ref=log_ref, reward=[[0.2, 0.6, 1.0], [0.5, 0.1, 0.0]], beta=1.0)
    gap = jax.jit(q.argmax_gap)
    prefers_first = normalised([[1.0, 0.0, -np.inf], [1.0, 0.0, 0.0]])
    assert gap(bandit, prefers_first) == pytest.approx(0.25 * 0.4)  # the unsupported 1.0 is no competitor
    prefers_last = normalised([[0.0, 1.0, -np.inf], [0.0, 0.0, 1.0]])
    assert gap(bandit, prefers_last) == pytest.approx(0.75 * 0.5)
    tie = normalised([[0.0, 1e-10, -np.inf], [1e-10, 2e-10, 3e-10]])  # within 1e-9: the first index
    assert gap(bandit, tie) == pytest.approx(0.25 * 0.4)
    clear = normalised([[0.0, 1e-8, -np.inf], [0.0, 1e-8, 0.0]])
    assert gap(bandit, clear) == pytest.approx(0.75 * 0.4)


def test_greedy_response_vs_numpy_argmax():
    rng = np.random.default_rng(5)
    policy = normalised(rng.normal(size=(50, 7)))
    mask = np.asarray(jax.jit(q.greedy_response)(policy))
    np.testing.assert_array_equal(mask.sum(axis=-1), 1)
    np.testing.assert_array_equal(mask.argmax(axis=-1), policy.argmax(axis=-1))
