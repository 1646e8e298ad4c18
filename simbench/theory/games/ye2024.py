"""What an equilibrium of the KL-regularised preference game guarantees against every opponent, and what it does not.

With payoff R antisymmetric (P - 1/2 or the log-odds) and exploitability(pi) = max_{pi'} -V(pi, pi'),

    E R(pi, pi') >= -exploitability(pi) - beta KL(pi'||ref) + beta KL(pi||ref)                     for every pi'

is the definition, rearranged; it is attained by the best response. It does NOT say that an equilibrium wins more
than half of its games: pi' = pi gives exactly 1/2, and an opponent that spends more KL wins more. Under
Bradley-Terry the equilibrium of the log-odds game is pi* = G(r*), and that of the game of P is another policy.
"""

from typing import Any

import jax
import jax.numpy as jnp

from simbench import quantities as q
from simbench.quantities.preferences.exploitability import (
    best_response,
    exploitability,
    log_odds_payoff,
    preference_payoff,
)
from simbench.verify import Control, Exists, Identity, Lower, claim
from simbench.verify.domains import Free, Instances, Optimal, Part, Reference, Worlds

SHAPES = ((2, 3),)
ANY_PREFERENCES = Worlds(shapes=SHAPES, general_preferences=True)
BRADLEY_TERRY = Worlds(shapes=SHAPES, reward_bound=(0.5, 8.0))


class BestAgainstReference(Part):
    """The best response to the reference in the game of P (no coordinates)."""

    def build(self, world: Any, blocks: Any) -> jax.Array:
        """Return log G(P(. > ref) - 1/2)."""
        return best_response(world, world.log_ref, preference_payoff(world))

    def __repr__(self) -> str:
        return "BestAgainstReference()"


def floor(x, *, exploited=1.0):
    """Return 1/2 - exploited exploitability(pi) - beta KL(pi'||ref) + beta KL(pi||ref), in the game of P."""
    spent = q.kl_ref(x.world, x.log_policy) - q.kl_ref(x.world, x.opponent)
    lost = exploitability(x.world, x.log_policy, preference_payoff(x.world))
    return 0.5 - exploited * lost + x.world.beta * spent


@claim("win_rate_floor", source="simbench, on ye2024")
class WinRateFloor(Lower):
    """P(pi > pi') >= 1/2 - exploitability(pi) - beta KL(pi'||ref) + beta KL(pi||ref), every pi, pi', preference.

    Exploitability in the game with payoff P - 1/2; zero at its equilibrium. Tight: pi' the best response to pi.
    Controls: nine tenths of the exploitability; the KL terms dropped.
    """

    domain = Instances(ANY_PREFERENCES, log_policy=Free(depth=20.0), opponent=Free(depth=20.0))
    tight_on = Instances(ANY_PREFERENCES, log_policy=Reference(), opponent=BestAgainstReference())
    tightness = 0.999
    controls = (
        Control("nine tenths of the exploitability", constant=0.9),
        Control(
            "the KL terms dropped",
            theory=lambda x: 0.5 - exploitability(x.world, x.log_policy, preference_payoff(x.world)),
        ),
    )

    def measured(self, x):
        return q.win_rate(x.world, x.log_policy, x.opponent)

    def theory(self, x, constant=1.0):
        return floor(x, exploited=constant)


@claim(
    "equilibrium_beats_every_policy",
    source="simbench, a reading of a talk on ye2024 at a finite temperature",
    expected="violated",
    corrected_by="win_rate_floor",
)
class EquilibriumBeatsEveryPolicy(Lower):
    """P(pi_NE > pi') >= 1/2 for every pi', pi_NE the equilibrium: under Bradley-Terry, pi* = G(r*).

    The talk says "P > 0.5 against every policy" informally, for small temperatures; `win_rate_floor` is the floor at a
    finite one. With ">" it cannot hold for pi' = pi_NE; a greedier pi' refutes ">=".
    """

    domain = Instances(BRADLEY_TERRY, log_policy=Optimal(), opponent=Free(depth=20.0))

    def measured(self, x):
        return q.win_rate(x.world, x.log_policy, x.opponent)

    def theory(self, x):
        return 0.5


@claim("exploitability_is_the_value_gap", source="ye2024; simbench")
class ExploitabilityIsTheValueGap(Identity):
    """Under Bradley-Terry, exploitability(pi) in the log-odds game = J(pi*) - J(pi) for every pi: pi_NE = pi*.

    Measured: the closed form beta E log sum_b ref e^{R(b, pi)/beta} + beta KL(pi||ref).
    Controls: a thousandth more; the game of P in place of the log-odds.
    """

    domain = Instances(BRADLEY_TERRY, log_policy=Free(depth=20.0))
    controls = (
        Control("a thousandth more", constant=1.001),
        Control(
            "the game of P",
            measured=lambda x: exploitability(x.world, x.log_policy, preference_payoff(x.world)),
        ),
    )

    def measured(self, x):
        advantage = jnp.einsum("sba,sa->sb", log_odds_payoff(x.world), jnp.exp(x.log_policy))
        won = q.optimal_value(x.world.replace(reward=advantage))
        return won + x.world.beta * q.kl_ref(x.world, x.log_policy)

    def theory(self, x):
        return q.value_gap(x.world, x.log_policy)


@claim("equilibria_of_the_two_games_differ", source="simbench, on ye2024")
class EquilibriaOfTheTwoGamesDiffer(Exists):
    """The equilibrium pi* of the log-odds game can be exploited in the game of P by more than a twentieth.

    So "the" Nash policy depends on the payoff. Control: in the log-odds game pi* cannot be exploited at all.
    """

    domain = Instances(Worlds(shapes=((1, 3),), reward_bound=(0.5, 8.0)), log_policy=Optimal())
    controls = (
        Control(
            "the log-odds game",
            measured=lambda x: exploitability(x.world, x.log_policy, log_odds_payoff(x.world)),
        ),
    )

    def measured(self, x):
        return exploitability(x.world, x.log_policy, preference_payoff(x.world))

    def theory(self, x):
        return 0.05
