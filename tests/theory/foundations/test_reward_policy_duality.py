"""Reward and policy: verdicts of the identity and of its misprint."""

import pytest

from simbench.theory.foundations import reward_policy_duality
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(reward_policy_duality))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(reward_policy_duality)[name])
