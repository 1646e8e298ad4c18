"""RPO's game: verdicts; the two minima against SciPy; the learner plays the maximin policy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from simbench.learners.offline.rpo import RPO
from simbench.precision import float64
from simbench.theory.offline import liu2024, liu2024_maximin
from tests.theory.judged import assert_as_expected, claims_of, judged

BOTH = (liu2024, liu2024_maximin)
NUMBERS = [
    {"log_odds": -1.3, "reward": 2.0, "log_ratio": 0.7, "base": 0.4, "won": 0.7, "log_eta": 0.5},
    {
        "log_odds": 2.0,
        "reward": 0.4,
        "log_ratio": 1.5,
        "base": 0.1,
        "won": 1.0,
        "log_eta": -2.0,
    },  # on the boundary
    {"log_odds": 0.5, "reward": 3.0, "log_ratio": 2.0, "base": 0.9, "won": 0.3, "log_eta": 2.0},
]


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in BOTH for name in claims_of(module)]
)
def test_verdict_is_the_expected_one(module, name):
    assert_as_expected(judged(module)[name])


def test_the_saddle_point_is_reached():
    assert judged(liu2024)["rpo_saddle_point"].tightness > 0.999
    assert judged(liu2024_maximin)["rpo_policy_is_maximin"].tightness > 0.999


def duel(numbers):
    given = {key: jnp.asarray(value) for key, value in (numbers | {"log_policy_odds": 0.3}).items()}
    return liu2024_maximin.duel(**given)


@jax.jit
def minima(numbers):
    """Return min_r D(r), and min_r f(pi, r) at the instance's policy."""
    x = duel(numbers)
    return liu2024_maximin.minimal_dual(x), liu2024_maximin.worst_case(x, x.log_policy)


@pytest.mark.parametrize("numbers", NUMBERS)
def test_both_minima_are_those_of_scipy(numbers):
    """The game written once more in scalars, its minima by bounded search: good to the square of its tolerance."""
    bound, beta, eta = (
        numbers["reward"],
        numbers["reward"] * np.exp(-numbers["log_ratio"]),
        np.exp(numbers["log_eta"]),
    )
    base, won, odds = numbers["base"], numbers["won"], numbers["log_odds"]
    ref = 1 / (1 + np.exp(-odds))

    def loss(u):
        return won * np.logaddexp(0, -u) + (1 - won) * np.logaddexp(0, u)

    def value(u):
        return eta * (beta * np.log(ref * np.exp(u / beta) + 1 - ref) - base * u) + loss(u)

    def against(p):
        price = p * np.log(p / ref) + (1 - p) * np.log((1 - p) / (1 - ref))
        return lambda u: eta * ((p - base) * u - beta * price) + loss(u)

    def least(function):
        inside = optimize.minimize_scalar(
            function, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-9}
        )
        return min(inside.fun, function(-bound), function(bound))

    with float64():
        outer, inner = minima(numbers)
    assert float(outer) == pytest.approx(least(value), abs=1e-10)
    assert float(inner) == pytest.approx(least(against(1 / (1 + np.exp(-0.3)))), abs=1e-10)


@pytest.mark.parametrize("numbers", NUMBERS)
def test_the_root_has_the_slope_of_its_differences(numbers):
    with float64():
        x = duel(numbers)
        at = [x.log_odds, x.world.beta, x.eta, x.base, x.won, x.world.reward_bound]
        slopes = jax.grad(liu2024_maximin.rpo_gap, argnums=tuple(range(6)))(*at)
        for i, slope in enumerate(slopes):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = list(at)
                moved[i] = moved[i] + step
                ends.append(float(liu2024_maximin.rpo_gap(*moved)))
            assert float(slope) == pytest.approx((ends[1] - ends[0]) / 2e-5, abs=1e-5)


def test_a_stationary_reward_is_the_minimum():
    """On three responses and two prompts, against SciPy's search over all rewards."""
    domain = liu2024.RPOSaddlePoint.domain
    u = np.random.default_rng(4).uniform(size=domain.dimension((2, 3)))
    with float64():
        x = domain.instance((2, 3), jnp.asarray(u))
        log_base, eta = liu2024.stationary(x, x.estimate)
        np.testing.assert_allclose(jnp.sum(jnp.exp(log_base), axis=1), 1.0, rtol=1e-12)
        function = jax.jit(lambda flat: liu2024.dual(x, flat.reshape(2, 3), log_base, eta))
        found = optimize.minimize(function, np.zeros(6), jac=jax.jit(jax.grad(function)), method="BFGS")
        at_estimate = float(function(x.estimate.ravel()))
    assert at_estimate <= found.fun + 1e-12
    assert at_estimate == pytest.approx(found.fun, rel=1e-6)


def test_the_learner_plays_the_maximin_policy():
    """Counts of one pair, the box class with hardly any ridge, base the reference."""
    numbers = NUMBERS[0] | {"base": float(1 / (1 + np.exp(1.3)))}
    learner = RPO(model="box", ridge=1e-6, eta=float(np.exp(0.5)), weight="constant")
    with float64():
        x = duel(numbers)
        state = learner.observe(learner.init(x.world), x.world, 1e4 * x.labels)
        gap = liu2024_maximin.fitted_gap(x, x.eta)
        policy = np.exp(np.asarray(state.log_policy))[0, 0]
        assert policy == pytest.approx(float(jax.nn.sigmoid(x.log_odds + gap / x.world.beta)), abs=1e-7)
