"""What TPO does in the linear and the tabular class alike, inside a kernel: pi_OFF, the choice, what slot 1 plays.

kernels/tpo_linear.py and kernels/tpo_tabular.py say how a label enters the estimate and the online learner.
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import log_softmax

from simbench.bandit import Bandit
from simbench.learners.kernels.ellipsoid import Information, Tables, open_ellipsoid, optimistic, renew
from simbench.learners.kernels.linear_objective import dot
from simbench.learners.kernels.potential import Search, open_search
from simbench.learners.kernels.schedules import ALL, NONE, WAIT, refit_due
from simbench.learners.kernels.slots import gibbs_row
from simbench.learners.kernels.transfer import (
    ONLINE,
    Blocks,
    blocks,
    copy_rows,
    count_round,
    first_largest,
    online_plays,
    pulls,
)
from simbench.learners.kernels.worst_reward import REFERENCE, UNSOLVED, find_worst_reward
from simbench.tape.kernel import inner

if TYPE_CHECKING:
    from simbench.learners.parts.ellipsoid import Ellipsoid
    from simbench.learners.tpo import TPO

SHARED = ("tables", "policies")  # fields of the state that no run writes
UNSOLVED_FITS = 0  # place among the diagnostics


class Policies(NamedTuple):
    """Policies by their logarithms, probabilities and running sums, `[S, A]` or `[W, S, A]`."""

    log: np.ndarray
    probability: np.ndarray
    cdf: np.ndarray


class EllipsoidTPOState(NamedTuple):
    """What one run knows; everything but tables is updated in place."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: (
        np.ndarray
    )  # [2 + W] unsolved fits of the round; rounds in which pi_OFF and each source were chosen
    deployed: np.ndarray  # [S, A] log of pi_OFF
    cdf: np.ndarray  # [S, A] slot 1
    off: Policies  # pi_OFF
    chosen: np.ndarray  # [1]
    values: np.ndarray  # [W + 1] V_opt of each source when last looked at, V_pes
    blocks: Blocks
    information: Information
    search: Search
    estimate: Any  # what the fit of thetahat keeps
    online: Any  # the online learner's state
    tables: Tables
    policies: Policies  # [W + 1, S, A] of the sources and ref


def start(
    world: Bandit, learner: "TPO", confidence: "Ellipsoid", *, estimate: Any, online: Any
) -> EllipsoidTPOState:
    """Return the state before any label: pi_OFF is ref, and every source has the value +inf."""
    tables, information = open_ellipsoid(world, confidence)
    sources = tables.costs.shape[0]
    log_ref = np.array(world.log_ref)
    log_policies = log_ref[None]
    if world.sources is not None:
        tilted = log_softmax(log_ref + np.asarray(world.sources) / world.beta, axis=-1)
        log_policies = np.concatenate([tilted, log_policies])
    policies = _policies(log_policies)
    off = _policies(log_ref)
    plays = 0 if learner.online_rounds == 0 else sources  # the online learner begins with ref, as pi_OFF does
    return EllipsoidTPOState(
        log_policy=policies.log[plays].copy(),
        policy=policies.probability[plays].copy(),
        diagnostics=np.zeros(2 + sources),
        deployed=off.log,
        cdf=policies.cdf[plays].copy(),
        off=off,
        chosen=np.array([ONLINE if learner.online_rounds else 0]),
        values=np.append(np.full(sources, math.inf), 0.0),
        blocks=blocks(learner),
        information=information,
        search=open_search(tables.cells),
        estimate=estimate,
        online=online,
        tables=tables,
        policies=policies,
    )


def _policies(log_policies: np.ndarray) -> Policies:
    probability = np.exp(log_policies)
    return Policies(log=log_policies, probability=probability, cdf=np.cumsum(probability, axis=-1))


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2, which is ref, draw from."""
    return state.cdf[prompt], state.policies.cdf[state.policies.cdf.shape[0] - 1, prompt]


@inner
def transfer(state, touched, round_index):
    """Count the round, renew pi_OFF when it is due, choose again; return which rows of slot 1 may have changed.

    `touched` says which rows of the online learner's policy may have.
    """
    count_round(state.diagnostics, state.tables.costs.shape[0], state.chosen[0])
    renewed = refit_due(state.blocks.refresh, round_index) != WAIT
    if renewed:
        renew_off(state)
    return choose(state, touched, renewed, round_index + 1)


@inner
def renew_off(state):
    """Find the worst reward of the ellipsoid, and the policy that is best against it."""
    cells, search, information, off = state.tables.cells, state.search, state.information, state.off
    sources = state.tables.costs.shape[0]
    radius = information.radius.pessimism_scale * renew(information, state.tables)
    outcome = find_worst_reward(cells, search, information.theta, information.factor, radius)
    state.values[sources] = search.value[0]
    if outcome == REFERENCE:
        copy_rows(state.policies.log[sources], off.log)
        copy_rows(state.policies.probability[sources], off.probability)
        copy_rows(state.policies.cdf[sources], off.cdf)
        return
    if outcome == UNSOLVED:
        state.diagnostics[UNSOLVED_FITS] += 1.0
    prompts, reward = cells.features.shape[1], search.policy
    for s in range(off.log.shape[0]):
        g, p = s // prompts, s % prompts
        for a in range(reward.shape[0]):
            reward[a] = dot(cells.features[g, p, a], search.theta[g])
        gibbs_row(cells.log_ref[g, p], reward, 1.0 / cells.beta, off.log[s], off.probability[s], off.cdf[s])


@inner
def choose(state, touched, renewed, round_index):
    """Set what slot 1 plays in a round; return which rows may have changed."""
    sources = state.tables.costs.shape[0]
    before = state.chosen[0]
    chosen = ONLINE if online_plays(state.blocks, round_index) else best_arm(state)
    state.chosen[0] = chosen
    if chosen == ONLINE:
        slots = state.online.slots
        if before == ONLINE and touched == NONE:
            return NONE
        if before == ONLINE and touched >= 0:
            rows = slice(touched, touched + 1)
            play(state, slots.log_policy[rows], slots.policy[rows], slots.cdf[rows], touched)
            return touched
        play(state, slots.log_policy, slots.policy, slots.cdf, 0)
    elif chosen == sources:
        if before == chosen and not renewed:
            return NONE
        play(state, state.off.log, state.off.probability, state.off.cdf, 0)
    else:
        if before == chosen:
            return NONE
        policies = state.policies
        play(state, policies.log[chosen], policies.probability[chosen], policies.cdf[chosen], 0)
    return ALL


@inner
def play(state, log_policy, policy, cdf, start):
    """Let slot 1 play a policy, whose rows are given from prompt `start` on."""
    stop = start + log_policy.shape[0]
    copy_rows(log_policy, state.log_policy[start:stop])
    copy_rows(policy, state.policy[start:stop])
    copy_rows(cdf, state.cdf[start:stop])


@inner
def best_arm(state):
    """Return the first source, or W for pi_OFF, whose value is within 1e-9 of the best."""
    sources = state.tables.costs.shape[0]
    if sources > 0:
        bet = renew(state.information, state.tables)
        for w in range(sources):
            if pulls(state.diagnostics, sources, w) > 0.0:
                state.values[w] = optimistic(state.information, state.tables, bet, w)
    return first_largest(state.values)
