"""The numba loop over rounds, for one run.

This file is both a module and a pattern: `numba_engine.specialise` makes another module of its text, with the import
of the parts below and REDUCERS replaced by another learner's, because numba can keep a loop on disk only if the
functions it calls are globals of its module.
"""

import math

import numpy as np

from simbench.engine.ledger import ANY, LAST, MAX, SUM, TIE
from simbench.learners.kernels.constant import act, observe
from simbench.learners.kernels.schedules import ALL
from simbench.tape import LABEL, PROMPT, RESPONSE_1, RESPONSE_2, choose_numba, fill_uniforms_numba
from simbench.tape.kernel import inner, kernel

REDUCERS = (-1,)  # no diagnostic


@inner
def price_row(world, log_policy, policy, ledger, prompt):
    """Renew the three gaps of one prompt's row, and the ledger's copy of its policy."""
    reward = world.reward[prompt]
    log_optimal = world.log_optimal[prompt]
    divergence = 0.0
    expected = 0.0
    most_likely = 0.0
    for a in range(policy.shape[0]):
        ledger.policy[prompt, a] = policy[a]
        if policy[a] > 0.0:
            divergence += policy[a] * (log_policy[a] - log_optimal[a])
            expected += policy[a] * reward[a]
            most_likely = max(most_likely, policy[a])
    first_best = 0
    while policy[first_best] < most_likely - TIE:
        first_best += 1
    weight = world.rho[prompt]
    ledger.gaps[0, prompt] = weight * world.beta * divergence
    ledger.gaps[1, prompt] = weight * (world.optimal_reward[prompt] - expected)
    ledger.gaps[2, prompt] = weight * (world.best_reward[prompt] - reward[first_best])


@inner
def settle_row(ledger, prompt, until):
    """Enter a row's gaps and policy for the rounds since it last changed."""
    stood = until - ledger.since[prompt]
    if stood > 0:
        for currency in range(3):
            ledger.regret[currency] += stood * ledger.gaps[currency, prompt]
        for a in range(ledger.policy.shape[1]):
            ledger.policy_sum[prompt, a] += stood * ledger.policy[prompt, a]
        ledger.since[prompt] = until


@inner
def reduce_diagnostics(now, reduced):
    """Fold this round's diagnostics into the ledger's: last, sum, max, any. REDUCERS is known when this is compiled."""
    for k in range(len(REDUCERS)):
        if REDUCERS[k] == LAST:
            reduced[k] = now[k]
        elif REDUCERS[k] == SUM:
            reduced[k] += now[k]
        elif REDUCERS[k] == MAX:
            reduced[k] = max(reduced[k], now[k])
        elif REDUCERS[k] == ANY and now[k] != 0.0:
            reduced[k] = 1.0


@kernel(nogil=True)
def advance(first_round, last_round, key0, key1, world, state, ledger, buffer):
    """Play rounds first_round, …, last_round - 1; afterwards every row is settled up to last_round.

    `buffer` receives the tape, as many rounds at a time as it holds.
    """
    prompts = world.rho.shape[0]
    uniforms = buffer.uniforms
    chunk = uniforms.shape[1]
    bradley_terry = world.prefs.shape[0] == 0
    if first_round == 0:
        for s in range(prompts):
            price_row(world, state.log_policy[s], state.policy[s], ledger, s)
    for start in range(first_round, last_round, chunk):
        rounds = min(chunk, last_round - start)
        fill_uniforms_numba(key0, key1, start, rounds, buffer)
        for i in range(rounds):
            s = choose_numba(world.prompt_cdf, uniforms[PROMPT, i])
            first_row, second_row = act(state, s)
            a = choose_numba(first_row, uniforms[RESPONSE_1, i])
            b = choose_numba(second_row, uniforms[RESPONSE_2, i])
            if bradley_terry:
                preference = 1.0 / (1.0 + math.exp(world.reward[s, b] - world.reward[s, a]))
            else:
                preference = world.prefs[s, a, b]
            touched = observe(state, s, a, b, uniforms[LABEL, i] < preference, start + i)
            if touched >= 0:
                settle_row(ledger, touched, start + i + 1)
                price_row(world, state.log_policy[touched], state.policy[touched], ledger, touched)
            elif touched == ALL:
                for row in range(prompts):
                    settle_row(ledger, row, start + i + 1)
                    price_row(world, state.log_policy[row], state.policy[row], ledger, row)
            reduce_diagnostics(state.diagnostics, ledger.diagnostics)
    for s in range(prompts):
        settle_row(ledger, s, last_round)
    for k in range(ledger.diagnostics.shape[0]):
        if k >= len(REDUCERS) or REDUCERS[k] < 0:
            ledger.diagnostics[k] = state.diagnostics[k]
    return np.int64(last_round)
