"""One run: in round t the learner names two policies, the tape draws a comparison, the learner observes it.

    s = choose(train_rho, u[t, PROMPT])             (rho, where the world has no train_rho)
    a = choose(pi1_t(.|s), u[t, RESPONSE_1])
    b = choose(pi2_t(.|s), u[t, RESPONSE_2])
    a won  iff  u[t, LABEL] < P(a > b | s)

Regret charges the slot-1 policy pi_t = pi1_t, by its exact gap, before the label of round t is observed;
gaps are always those of rho.
A self-pair a = b is a round and a label like any other.
"""

import dataclasses

import numpy as np

from simbench.tape import (
    LABEL,
    PROMPT,
    RESPONSE_1,
    RESPONSE_2,
    ROUND_SLOTS,
    choose_numpy,
    run_key,
    uniforms_numpy,
)
from tests.naive.world import argmax_gap, preference, reward_gap, value_gap


@dataclasses.dataclass(frozen=True, kw_only=True)
class NaiveTrace:
    """What happened in rounds 0 .. T-1; regret in a currency is the cumulative sum of its gap."""

    prompt: np.ndarray  # [T]
    first: np.ndarray  # [T] the response drawn from slot 1
    second: np.ndarray  # [T] the response drawn from slot 2
    first_won: np.ndarray  # [T] bool
    gap_t: np.ndarray  # [T] J(pi*) - J(pi_t)
    reward_gap_t: np.ndarray  # [T] E_{pi*} r* - E_{pi_t} r*
    argmax_gap_t: np.ndarray  # [T] E_s[max r* - r*[argmax pi_t]]
    log_policy: np.ndarray  # [S, A] slot 1 after the last label: log pi_T
    mean_policy: np.ndarray  # [S, A] (1/T) sum over t < T of pi_t, as probabilities


def naive_run(world, learner, *, rounds: int, seed: int, instance: int, run: int) -> NaiveTrace:
    """Play `rounds` rounds of `learner` in `world` on the tape of (seed, instance, run)."""
    key = run_key(seed=seed, instance=instance, run=run)
    u = uniforms_numpy(key, np.arange(rounds)[:, None], np.arange(ROUND_SLOTS)[None, :])
    draws = {name: np.zeros(rounds, dtype=np.int64) for name in ("prompt", "first", "second")}
    first_won = np.zeros(rounds, dtype=bool)
    gaps = {name: np.zeros(rounds) for name in ("gap_t", "reward_gap_t", "argmax_gap_t")}
    policy_sum = np.zeros(world.log_ref.shape)

    train_rho = getattr(world, "train_rho", None)
    prompts_of_labels = world.rho if train_rho is None else train_rho
    learner.start(world)
    for t in range(rounds):
        log_first, log_second = learner.act()
        gaps["gap_t"][t] = value_gap(world, log_first)
        gaps["reward_gap_t"][t] = reward_gap(world, log_first)
        gaps["argmax_gap_t"][t] = argmax_gap(world, log_first)
        policy_sum += np.exp(log_first)

        s = choose_numpy(prompts_of_labels, u[t, PROMPT])
        a = choose_numpy(np.exp(log_first[s]), u[t, RESPONSE_1])
        b = choose_numpy(np.exp(log_second[s]), u[t, RESPONSE_2])
        won = bool(u[t, LABEL] < preference(world, s, a, b))
        learner.observe(s, a, b, won)
        draws["prompt"][t], draws["first"][t], draws["second"][t], first_won[t] = s, a, b, won

    log_policy, _ = learner.act()
    return NaiveTrace(
        **draws, first_won=first_won, **gaps, log_policy=log_policy, mean_policy=policy_sum / rounds
    )
