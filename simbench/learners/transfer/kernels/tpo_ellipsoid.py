"""What TPO does in the linear and the tabular class alike, inside a kernel: pi_OFF, the choice, what slot 1 plays.

tpo_linear.py and tpo_tabular.py say how a label enters the estimate and the online learner.
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import log_softmax

from simbench.bandit import Bandit
from simbench.learners.confidence.ellipsoid_kernel import (
    Information,
    Tables,
    open_ellipsoid,
    optimistic,
    renew,
)
from simbench.learners.confidence.potential_kernel import Search, open_search
from simbench.learners.confidence.worst_reward_kernel import REFERENCE, UNSOLVED, find_worst_reward
from simbench.learners.kernels.linear_objective import dot
from simbench.learners.kernels.schedules import ALL, NONE, WAIT, refit_due
from simbench.learners.kernels.slots import gibbs_row
from simbench.learners.transfer.kernels.choice import (
    ONLINE,
    Blocks,
    blocks,
    copy_rows,
    count_round,
    first_largest,
    online_plays,
    pulls,
)
from simbench.tape.kernel import inner

if TYPE_CHECKING:
    from simbench.learners.confidence.ellipsoid import Ellipsoid
    from simbench.learners.transfer.tpo import TPO

UNSOLVED_FITS = 0  # place among the diagnostics
SHARED = ("transfer.tables", "transfer.known")  # parts of the state that no run writes


class Policies(NamedTuple):
    """Policies by their logarithms, probabilities and running sums, `[S, A]` or several of them, `[W + 1, S, A]`."""

    log: np.ndarray
    probability: np.ndarray
    cdf: np.ndarray


class Transfer(NamedTuple):
    """What a round needs beside the fits. Numba compiles a tuple field by field: the fits stay out of it."""

    blocks: Blocks
    diagnostics: np.ndarray  # the state's
    chosen: np.ndarray  # [1]
    values: np.ndarray  # [W + 1] V_opt of each source when last looked at, V_pes
    played: Policies  # slot 1
    own: Policies  # the online learner's
    off: Policies  # pi_OFF
    known: Policies  # of the sources and ref
    information: Information
    tables: Tables
    search: Search


class EllipsoidTPOState(NamedTuple):
    """What one run knows; everything but tables is updated in place."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: (
        np.ndarray
    )  # [2 + W] unsolved fits of the round; rounds in which pi_OFF and each source were chosen
    deployed: np.ndarray  # [S, A] log of pi_OFF
    transfer: Transfer
    estimate: Any  # what the fit of thetahat keeps
    online: Any  # the online learner's state


def start(
    world: Bandit, learner: "TPO", confidence: "Ellipsoid", *, estimate: Any, online: Any
) -> EllipsoidTPOState:
    """Return the state before any label: pi_OFF is ref, and every source has the value +inf."""
    tables, information = open_ellipsoid(world, confidence)
    sources = tables.costs.shape[0]
    log_policies = np.array(world.log_ref)[None]
    if world.sources is not None:
        tilted = log_softmax(log_policies + np.asarray(world.sources) / world.beta, axis=-1)
        log_policies = np.concatenate([tilted, log_policies])
    known = _policies(log_policies)
    # The online learner begins with ref, as pi_OFF does; without it the first source is played, if there is one.
    played = _policies(log_policies[sources if learner.online_rounds else 0].copy())
    off = _policies(log_policies[sources].copy())
    diagnostics = np.zeros(2 + sources)
    return EllipsoidTPOState(
        log_policy=played.log,
        policy=played.probability,
        diagnostics=diagnostics,
        deployed=off.log,
        transfer=Transfer(
            blocks=blocks(learner),
            diagnostics=diagnostics,
            chosen=np.array([ONLINE if learner.online_rounds else 0]),
            values=np.append(np.full(sources, math.inf), 0.0),
            played=played,
            own=Policies(log=online.slots.log_policy, probability=online.slots.policy, cdf=online.slots.cdf),
            off=off,
            known=known,
            information=information,
            tables=tables,
            search=open_search(tables.cells),
        ),
        estimate=estimate,
        online=online,
    )


def _policies(log_policies: np.ndarray) -> Policies:
    probability = np.exp(log_policies)
    return Policies(log=log_policies, probability=probability, cdf=np.cumsum(probability, axis=-1))


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2, which is ref, draw from."""
    known = state.transfer.known.cdf
    return state.transfer.played.cdf[prompt], known[known.shape[0] - 1, prompt]


@inner
def next_round(transfer, touched, round_index):
    """Count the round, renew pi_OFF when it is due, choose what slot 1 plays next; return the rows that may change.

    `touched` says which rows of the online learner's policy may have changed in this round.
    """
    sources, before = transfer.tables.costs.shape[0], transfer.chosen[0]
    count_round(transfer.diagnostics, sources, before)
    renewed = refit_due(transfer.blocks.refresh, round_index) != WAIT
    if renewed:
        renew_off(transfer)
    chosen = ONLINE
    if not online_plays(transfer.blocks, round_index + 1):
        if sources > 0:
            renew_values(transfer)
        chosen = first_largest(transfer.values)
    transfer.chosen[0] = chosen
    if chosen != before:
        touched = ALL
    elif chosen == sources:
        touched = ALL if renewed else NONE
    elif chosen != ONLINE:
        return NONE
    if chosen == ONLINE:
        play(transfer.played, transfer.own, touched)
    elif chosen == sources:
        play(transfer.played, transfer.off, touched)
    else:
        known = transfer.known
        play(
            transfer.played,
            Policies(known.log[chosen], known.probability[chosen], known.cdf[chosen]),
            touched,
        )
    return touched


@inner
def play(played, policies, touched):
    """Copy those rows of a policy to slot 1 that may have changed: one, ALL, or NONE."""
    low, high = (touched, touched + 1) if touched >= 0 else (0, played.log.shape[0])
    if touched != NONE:
        copy_rows(policies.log, played.log, low, high)
        copy_rows(policies.probability, played.probability, low, high)
        copy_rows(policies.cdf, played.cdf, low, high)


@inner
def renew_off(transfer):
    """Find the worst reward of the ellipsoid, and the policy that is best against it."""
    cells, search, information, off = (
        transfer.tables.cells,
        transfer.search,
        transfer.information,
        transfer.off,
    )
    radius = information.radius.pessimism_scale * renew(information, transfer.tables)
    outcome = find_worst_reward(cells, search, information.theta, information.factor, radius)
    transfer.values[transfer.values.shape[0] - 1] = search.value[0]
    if outcome == UNSOLVED:
        transfer.diagnostics[UNSOLVED_FITS] += 1.0
    prompts, reward = cells.features.shape[1], search.policy
    for s in range(off.log.shape[0]):
        g, p = s // prompts, s % prompts
        for a in range(reward.shape[0]):
            reward[a] = 0.0 if outcome == REFERENCE else dot(cells.features[g, p, a], search.theta[g])
        gibbs_row(cells.log_ref[g, p], reward, 1.0 / cells.beta, off.log[s], off.probability[s], off.cdf[s])


@inner
def renew_values(transfer):
    """Write V_opt of every source that was played."""
    sources = transfer.tables.costs.shape[0]
    bet = renew(transfer.information, transfer.tables)
    for w in range(sources):
        if pulls(transfer.diagnostics, sources, w) > 0.0:
            transfer.values[w] = optimistic(transfer.information, transfer.tables, bet, w)
