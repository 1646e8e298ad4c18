"""Every quantity of a (world, policy) pair that can be asked for by name, with its unit and a line for tables.

A list of names: a stored result is named by the functions that it asks for (see `simbench.import_closure`), so a new
row here leaves all results as fresh as they were.
"""

import dataclasses
from collections.abc import Callable
from types import MappingProxyType

import jax

from simbench.bandit import Bandit
from simbench.quantities.coverages.coverage import (
    coverage,
    coverage_excess,
    log_coverage,
    max_density_ratio,
    min_density_ratio,
)
from simbench.quantities.policies.divergence import kl_ref
from simbench.quantities.preferences.exploitability import (
    exploitability_log_odds,
    exploitability_preference,
)
from simbench.quantities.preferences.win_rate import win_rate
from simbench.quantities.values.value import argmax_gap, expected_reward, reward_gap, value, value_gap


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """A quantity of one world and one policy: its function, unit and a line for tables; whether it needs a reward."""

    function: Callable[[Bandit, jax.Array], jax.Array]
    unit: str
    summary: str
    needs_reward: bool


def _measured(
    function: Callable[[Bandit, jax.Array], jax.Array], unit: str, summary: str, *, needs_reward: bool = True
) -> tuple[str, Measured]:
    row = Measured(function=function, unit=unit, summary=summary, needs_reward=needs_reward)
    return function.__name__, row


MEASURED: MappingProxyType[str, Measured] = MappingProxyType(
    dict(
        (
            _measured(value, "reward", "J(π) = E_π r* − β KL(π‖ref), the KL-regularised value"),
            _measured(value_gap, "reward", "J(π*) − J(π) = β KL(π‖π*)"),
            _measured(expected_reward, "reward", "E_π r*"),
            _measured(reward_gap, "reward", "E_π* r* − E_π r*; may be negative"),
            _measured(argmax_gap, "reward", "max r* − r* of the likeliest response"),
            _measured(kl_ref, "nats", "KL(π‖ref)", needs_reward=False),
            _measured(coverage, "ratio", "Cov(π*|π) = E_π* [π*/π]"),
            _measured(coverage_excess, "ratio", "Cov(π*|π) − 1 = E_π (π*/π − 1)²"),
            _measured(log_coverage, "nats", "log Cov(π*|π)"),
            _measured(max_density_ratio, "ratio", "max π*/π"),
            _measured(min_density_ratio, "ratio", "min π*/π"),
            _measured(
                win_rate,
                "probability",
                "how often π's response is preferred to ref's; ties ½",
                needs_reward=False,
            ),
            _measured(
                exploitability_log_odds,
                "reward",
                "what the best response wins from π in the game of the log-odds, net of its KL",
                needs_reward=False,
            ),
            _measured(
                exploitability_preference,
                "probability",
                "what the best response wins from π in the game of P − ½, net of its KL",
                needs_reward=False,
            ),
        )
    )
)
