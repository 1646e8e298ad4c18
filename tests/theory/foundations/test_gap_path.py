"""The gap path: verdicts, tightness, SciPy's integral of its slope, and a worst vertex that is no threshold."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.precision import float64
from simbench.theory.foundations import gap_path
from tests.theory.judged import assert_as_expected, claims_of, judged

TIGHT = {
    "gap_path_increases": 0.999999,
    "largest_gap_at_a_vertex": 0.999999,
    "largest_gap_linear": 0.94,
    "largest_gap_quadratic": 0.999,
}


@pytest.mark.parametrize("name", claims_of(gap_path))
def test_verdict_is_the_expected_one(name):
    verdict = judged(gap_path)[name]
    assert_as_expected(verdict)
    if name in TIGHT:
        assert TIGHT[name] <= verdict.tightness <= 1 + 1e-12


def test_the_rule_on_panels_is_the_integral():
    domain = gap_path.SHORT_PATHS
    u = np.random.default_rng(4).uniform(size=domain.dimension((1, 3)))
    with float64():
        x = domain.instance((1, 3), jnp.asarray(u))
        slope = jax.jit(lambda time: time / x.world.beta * gap_path.variance_on_path(x, time))
        integral, _ = quad(lambda time: float(slope(time)), 0.0, 1.0, epsabs=1e-13, epsrel=1e-13)
        assert float(gap_path.integral_on_panels(x, gap_path.PANELS)) == pytest.approx(integral, abs=1e-11)
        assert float(gap_path.gap(x, x.estimate)) == pytest.approx(integral, abs=1e-11)
        assert float(gap_path.gap_of_reward(x.world, x.estimate)) == pytest.approx(integral, abs=1e-11)


def test_lifting_the_middling_response_alone_is_worst():
    """A rare response of middling reward between two frequent ones: brute force over the eight vertices."""
    ref, reward, beta = np.array([0.4995, 0.001, 0.4995]), np.array([0.0, 0.5, 1.0]), 0.1
    best = ref * np.exp(reward / beta)
    best /= best.sum()
    gaps = {}
    for vertex in itertools.product((0.0, 1.0), repeat=3):
        policy = ref * np.exp(np.array(vertex) / beta)
        policy /= policy.sum()
        gaps[vertex] = beta * (policy * np.log(policy / best)).sum()
    world = Bandit(rho=[1.0], log_ref=np.log(ref)[None], reward=reward[None], beta=beta)
    with float64():
        assert float(q.largest_gap(world)) == pytest.approx(max(gaps.values()), rel=1e-10)
        threshold = float(gap_path.best_threshold(world))
    thresholds = [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0)]
    assert threshold == pytest.approx(max(gaps[v] for v in thresholds), rel=1e-10)
    assert max(gaps, key=gaps.get) == (0, 1, 0)
    assert threshold < 0.95 * max(gaps.values())
