"""Mirror descent's contraction, and the local factor of a game that is worked out by hand."""

import numpy as np
import pytest

import simbench as sb
from simbench.theory.games import sokota2023
from simbench.theory.games.sokota2023 import local_factor, solved
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(sokota2023))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(sokota2023)[name])


def test_the_local_factor_of_rock_paper_scissors():
    """R diag(1/3) of the 3-cycle of strength k has eigenvalues 0 and +- i k/sqrt 3."""
    strength, beta, weight = 0.8, 0.4, 0.2
    world = sb.make("rock_paper_scissors", strength=strength, beta=beta)
    with sb.float64():
        payoff = np.asarray(sb.quantities.log_odds_payoff(world))
    expected = (1 - weight) ** 2 + (weight * strength / beta) ** 2 / 3
    assert local_factor(world, payoff, world.log_ref, weight) == pytest.approx(expected, rel=1e-12)


def test_what_is_solved_is_an_equilibrium():
    world = sb.make("cyclic_games")
    with sb.float64():
        payoff = np.asarray(sb.quantities.log_odds_payoff(world))
    equilibrium, _ = solved(world, payoff)
    lost = sb.measure(world, equilibrium, ["exploitability_log_odds"])["exploitability_log_odds"]
    assert float(lost) < 1e-15
