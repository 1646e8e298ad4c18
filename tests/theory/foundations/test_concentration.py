"""High-probability claims: verdicts at the quick preset, and the shares of the bounds that runs use.

The judge's false-alarm rate is 1 % for all claims together; runs are pinned by the seed, so a pass stays a pass.
"""

import functools

import pytest

from simbench.study.judge import judge_all
from simbench.theory.foundations import concentration, linear_concentration
from simbench.theory.offline import liu2024_runs, offline_chain
from simbench.theory.transfer import huang2025_self_transfer
from tests.theory.judged import assert_as_expected, claims_of

MODULES = (concentration, linear_concentration, offline_chain, liu2024_runs, huang2025_self_transfer)
NAMES = [name for module in MODULES for name in claims_of(module)]


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


def test_pessimism_is_within_a_small_factor_of_its_bounds():
    assert verdicts()["rpo_inner_minimum_corrected"].tightness > 0.8
    assert verdicts()["self_transfer_gap"].tightness > 0.3
    assert verdicts()["self_transfer_from_regret"].tightness > 0.04


def test_no_bound_is_vacuous():
    assert [verdict.name for verdict in verdicts().values() if verdict.vacuous] == []
