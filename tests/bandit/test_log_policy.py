"""Policies given from outside: log-distributions of this world, or one sentence."""

import numpy as np
import pytest

from simbench.bandit import Bandit, require_log_policy
from simbench.errors import SimbenchError

WORLD = Bandit(rho=[0.5, 0.5], log_ref=np.log(np.full((2, 3), 1 / 3)), reward=np.zeros((2, 3)), beta=1.0)
UNIFORM = WORLD.log_ref


@pytest.mark.parametrize("leading", [(), (1,), (4, 5), (0,)])
def test_leading_axes_are_kept(leading):
    policies = np.broadcast_to(UNIFORM, (*leading, 2, 3))
    checked = require_log_policy(WORLD, policies)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, policies)


def test_lists_and_missing_support_are_fine():
    checked = require_log_policy(WORLD, [[0.0, -np.inf, -np.inf], [-np.inf, -np.inf, 0.0]])
    np.testing.assert_array_equal(np.exp(checked), [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (UNIFORM[0], r"opponent has shape \(3,\); this world needs \[\.\.\., S, A\] with S, A = \(2, 3\)"),
        (UNIFORM.T, r"opponent has shape \(3, 2\)"),
        (np.exp(UNIFORM), r"opponent\[0, 0\] is 0\.333.*logs of probabilities"),
        (np.where(np.eye(2, 3) > 0, np.nan, UNIFORM), r"opponent\[0, 0\] is nan"),
        (UNIFORM + np.log([[1.0], [0.9]]), r"opponent\[1\] has probabilities that sum to 0\.9"),
        (np.stack([UNIFORM, UNIFORM - 1]), r"opponent\[1, 0\] has probabilities that sum to 0\.367"),
        (np.full((2, 3), -np.inf), r"opponent\[0\] has probabilities that sum to 0;"),
    ],
)
def test_others_are_refused(policy, sentence):
    with pytest.raises(SimbenchError, match=sentence):
        require_log_policy(WORLD, policy, "opponent")
