"""Magnetic mirror descent, response by response, as in the paper."""

import math

import numpy as np


def payoff_table(world, payoff):
    """Return R [S, A, A], log-odds or P - 1/2."""
    prompts, responses = world.log_ref.shape
    table = np.zeros((prompts, responses, responses))
    for s in range(prompts):
        for a in range(responses):
            for b in range(responses):
                if world.prefs is None:
                    chance = 1.0 / (1.0 + math.exp(world.reward[s, b] - world.reward[s, a]))
                else:
                    chance = world.prefs[s, a, b]
                table[s, a, b] = chance - 0.5 if payoff == "preference" else math.log(chance / (1.0 - chance))
    return table


def mirror_descent(world, steps, payoff="log_odds", step_size=None):
    """Return the policies [steps + 1, S, A] before any step and after each."""
    table = payoff_table(world, payoff)
    a = float(world.beta) / np.abs(table).max() ** 2 if step_size is None else step_size
    beta = float(world.beta)
    policy = np.exp(world.log_ref)
    trail = [policy.copy()]
    for _ in range(steps):
        new = np.zeros_like(policy)
        for s in range(policy.shape[0]):
            for b in range(policy.shape[1]):
                if policy[s, b] == 0.0:
                    continue
                won = sum(table[s, b, c] * policy[s, c] for c in range(policy.shape[1]))
                exponent = math.log(policy[s, b]) + a * won + a * beta * world.log_ref[s, b]
                new[s, b] = math.exp(exponent / (1.0 + a * beta))
            new[s] /= new[s].sum()
        policy = new
        trail.append(policy.copy())
    return np.array(trail)


def exploitability(world, policy, table):
    """Return max over pi' of -V(pi, pi') = beta E log sum_b ref e^{R(b, pi)/beta} + beta KL(pi||ref)."""
    total, beta = 0.0, float(world.beta)
    for s in range(policy.shape[0]):
        partition, divergence = 0.0, 0.0
        for b in range(policy.shape[1]):
            won = sum(table[s, b, c] * policy[s, c] for c in range(policy.shape[1]))
            partition += math.exp(world.log_ref[s, b] + won / beta)
            if policy[s, b] > 0.0:
                divergence += policy[s, b] * (math.log(policy[s, b]) - world.log_ref[s, b])
        total += float(world.rho[s]) * beta * (math.log(partition) + divergence)
    return total
