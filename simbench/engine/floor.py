"""The floor under every round learner: read the tape, draw (prompt, response, response, label), count it.

What a learner adds on top of this is what its mathematics costs; `simbench speed` reports rates as multiples of it.
"""

import math

from simbench.tape import LABEL, PROMPT, RESPONSE_1, RESPONSE_2, choose_numba, fill_uniforms_numba
from simbench.tape.kernel import kernel


@kernel(nogil=True)
def floor_rounds(first_round, last_round, key0, key1, rho_cdf, policy_cdf, reward, wins, buffer):
    """Draw rounds first_round, …, last_round - 1 into `wins [S, A, A]` from the running sums `[S, A]` of a policy."""
    uniforms = buffer.uniforms
    chunk = uniforms.shape[1]
    for start in range(first_round, last_round, chunk):
        rounds = min(chunk, last_round - start)
        fill_uniforms_numba(key0, key1, start, rounds, buffer)
        for i in range(rounds):
            s = choose_numba(rho_cdf, uniforms[PROMPT, i])
            a = choose_numba(policy_cdf[s], uniforms[RESPONSE_1, i])
            b = choose_numba(policy_cdf[s], uniforms[RESPONSE_2, i])
            if uniforms[LABEL, i] < 1.0 / (1.0 + math.exp(reward[s, b] - reward[s, a])):
                wins[s, a, b] += 1.0
            else:
                wins[s, b, a] += 1.0
