"""High-probability claims: verdicts at the quick preset, and the shares of the bounds that runs use.

The judge's false-alarm rate is 1 % for all claims together; runs are pinned by the seed, so a pass stays a pass.
"""

import functools

import pytest

from simbench.study.judge import judge_all
from simbench.theory import concentration, linear_concentration, offline_chain
from tests.theory.judged import assert_as_expected, claims_of

NAMES = [
    name for module in (concentration, linear_concentration, offline_chain) for name in claims_of(module)
]


@functools.cache
def verdicts():
    """Return {name: verdict}; these claims simulate, so nothing is kept in a results folder."""
    return {verdict.name: verdict for verdict in judge_all(NAMES, workers=1)}


@pytest.mark.parametrize("name", NAMES)
def test_verdict_is_the_expected_one(name):
    assert_as_expected(verdicts()[name])


def test_finite_class_bounds_are_reached():
    for name in ("finite_class_concentration", "version_space_is_valid_and_small"):
        assert verdicts()[name].tightness > 1.0  # broken by some runs: nothing below delta can be gained


def test_no_bound_is_vacuous():
    assert [verdict.name for verdict in verdicts().values() if verdict.vacuous] == []
