"""Magnetic mirror descent contracts towards the equilibrium of the KL-regularised preference game, step by step.

    log pi_{i+1} = [log pi_i + a R(., pi_i) + a beta log ref] / (1 + a beta) + c,     R = P - 1/2,   |R| <= L = 1/2
    a <= beta / L^2 = 4 beta      =>      KL(pi_NE || pi_{i+1}) <= KL(pi_NE || pi_i) / (1 + a beta)

An equilibrium is seldom written down, but a game may be built around one: for any pi_NE and any R, the reference
proportional to pi_NE exp(-R(., pi_NE)/beta) makes pi_NE its own best response. So the claim ranges over equilibria,
policies and preferences, and nothing is solved. A policy of three responses other than pi_NE is pi_NE tilted by
size (1, middle, 0), up to their order; the claim takes sizes from 0.05, since at pi_NE itself both sides are zero.

Source: [sokota2023, Theorem 3.4] (arXiv 2206.05825).
"""

import jax
import jax.numpy as jnp
import numpy as np

from simbench import quantities as q
from simbench.verify import Control, Upper, claim
from simbench.verify.domains import Free, Instances, Scalar, Worlds

GAMES = Instances(
    Worlds(shapes=((1, 3),), general_preferences=True),
    equilibrium=Free(depth=6.0),
    middle=Scalar(0.0, 1.0),
    size=Scalar(0.05, 6.0, log=True),
)


@claim("mirror_descent_contracts", source="sokota2023, Theorem 3.4; ye2024")
class MirrorDescentContracts(Upper):
    """KL(pi_NE || pi') <= KL(pi_NE || pi)/(1 + a beta), pi' one step of mirror descent from pi, a = 4 beta.

    Every game of P - 1/2 of three responses with equilibrium pi_NE, every pi with log pi/pi_NE of span 0.05 to 6.
    Controls: contraction by (1 + a beta)^2; a step fifty times as long.
    """

    domain = GAMES
    controls = (
        Control("contraction by the square", constant=2.0),
        Control(
            "a step fifty times as long",
            measured=lambda x: after_a_step(x, 50.0),
            theory=lambda x: distance(x, tilted(x)) / (1.0 + 50.0 * pull(x)),
        ),
    )

    def measured(self, x):
        return after_a_step(x, 1.0)

    def theory(self, x, constant=1.0):
        return distance(x, tilted(x)) / (1.0 + pull(x)) ** constant


def tilted(x):
    """Return log pi = log pi_NE + size (1, middle, 0) + c."""
    middle = x.middle * jnp.asarray([0.0, 1.0, 0.0])
    return jax.nn.log_softmax(x.equilibrium + x.size * (jnp.asarray([1.0, 0.0, 0.0]) + middle), axis=-1)


def distance(x, log_policy):
    """Return KL(pi_NE || pi)."""
    return q.kl(x.world.rho, x.equilibrium, log_policy)


def pull(x):
    """Return a beta = beta^2 / L^2, L = 1/2 the largest that P - 1/2 can be."""
    return 4.0 * x.world.beta**2


def after_a_step(x, longer):
    """Return KL(pi_NE || pi') for a step of length `longer` 4 beta in the game whose equilibrium is pi_NE."""
    payoff, beta, w, log_policy = q.preference_payoff(x.world), x.world.beta, longer * pull(x), tilted(x)
    won = jnp.sum(payoff * jnp.exp(log_policy)[:, None, :], axis=-1)
    due = jnp.sum(payoff * jnp.exp(x.equilibrium)[:, None, :], axis=-1)
    # a R(., pi) + a beta log ref, with log ref = log pi_NE - R(., pi_NE)/beta
    mixed = (log_policy + w * (x.equilibrium + (won - due) / beta)) / (1.0 + w)
    return distance(x, jax.nn.log_softmax(mixed, axis=-1))


def local_factor(world, payoff, equilibrium, weight):
    """Return the factor by which exploitability falls in a step near the equilibrium, the slowest over prompts.

        log pi -> (1 - w) log pi + w (log ref + R(., pi)/beta):   M = (1 - w) 1 + (w/beta) R diag(pi_NE),   factor |M|^2

    |M| is the spectral radius on shifts of the logits that policies see (a constant per prompt is none).

    Args:
        world: the game. payoff: `[S, A, A]`. equilibrium: `[S, A]` log-policy. weight: w = a beta/(1 + a beta).
    """
    largest = 0.0
    for table, row in zip(np.asarray(payoff), np.exp(np.asarray(equilibrium)), strict=True):
        seen = np.eye(row.size) - row[None, :]  # removes the mean under pi_NE
        step = (1.0 - weight) * np.eye(row.size) + weight / float(world.beta) * table * row[None, :]
        largest = max(largest, float(np.abs(np.linalg.eigvals(seen @ step @ seen)).max()))
    return largest**2


def solved(world, payoff, steps=20_000):
    """Return (equilibrium `[S, A]`, w): mirror descent on a small game, in NumPy, until it stands still."""
    table, log_ref, beta = np.asarray(payoff), np.asarray(world.log_ref), float(world.beta)
    pulled = beta**2 / np.abs(table).max() ** 2
    weight, log_policy = pulled / (1.0 + pulled), log_ref
    for _ in range(steps):
        won = (table * np.exp(log_policy)[:, None, :]).sum(axis=-1)
        mixed = (1.0 - weight) * log_policy + weight * (log_ref + won / beta)
        before, log_policy = log_policy, mixed - np.log(np.exp(mixed).sum(axis=1, keepdims=True))
        if np.abs(log_policy - before).max() < 1e-15:
            break
    return log_policy, weight
