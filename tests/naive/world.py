"""Exact numbers of (world, policy), straight from their definitions.

    E_pi x     = sum_s rho_s sum_a pi[s, a] x[s, a]
    KL(p || q) = sum_s rho_s sum_a p log(p / q)                 0 log 0 = 0, +inf where p > 0 = q
    J(pi)      = E_pi r* - beta KL(pi || ref)
    G(r)       = ref exp(r / beta) / Z_r(s),   Z_r(s) = sum_a ref exp(r / beta),   pi* = G(r*)

Policies are log-policies `[S, A]`; a response without support has log-probability -inf.
"""

import numpy as np

TIE = 1e-9  # an argmax takes the first index within this of the best


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """log( exp(x) / sum exp(x) ) over the last axis; -inf is a probability of zero."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x) as exp(-log(1 + e^-x)): no overflow, and accurate relative to itself in both tails."""
    return np.exp(-np.logaddexp(0.0, -x))


def gibbs(world, reward: np.ndarray) -> np.ndarray:
    """log G(reward), `[S, A]`."""
    return log_softmax(world.log_ref + reward / world.beta)


def optimal(world) -> np.ndarray:
    """log pi* = log G(r*), `[S, A]`."""
    return gibbs(world, world.reward)


def expected_reward(world, log_policy: np.ndarray) -> float:
    """E_pi r*, in reward units."""
    return float(np.sum(world.rho[:, None] * np.exp(log_policy) * world.reward))


def kl(rho: np.ndarray, log_p: np.ndarray, log_q: np.ndarray) -> float:
    """KL(p || q), in nats: the sum runs over the cells that p visits."""
    mass = rho[:, None] * np.exp(log_p)
    visited = mass > 0
    return float(np.sum(mass[visited] * (log_p[visited] - log_q[visited])))


def value(world, log_policy: np.ndarray) -> float:
    """J(pi), in reward units."""
    return expected_reward(world, log_policy) - float(world.beta) * kl(world.rho, log_policy, world.log_ref)


def value_gap(world, log_policy: np.ndarray) -> float:
    """J(pi*) - J(pi), the KL-regularised regret of one round."""
    return value(world, optimal(world)) - value(world, log_policy)


def reward_gap(world, log_policy: np.ndarray) -> float:
    """E_{pi*} r* - E_pi r*, the reward regret of one round; negative for a policy greedier than pi*."""
    return expected_reward(world, optimal(world)) - expected_reward(world, log_policy)


def argmax_gap(world, log_policy: np.ndarray) -> float:
    """E_s[ max over supported a of r*[s, a] - r*[s, first a within 1e-9 of the largest pi(a|s)] ]."""
    best = np.where(world.log_ref > -np.inf, world.reward, -np.inf).max(axis=1)
    policy = np.exp(log_policy)
    greedy = np.argmax(policy >= policy.max(axis=1, keepdims=True) - TIE, axis=1)  # the first that is True
    return float(np.sum(world.rho * (best - world.reward[np.arange(len(world.rho)), greedy])))


def preference(world, prompt: int, first: int, second: int) -> float:
    """P(first > second | prompt): `prefs` when the world has them, Bradley-Terry from r* otherwise."""
    if world.prefs is not None:
        return float(world.prefs[prompt, first, second])
    return float(sigmoid(world.reward[prompt, first] - world.reward[prompt, second]))
