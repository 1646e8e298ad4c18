"""VPO: verdicts of the identity of its bonus and of its objective with XPO's."""

import pytest

from simbench.theory.optimism import cen2024
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(cen2024))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(cen2024)[name])
