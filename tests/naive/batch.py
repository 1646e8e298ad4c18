"""A batch of labels as counts, cell by cell: prompts, first responses, second responses, wins.

category i of a multinomial receives Binomial(what is left, p_i / (p_i + p_{i+1} + ...)), the last one the rest;
slots under the batch's key:  s | S + sA + a | S + SA + (sA + a)A + b | S + SA + SA^2 + (sA + a)A + b
"""

import numpy as np

from simbench.tape import round_key_numpy
from tests.naive.binomial import binomial


def split(key, slot: int, n: int, weights) -> list[int]:
    """Multinomial(n; weights), categories at consecutive slots."""
    tails, tail = [], 0.0
    for weight in reversed(weights):
        tail += weight
        tails.append(tail)
    counts = []
    for i, (weight, tail) in enumerate(zip(weights, reversed(tails), strict=True)):
        last = i == len(weights) - 1
        counts.append(n if last else binomial(key, slot + i, n, weight / tail) if tail > 0 else 0)
        n -= counts[-1]
    return counts


def draw_wins(key, batch: int, labels: int, weights, first, second, preference) -> np.ndarray:
    """wins[s, a, b]: labels at s that preferred a to b, self-pairs on the diagonal."""
    key = round_key_numpy(key, batch)
    S, A = first.shape
    wins = np.zeros((S, A, A), dtype=np.int64)
    for s, n_s in enumerate(split(key, 0, labels, weights.tolist())):
        for a, n_a in enumerate(split(key, S + s * A, n_s, first[s].tolist())):
            cell = s * A + a
            for b, n_b in enumerate(split(key, S + S * A + cell * A, n_a, second[s].tolist())):
                won = binomial(key, S + S * A + S * A * A + cell * A + b, n_b, float(preference[s, a, b]))
                wins[s, a, b] += won
                wins[s, b, a] += n_b - won
    return wins
