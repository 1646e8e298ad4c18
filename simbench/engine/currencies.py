"""What learners are charged: one table of currencies for all engines.

A currency is the gap of a policy against the best there is. Engines that pay for labels add it up, label by label, over
the policies that they charge; iterative methods pay for steps, and are measured where they stand.

    column                             gap of one policy           what it is
    regret                             value_gap                   J(pi*) - J(pi_t) = beta KL(pi_t || pi*)
    reward_regret                      reward_gap                  E_{pi*} r* - E_{pi_t} r*               (may fall)
    argmax_regret                      argmax_gap                  E_s[max_a r* - r*(first argmax_a pi_t)]
    exploitability_regret_log_odds     exploitability_log_odds     what the best response wins from pi_t, log-odds
    exploitability_regret_preference   exploitability_preference   the same in the game of P - 1/2

The first three need a reward, and are refused by name where there is none. The equilibria of the two games differ, so a
learner names its payoff and the column carries the name. An argmax takes the first index within 1e-9 of the best.
"""

import dataclasses
from types import MappingProxyType
from typing import Any, Literal, get_args

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.quantities import MEASURED

Payoff = Literal["log_odds", "preference"]
PAYOFFS: tuple[str, ...] = get_args(Payoff)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Currency:
    """A cumulative column: the quantity that it adds up, and what figures call it."""

    gap: str
    title: str

    @property
    def needs_reward(self) -> bool:
        """Whether it exists only in worlds with a reward."""
        return MEASURED[self.gap].needs_reward


CURRENCIES: MappingProxyType[str, Currency] = MappingProxyType(
    {
        "regret": Currency(gap="value_gap", title="KL-regularised regret"),
        "reward_regret": Currency(gap="reward_gap", title="reward regret"),
        "argmax_regret": Currency(gap="argmax_gap", title="temperature-zero regret"),
        "exploitability_regret_log_odds": Currency(
            gap="exploitability_log_odds", title="cumulative exploitability (log-odds)"
        ),
        "exploitability_regret_preference": Currency(
            gap="exploitability_preference", title="cumulative exploitability (P - 1/2)"
        ),
    }
)
REGRETS = tuple(name for name, currency in CURRENCIES.items() if currency.needs_reward)


def payoff_of(learner: Any, world: Bandit) -> str | None:
    """Return the payoff in which exploitability is reported: the learner's, or log-odds in a world without reward."""
    payoff = getattr(learner, "payoff", None)
    if payoff is not None and payoff not in PAYOFFS:
        raise SimbenchError(
            f"{type(learner).__name__}: payoff is {payoff!r}; it must be one of {', '.join(PAYOFFS)}."
        )
    return payoff or (None if world.reward is not None else PAYOFFS[0])


def currencies_of(learner: Any, world: Bandit) -> tuple[str, ...]:
    """Return the columns that a learner of batches is charged in, in the order of the table."""
    payoff = payoff_of(learner, world)
    regrets = () if world.reward is None else REGRETS
    return regrets if payoff is None else (*regrets, f"exploitability_regret_{payoff}")


def require_regrets(learner: Any, world: Bandit) -> None:
    """Raise `SimbenchError` where the loop over rounds, which charges the three regrets, has no reward to do it by."""
    if world.reward is None:
        world.rewarded(f"{type(learner).__name__}, which is charged {', '.join(REGRETS)} in every round,")
