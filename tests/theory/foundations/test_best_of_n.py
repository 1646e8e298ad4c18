"""Best-of-n: verdicts, tightness, and the continuum limit in which all three bounds are attained."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.precision import float64
from simbench.theory.foundations import best_of_n
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(best_of_n))
def test_verdict_is_the_expected_one(name):
    verdict = judged(best_of_n)[name]
    assert_as_expected(verdict)
    assert 0.99 <= verdict.tightness <= 1 + 1e-12


def test_the_bounds_are_met_in_the_continuum():
    """On a uniform scale of A levels the shortfalls of divergence and win rate fall like A^-2 (or faster)."""
    shortfalls = []
    for responses in (16, 64):
        world = Bandit(
            rho=[1.0],
            log_ref=np.full((1, responses), -np.log(responses)),
            reward=np.linspace(0.0, 1.0, responses)[None],
            beta=1.0,
        )
        with float64():
            law = q.best_of_n(world, 4.0)
            divergence = float(q.kl_ref(world, law))
            wins = float(best_of_n.win_rate_by_rank(world, law))
            assert float(jnp.exp(jnp.max(law - world.log_ref))) < 4.0
        shortfalls.append((np.log(4) - 0.75 - divergence, 0.8 - wins))
    (coarse, fine) = shortfalls
    assert min(fine) > 0
    assert coarse[0] / fine[0] > 4
    assert coarse[1] / fine[1] == pytest.approx(16.0, rel=0.05)
