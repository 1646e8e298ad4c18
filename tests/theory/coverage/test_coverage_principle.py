"""Rejection sampling and profiles: verdicts, and the crossing witness in plain NumPy."""

import numpy as np
import pytest

from simbench.precision import float64
from simbench.theory.coverage import coverage_principle
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(coverage_principle))
def test_verdict_is_the_expected_one(name):
    verdict = judged(coverage_principle)[name]
    assert_as_expected(verdict)
    if verdict.kind == "upper":
        assert 0.999 <= verdict.tightness <= 1 + 1e-12


def test_the_crossing_models_have_one_divergence():
    with float64():
        x = coverage_principle.equal_cross_entropy.instance((), np.zeros(0))
        target, first, second = (
            np.exp(np.asarray(log_p)[0]) for log_p in (x.world.log_ref, x.first, x.second)
        )
    for model in (first, second):
        assert model.sum() == pytest.approx(1.0, abs=1e-14)
        assert (target * np.log(target / model)).sum() == pytest.approx(0.25, rel=1e-12)
    profile = {
        (name, n): target[target / model >= n].sum()
        for name, model in (("first", first), ("second", second))
        for n in (np.exp(0.5), np.exp(2.0))
    }
    assert profile["second", np.exp(0.5)] > 5 * profile["first", np.exp(0.5)] > 0
    assert profile["first", np.exp(2.0)] > profile["second", np.exp(2.0)] == 0
