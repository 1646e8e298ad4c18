"""The preference game: verdicts, and a best response that attains the floor while winning more than half."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench.precision import float64
from simbench.theory.games import ye2024
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(ye2024))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(ye2024)[name])


def test_floor_is_attained_by_the_best_response():
    assert judged(ye2024)["win_rate_floor"].tightness == pytest.approx(1.0, abs=1e-3)


def test_a_policy_never_beats_itself_more_than_half():
    """What refutes the strict inequality without any search: P(pi > pi) = 1/2."""
    domain = ye2024.WinRateFloor.domain
    u = np.random.default_rng(2).uniform(size=domain.dimension((2, 3)))
    with float64():
        x = domain.instance((2, 3), jnp.asarray(u))
        assert float(q.win_rate(x.world, x.log_policy, x.log_policy)) == pytest.approx(0.5, abs=1e-12)
