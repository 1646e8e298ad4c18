"""Stochastic gradient descent on DPO's loss, label by label."""

import math

import numpy as np

from simbench.tape import choose_numpy, run_key, uniforms_numpy


def drawn_label(world, key, k):
    """Return (prompt, winner, loser) of label k: slots 0 to 3 of round k."""
    u = [float(uniforms_numpy(key, k, slot)) for slot in range(4)]
    s = choose_numpy(np.asarray(world.rho if world.train_rho is None else world.train_rho), u[0])
    ref = np.exp(world.log_ref[s])
    a, b = choose_numpy(ref, u[1]), choose_numpy(ref, u[2])
    if world.prefs is None:
        chance = 1.0 / (1.0 + math.exp(world.reward[s, b] - world.reward[s, a]))
    else:
        chance = world.prefs[s, a, b]
    return (s, a, b) if u[3] < chance else (s, b, a)


def dpo_gradient(world, *, steps, run, data, batch, step_size):
    """Return the log-policies [steps + 1, S, A] of one run, before any step and after each."""
    key = run_key(seed=0, instance=0, run=run)
    labels = [drawn_label(world, key, k) for k in range(min(data, steps * batch))]
    theta, beta = np.array(world.log_ref), float(world.beta)
    trail = [log_softmax(theta)]
    for i in range(steps):
        log_policy, gradient = log_softmax(theta), np.zeros_like(theta)
        for j in range(batch):
            s, won, lost = labels[(i * batch + j) % data]
            h = log_policy[s] - world.log_ref[s]
            weight = beta / (1.0 + math.exp(beta * (h[won] - h[lost])))
            # d(log pi_w - log pi_l)/d theta = e_w - e_l: what softmax adds to both cancels
            gradient[s, won] -= weight / batch
            gradient[s, lost] += weight / batch
        theta = theta - step_size * gradient
        trail.append(log_softmax(theta))
    return np.array(trail)


def log_softmax(theta):
    """Return theta - log sum exp theta, per row."""
    return theta - np.log(np.exp(theta).sum(axis=1, keepdims=True))
