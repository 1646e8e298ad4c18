"""TPO over a finite class as a numba kernel: the twin of transfer/tpo.py with confidence/version_space.py.

Whatever slot 1 may play comes from one table of W + M + 1 policies (sources, class, reference): a round costs the two
likelihoods, a comparison of W + 1 values, and a copy when another policy is chosen. Tables are shared by all runs.
"""

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import log_softmax, rel_entr

from simbench.bandit import Bandit
from simbench.learners.confidence.version_space import rpo_weight, source_bonus, version_threshold
from simbench.learners.kernels.finite import charge_bonus, charge_label, class_tables, first_best
from simbench.learners.kernels.recipe import Recipe, Rules
from simbench.learners.kernels.schedules import ALL, NONE, WAIT, refit_due
from simbench.learners.transfer.kernels.choice import (
    ONLINE,
    Blocks,
    blocks,
    copy_rows,
    count_round,
    first_largest,
    online_learns,
    online_plays,
    pulls,
)
from simbench.precision import float64
from simbench.quantities.values.value import TIE
from simbench.tape.kernel import inner

if TYPE_CHECKING:
    from simbench.learners.transfer.tpo import TPO

OFF, CHOSEN, ONLINE_PLAYS, PLAYING = range(4)  # what `state.indices` holds
# Fields of the state that no run writes.
SHARED = ("rewards", "losses", "bonuses", "log_policies", "policies", "cdfs", "source_values", "table")


class Plan(NamedTuple):
    """The numbers of a TPO in a world."""

    blocks: Blocks
    bonus: float  # what a source played once is given
    threshold: float  # of the version space, or RPO's allowance
    rpo: bool
    rpo_weight: float  # eta_n sqrt(n)
    spread: float  # largest less smallest entry of `table`


class TPOKernelState(NamedTuple):
    """What one run knows; tables are shared and never written."""

    log_policy: np.ndarray  # [S, A] slot 1
    policy: np.ndarray  # [S, A]
    diagnostics: np.ndarray  # [1 + W] rounds in which pi_OFF and each source were chosen
    deployed: np.ndarray  # [S, A] log of pi_OFF
    plan: Plan
    rules: Rules  # the online learner's
    loss: np.ndarray  # [M] negative log-likelihoods of all labels
    objective: np.ndarray  # [M] the online learner's
    worst: np.ndarray  # [M] scratch
    values: np.ndarray  # [W + 1] V_opt of each source when last looked at, V_pes
    indices: np.ndarray  # [4] see OFF … PLAYING
    rewards: np.ndarray  # [S, A, M]
    losses: np.ndarray  # [S, A, A, M] or empty
    bonuses: np.ndarray
    log_policies: np.ndarray  # [W + M + 1, S, A] sources, class, reference
    policies: np.ndarray  # [W + M + 1, S, A]
    cdfs: np.ndarray  # [W + M + 1, S, A]
    source_values: np.ndarray  # [W, M] E_{pi_w - ref} r^m - beta KL(pi_w || ref)
    table: np.ndarray  # [M, M] values of (reward, policy)


def plan(world: Bandit, learner: "TPO") -> Plan:
    """Return the numbers that the kernel reads."""
    values = _world_tables(_Key(world)).values
    with float64():
        return Plan(
            blocks=blocks(learner),
            bonus=float(learner.bonus_scale * source_bonus(world, learner.delta)),
            threshold=float(learner.pessimism_scale * version_threshold(world, learner.delta)),
            rpo=learner.pessimism == "rpo",
            rpo_weight=float(rpo_weight(world, learner.delta, learner.eta, 1)),
            spread=float(values.max() - values.min()),
        )


class _Tables(NamedTuple):
    log_policies: np.ndarray
    policies: np.ndarray
    cdfs: np.ndarray
    source_values: np.ndarray
    values: np.ndarray


class _Key:
    """A world, equal to another when what the tables read is: a block of runs builds them once."""

    def __init__(self, world: Bandit) -> None:
        self.world = world
        read = (world.rho, world.log_ref, world.reward_class, world.sources, world.beta)
        self.identity = tuple((np.shape(array), np.asarray(array).tobytes()) for array in read)

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.identity == other.identity


@functools.lru_cache(maxsize=2)
def _world_tables(key: _Key) -> _Tables:
    world = key.world
    log_ref, reward_class = np.asarray(world.log_ref), np.asarray(world.reward_class)
    none = np.zeros((0, *log_ref.shape))
    rewards = np.concatenate([none if world.sources is None else np.asarray(world.sources), reward_class])
    log_policies = log_softmax(log_ref + rewards / world.beta, axis=-1)
    policies, rho = np.exp(log_policies), np.asarray(world.rho)[:, None]
    # E_{pi - ref} r - beta KL(pi || ref), for every pi of the table and every r of the class
    difference = (rho * (policies - np.exp(log_ref))).reshape(len(rewards), log_ref.size)
    cost = world.beta * (rho * rel_entr(policies, np.exp(log_ref))).sum(axis=(1, 2))
    values = difference @ reward_class.reshape(len(reward_class), log_ref.size).T - cost[:, None]
    log_policies = np.concatenate([log_policies, log_ref[None]])
    policies = np.concatenate([policies, np.exp(log_ref)[None]])
    sources = len(rewards) - len(reward_class)
    return _Tables(
        log_policies=log_policies,
        policies=policies,
        cdfs=np.cumsum(policies, axis=-1),
        source_values=values[:sources],
        values=np.ascontiguousarray(values[sources:].T),
    )


