"""What only the loop can know: the regrets, the running mean policy, and a learner's diagnostics.

The loop adds up the three regrets of `currencies.REGRETS`, in their order, each the sum over rounds of an exact
expected gap of the slot-1 policy pi_t against pi*.
"""

from typing import NamedTuple

import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.precision import entry_point
from simbench.quantities import log_optimal, without_givens
from simbench.quantities.values.value import TIE

LAST, SUM, MAX, ANY = range(4)  # how rounds of a diagnostic are reduced
REDUCERS = {"last": LAST, "sum": SUM, "max": MAX, "any": ANY}

__all__ = [
    "ANY",
    "LAST",
    "MAX",
    "REDUCERS",
    "SUM",
    "TIE",
    "Ledger",
    "LoopWorld",
    "loop_world",
    "open_ledger",
]


class LoopWorld(NamedTuple):
    """What the numba loop reads of a world."""

    rho: np.ndarray  # [S]
    prompt_cdf: np.ndarray  # [S] running sums of what labels' prompts are drawn from: train_rho, or rho
    reward: np.ndarray  # [S, A]
    log_optimal: np.ndarray  # [S, A]
    optimal_reward: np.ndarray  # [S] E_{pi*(.|s)} r*
    best_reward: np.ndarray  # [S] the largest supported reward
    beta: float
    prefs: np.ndarray  # [S, A, A], or empty for Bradley-Terry


class Ledger(NamedTuple):
    """One run's accounts, updated in place by the numba loop.

    Rows are settled lazily: between two changes of a prompt's row its gap and its policy are constant, so they
    enter the sums once, times the number of rounds they stood.
    """

    regret: np.ndarray  # [3] cumulative, up to what is settled
    gaps: np.ndarray  # [3, S] of the current rows, times rho
    policy: np.ndarray  # [S, A] the current rows
    policy_sum: np.ndarray  # [S, A] up to what is settled
    since: np.ndarray  # [S] the round from which the current row is not yet settled
    diagnostics: np.ndarray  # [k] reduced


@entry_point
def loop_world(world: Bandit) -> LoopWorld:
    """Return the arrays that the loop reads, computed once per world."""
    log_best = np.asarray(_log_optimal(without_givens(world)))
    supported = np.where(np.isneginf(world.log_ref), -np.inf, world.reward)
    return LoopWorld(
        rho=np.array(world.rho),
        prompt_cdf=np.cumsum(world.rho if world.train_rho is None else world.train_rho),
        reward=np.array(world.reward),
        log_optimal=np.array(log_best),
        optimal_reward=(np.exp(log_best) * world.reward).sum(axis=1),
        best_reward=supported.max(axis=1),
        beta=float(world.beta),
        prefs=np.empty((0, 0, 0)) if world.prefs is None else np.array(world.prefs),
    )


_log_optimal = quickly(log_optimal)


def open_ledger(prompts: int, responses: int, diagnostics: int) -> Ledger:
    """Return empty accounts for one run."""
    return Ledger(
        regret=np.zeros(3),
        gaps=np.zeros((3, prompts)),
        policy=np.zeros((prompts, responses)),
        policy_sum=np.zeros((prompts, responses)),
        since=np.zeros(prompts, dtype=np.int64),
        diagnostics=np.zeros(diagnostics),
    )
