"""Worlds and policies that quantities are tested on: ordinary ones, and the corners where formulas break."""

import jax
import numpy as np

from simbench.bandit import Bandit


def normalised(logits):
    """Return log-softmax over the last axis in NumPy; -inf entries stay."""
    logits = np.asarray(logits, dtype=np.float64)
    top = logits.max(axis=-1, keepdims=True)
    return logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))


def random_bandit(rng, prompts=3, responses=4, beta=0.3, spread=1.0, missing=False, zero_weight=False):
    """Draw a world with rewards in [0, 1]; `spread` is the standard deviation of the reference logits."""
    log_ref = spread * rng.normal(size=(prompts, responses))
    if missing:
        log_ref[0, rng.integers(responses)] = -np.inf
    rho = rng.dirichlet(np.ones(prompts))
    if zero_weight:
        rho[-1] = 0.0
        rho /= rho.sum()
    reward = rng.uniform(size=(prompts, responses))
    return Bandit(rho=rho, log_ref=normalised(log_ref), reward=reward, beta=beta)


def random_policy(rng, bandit, spread=1.0):
    """Draw a log-policy on the support of the reference."""
    logits = spread * rng.normal(size=bandit.log_ref.shape)
    return normalised(np.where(np.isneginf(bandit.log_ref), -np.inf, logits))


def near(rng, log_policy, distance):
    """Return a policy whose log-ratios to `log_policy` are of size `distance`, on the same support."""
    log_policy = np.asarray(log_policy)
    return normalised(log_policy + distance * rng.normal(size=log_policy.shape))


def batch(worlds):
    """Stack worlds of one shape into one pytree with a leading axis, for vmap."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *worlds)


def random_batch(rng, size, prompts=2, responses=4, betas=(0.02, 5.0), spread=2.0):
    """Draw `size` worlds at once, stacked: rewards in [0, 1], log-uniform beta."""
    template = random_bandit(rng, prompts, responses)
    rho = rng.dirichlet(np.ones(prompts), size=size)
    log_ref = normalised(spread * rng.normal(size=(size, prompts, responses)))
    reward = rng.uniform(size=(size, prompts, responses))
    beta = np.exp(rng.uniform(*np.log(betas), size=size))
    fields = [rho, log_ref, reward, beta, np.ones(size)]
    return jax.tree.unflatten(jax.tree.structure(template), fields)


def corners_and_random(rng, size=400):
    """Stack the corners and `size` random worlds, beta from 1e-3 to 1e3: 3 prompts, 4 responses."""
    corners = batch(list(extreme_bandits(rng).values()))
    drawn = random_batch(rng, size, prompts=3, betas=(1e-3, 1e3))
    return jax.tree.map(lambda x, y: np.concatenate([x, y]), corners, drawn)


def extreme_bandits(rng):
    """Return {name: world}, all with 3 prompts and 4 responses: the corners."""
    rho = np.array([0.2, 0.3, 0.5])
    vertex = (rng.uniform(size=(3, 4)) < 0.5).astype(float)
    rare = normalised([[0.0, -1.0, -2.0, -690.0]] * 3)
    beyond = normalised([[0.0, -1.0, -2.0, -1200.0]] * 3)
    lone = np.array([[0.0, -np.inf, -np.inf, -np.inf]] * 3)
    up = np.array([[0.2, 0.0, 0.1, 1.0]] * 3)
    return {
        "R/beta = 1000": random_bandit(rng, beta=1e-3, spread=3.0),
        "R/beta = 1000, missing support": random_bandit(rng, beta=1e-3, missing=True),
        "R/beta = 1000, rewards 0 or 1": Bandit(
            rho=rho, log_ref=np.full((3, 4), -np.log(4.0)), reward=vertex, beta=1e-3
        ),
        "R/beta = 1/1000": random_bandit(rng, beta=1e3),
        "missing support, weight zero": random_bandit(rng, missing=True, zero_weight=True),
        "rare best response": Bandit(rho=rho, log_ref=rare, reward=up, beta=1e-3),
        "reference below the smallest double": Bandit(rho=rho, log_ref=beyond, reward=up, beta=8e-4),
        "one supported response": Bandit(rho=rho, log_ref=lone, reward=up, beta=0.1),
        "constant reward": random_bandit(rng).replace(reward=np.full((3, 4), 0.7)),
    }