def start(world: Bandit, learner: "TPO", recipe: Recipe) -> TPOKernelState:
    """Return the state before any label; `recipe` is the online learner's."""
    tables = _world_tables(_Key(world))
    log_ref, reward_class = np.asarray(world.log_ref), np.asarray(world.reward_class)
    rewards, losses, bonuses, objective = class_tables(recipe, log_ref, float(world.beta), reward_class)
    sources, members = tables.source_values.shape
    # Before any label every reward is possible, and every source has the value +inf.
    worst = tables.values.min(axis=0)
    off = int(np.argmax(worst >= worst.max() - TIE))
    online = learner.online_rounds > 0
    plays = sources + members if online else (0 if sources else off)
    return TPOKernelState(
        log_policy=tables.log_policies[plays].copy(),
        policy=tables.policies[plays].copy(),
        diagnostics=np.zeros(1 + sources),
        deployed=tables.log_policies[sources + off].copy(),
        plan=plan(world, learner),
        rules=recipe.rules,
        loss=np.zeros(members),
        objective=objective.copy(),
        worst=np.empty(members),
        values=np.append(np.full(sources, math.inf), worst[off]),
        indices=np.array([off, ONLINE if online else 0, sources + members, plays]),
        rewards=rewards,
        losses=losses,
        bonuses=bonuses,
        log_policies=tables.log_policies,
        policies=tables.policies,
        cdfs=tables.cdfs,
        source_values=tables.source_values,
        table=tables.values,
    )


@inner
def act(state, prompt):
    """Return the rows that slot 1 and slot 2 draw from."""
    return state.cdfs[state.indices[PLAYING], prompt], state.cdfs[state.cdfs.shape[0] - 1, prompt]


@inner
def observe(state, prompt, first, second, first_won, round_index):
    """Count the pull, charge the label to every hypothesis, renew pi_OFF when it is due, choose again."""
    blocks = state.plan.blocks
    sources = state.source_values.shape[0]
    charge_label(state.loss, state, prompt, first, second, first_won)
    if online_learns(blocks, round_index):
        charge_label(state.objective, state, prompt, first, second, first_won)
        charge_bonus(state.objective, state, prompt, second)
        state.indices[ONLINE_PLAYS] = sources + first_best(state.objective)
    count_round(state.diagnostics, sources, state.indices[CHOSEN])
    if refit_due(blocks.refresh, round_index) != WAIT:
        renew_off(state, round_index + 1)
    return choose(state, round_index + 1)


@inner
def choose(state, round_index):
    """Set what slot 1 plays in a round; return ALL if that is another policy than before, else NONE."""
    indices = state.indices
    sources = state.source_values.shape[0]
    if online_plays(state.plan.blocks, round_index):
        indices[CHOSEN] = ONLINE
        plays = indices[ONLINE_PLAYS]
    else:
        indices[CHOSEN] = best_arm(state)
        plays = indices[CHOSEN] if indices[CHOSEN] < sources else sources + indices[OFF]
    if plays == indices[PLAYING]:
        return NONE
    indices[PLAYING] = plays
    prompts = state.policy.shape[0]
    copy_rows(state.log_policies[plays], state.log_policy, 0, prompts)
    copy_rows(state.policies[plays], state.policy, 0, prompts)
    return ALL


@inner
def best_arm(state):
    """Return the first source, or W for pi_OFF, whose value is within 1e-9 of the best."""
    sources = state.source_values.shape[0]
    if sources > 0:
        likeliest = first_best(state.loss)
        for w in range(sources):
            count = pulls(state.diagnostics, sources, w)
            if count > 0.0:
                bonus = state.plan.bonus / math.sqrt(count)
                state.values[w] = state.source_values[w, likeliest] + bonus
    return first_largest(state.values)


@inner
def renew_off(state, labels):
    """Find the policy of the class whose value is best in the worst case, after `labels` >= 1 of them."""
    plan, loss, worst = state.plan, state.loss, state.worst
    size = loss.shape[0]
    least = loss[0]
    for m in range(size):
        worst[m] = math.inf
        least = min(least, loss[m])
    weight = plan.rpo_weight * math.sqrt(labels) if plan.rpo else 1.0
    limit = (
        plan.spread * weight if plan.rpo else plan.threshold
    )  # a reward charged the spread is never the worst
    for r in range(size):
        excess = loss[r] - least
        if excess <= limit or (plan.rpo and labels == 0):
            charge = excess / weight if plan.rpo else 0.0
            for m in range(size):
                worst[m] = min(worst[m], state.table[r, m] + charge)
    allowance = plan.threshold / weight if plan.rpo else 0.0
    top = -math.inf
    for m in range(size):
        top = max(top, worst[m] - allowance)
    off = 0
    while worst[off] - allowance < top - TIE:
        off += 1
    state.indices[OFF] = off
    sources = state.source_values.shape[0]
    state.values[sources] = worst[off] - allowance
    copy_rows(state.log_policies[sources + off], state.deployed, 0, state.deployed.shape[0])
