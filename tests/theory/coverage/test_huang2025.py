"""Lemma 3.1: every verdict as expected, the tight ones to their last per mille, and the families they rest on."""

import jax
import numpy as np
import pytest

from simbench import quantities as q
from simbench.precision import float64
from simbench.theory.coverage import huang2025
from tests.quantities.instances import random_bandit
from tests.theory.judged import assert_as_expected, claims_of, judged

TIGHT = (
    "coverage_from_value",
    "coverage_from_value_and_ratio",
    "value_from_coverage",
    "coverage_of_the_average_policy",
)


@pytest.mark.parametrize("name", claims_of(huang2025))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(huang2025)[name])


@pytest.mark.parametrize("name", TIGHT)
def test_bound_is_attained_so_no_smaller_constant_holds(name):
    verdict = judged(huang2025)[name]
    assert verdict.tightness == pytest.approx(1.0, abs=1e-3)
    assert verdict.smallest_constant == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("family", "ratio"),
    [(huang2025.rare_arm_wanted, q.max_density_ratio), (huang2025.rare_arm_unwanted, q.min_density_ratio)],
)
def test_the_rare_arm_carries_the_extreme_ratio(family, ratio):
    """As e -> 0 the ratio pi*/pi on the rare arm tends to e^{2R/beta} (or its inverse)."""
    with float64():
        found = jax.jit(lambda tail: _on(family, tail, ratio))(-50.0)
    sign = 1.0 if ratio is q.max_density_ratio else -1.0
    assert float(found) == pytest.approx(np.exp(sign * 6.0), rel=1e-9)


def _on(family, log_tail, ratio):
    x = family.function(log_tail, 3.0)
    return ratio(x.world, x.log_policy)


def test_constant_is_kappa_of_twice_the_exponent():
    with float64():
        world = random_bandit(np.random.default_rng(0), beta=2 / 3)
        told = huang2025.CoverageFromValue().constants(world)
    t = np.exp(3.0)
    assert told["kappa(e^{2R/beta})"] == pytest.approx((t - 1) ** 2 / (t - 1 - 3.0), rel=1e-12)
    assert told["R/beta"] == pytest.approx(1.5)
