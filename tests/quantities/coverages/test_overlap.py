"""The overlap bound against a continuous minimiser, and the overlap against its definition."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from simbench.quantities.coverages.overlap import overlap, overlap_bound
from tests.quantities.instances import random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")


@pytest.mark.parametrize("win_rate", [1e-12, 1e-8, 1e-4, 0.01, 0.1, 0.2, 0.24, 0.3, 0.5, 1.0])
def test_grid_minimum_is_just_above_the_infimum(win_rate):
    def squared(log_g):
        return (np.exp(log_g) + 2 * win_rate) * np.log1p(np.exp(-log_g))

    best = np.sqrt(minimize_scalar(squared, bounds=(-40, 20), method="bounded", options={"xatol": 1e-10}).fun)
    found = float(overlap_bound(np.float64(win_rate)))
    assert best * (1 - 1e-6) <= found <= best * 1.002


def test_bound_says_nothing_from_a_quarter_on():
    assert float(overlap_bound(np.float64(0.25))) == pytest.approx(1.0, abs=1e-6)
    assert float(overlap_bound(np.float64(0.2))) < 0.99


def test_overlap_is_the_mean_root_of_the_product():
    rng = np.random.default_rng(0)
    world = random_bandit(rng, missing=True)
    p, other = random_policy(rng, world), random_policy(rng, world)
    expected = np.sum(world.rho[:, None] * np.sqrt(np.exp(p) * np.exp(other)))
    assert float(overlap(world.rho, p, other)) == pytest.approx(expected, rel=1e-14)
    assert float(overlap(world.rho, p, p)) == pytest.approx(1.0, rel=1e-14)
