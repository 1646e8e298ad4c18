"""Every quantity again, from its textbook formula, in python-flint balls over exact input doubles.

Tests that use it run at 400 bits (the fixture `in_400_bits`).

Policies are taken as they are, rows summing to one only up to rounding; KL is therefore the divergence of
unnormalised measures, sum p log(p/q) - p + q, which is the same number for distributions.
"""

import math

import numpy as np
from flint import arb


def probability(log_p):
    return arb(0) if log_p == -math.inf else arb(log_p).exp()


def relative_error(computed, exact):
    """Return |computed - exact| / |exact| as a float; 0/0 is 0 and equal infinities agree."""
    computed = float(computed)
    if isinstance(exact, float):
        return 0.0 if computed == exact else math.inf
    if exact.contains(0):
        return 0.0 if exact.contains(computed) else math.inf
    if not math.isfinite(computed):
        return math.inf
    return float(abs((arb(computed) - exact) / exact))


def cells(bandit):
    """Yield (s, a) of the prompts that count."""
    prompts, responses = bandit.log_ref.shape
    return [(s, a) for s in range(prompts) if bandit.rho[s] > 0 for a in range(responses)]


def partition(bandit, reward):
    """Return [Z(s)]."""
    beta = arb(float(bandit.beta))
    return [
        sum((probability(p) * (arb(r) / beta).exp() for p, r in zip(refs, rewards, strict=True)), arb(0))
        for refs, rewards in zip(bandit.log_ref.tolist(), np.asarray(reward).tolist(), strict=True)
    ]


def gibbs(bandit, reward):
    """Return {(s, a): probability}."""
    beta, z = arb(float(bandit.beta)), partition(bandit, reward)
    return {
        (s, a): probability(float(bandit.log_ref[s, a])) * (arb(float(reward[s, a])) / beta).exp() / z[s]
        for s in range(bandit.log_ref.shape[0])
        for a in range(bandit.log_ref.shape[1])
    }


def policy(log_policy):
    """Return {(s, a): probability}."""
    return {(s, a): probability(float(x)) for (s, a), x in np.ndenumerate(np.asarray(log_policy))}


def kl(bandit, p, q):
    total = arb(0)
    for s, a in cells(bandit):
        if p[s, a] > 0 and q[s, a] == 0:
            return math.inf
        log_term = p[s, a] * (p[s, a] / q[s, a]).log() if p[s, a] > 0 else arb(0)
        total += arb(float(bandit.rho[s])) * (log_term - p[s, a] + q[s, a])
    return total


def chi_squared(bandit, p, q):
    total = arb(0)
    for s, a in cells(bandit):
        if q[s, a] > 0:
            difference = p[s, a] - q[s, a]
            total += arb(float(bandit.rho[s])) * difference * difference / q[s, a]
        elif p[s, a] > 0:
            return math.inf
    return total


def expectation(bandit, p, x):
    return sum((arb(float(bandit.rho[s])) * p[s, a] * arb(float(x[s, a])) for s, a in cells(bandit)), arb(0))


def binary_kl(log_q, log_p):
    q, p = probability(log_q), probability(log_p)
    total = arb(0)
    if q > 0:
        total += q * (q / p).log()
    if q < 1:
        total += (1 - q) * ((1 - q) / (1 - p)).log()
    return total


def kappa(x):
    x = arb(x)
    return (x - 1) ** 2 / (x - 1 - x.log())
