"""The worst reward of an ellipsoid inside a kernel: learners/confidence/worst_reward.py pass by pass."""

import math

from simbench.learners.confidence.potential_kernel import newton_step, open_potential, shape_group
from simbench.learners.confidence.worst_reward import (
    HALVING_AFTER,
    LARGEST_DROP,
    LEAST_MULTIPLIER,
    MAX_PASSES,
    ROUNDING,
)
from simbench.learners.fitting.bradley_terry import TOLERANCE
from simbench.learners.kernels.cholesky import back_substitute, forward_substitute
from simbench.learners.kernels.linear_objective import dot
from simbench.tape.kernel import inner

FOUND, REFERENCE, UNSOLVED = range(3)


@inner
def find_worst_reward(cells, search, theta, factor, radius):
    """Write the minimiser of F over the ellipsoid into `search`; V = `factor` (L D L', group by group).

    Returns FOUND, REFERENCE if ref is optimal and worth 0 (no theta is written then), or UNSOLVED.
    """
    square = 0.0
    for g in range(theta.shape[0]):
        if not shape_group(cells, search, theta, factor, g):
            return UNSOLVED
        for j in range(search.y.shape[1]):
            search.y[g, j] = dot(cells.basis[g, j], theta[g])
        square += forward_substitute(search.root[g], search.y[g])
    if math.sqrt(square) <= radius:
        search.value[0] = 0.0
        return REFERENCE
    steepest = open_potential(cells, search, theta)
    outcome = on_the_sphere(cells, search, radius, steepest)
    for g in range(theta.shape[0]):
        arrive(search, theta, g)
    return outcome


@inner
def on_the_sphere(cells, search, radius, steepest):
    """Move y from 0 to where F is least on the sphere of `radius`, and write F; return FOUND or UNSOLVED."""
    if radius == 0.0:
        search.value[0] = step_everywhere(cells, search, 1.0)
        return FOUND
    highest = steepest / radius
    mu, low, high = highest, 0.0, highest * (1.0 + 1e-9)  # at `highest` itself y may be too long by rounding
    tried = 0
    for _ in range(MAX_PASSES):
        search.value[0] = step_everywhere(cells, search, mu)
        if not settled(search, mu):
            for g in range(search.y.shape[0]):
                for j in range(search.y.shape[1]):
                    search.y[g, j] += search.lengths[g] * search.direction[g, j]
            continue
        square, descent = 0.0, 0.0
        for g in range(search.y.shape[0]):
            for j in range(search.y.shape[1]):
                square += search.y[g, j] * search.y[g, j]
                descent -= search.y[g, j] * search.tangent[g, j]
        length = math.sqrt(square)
        if length > radius:
            low = mu
        else:
            high = mu
        newton = (length / radius - 1.0) * square / descent if descent != 0.0 else math.inf
        closed = abs(newton) <= TOLERANCE * mu or high - low <= TOLERANCE * high
        if closed or mu < LEAST_MULTIPLIER * highest:
            return FOUND
        inside = max(low, LARGEST_DROP * mu) < mu + newton < high
        if inside and tried < HALVING_AFTER:
            later = mu + newton
        else:
            later = math.sqrt(low) * math.sqrt(high) if low > 0.0 else LARGEST_DROP * high
        for g in range(search.y.shape[0]):
            for j in range(search.y.shape[1]):
                search.y[g, j] += (later - mu) * search.tangent[g, j]
        mu = later
        tried += 1
    return UNSOLVED


@inner
def step_everywhere(cells, search, mu):
    """Prepare the Newton steps of all groups at y; return F there."""
    value = 0.0
    for g in range(search.y.shape[0]):
        value += newton_step(cells, search, g, mu)
    return value


@inner
def settled(search, mu):
    """Return whether y(mu) is found: a step below 1e-12, relative to 1 + |y|, or a slope of rounding."""
    small, drowned, furthest = True, True, 0.0
    for g in range(search.y.shape[0]):
        for j in range(search.y.shape[1]):
            furthest = max(furthest, abs(search.y[g, j]))
    for g in range(search.y.shape[0]):
        for j in range(search.y.shape[1]):
            rounding = search.noise[g, j] + ROUNDING * mu * abs(search.y[g, j])
            small = small and abs(search.direction[g, j]) <= TOLERANCE * (1.0 + furthest)
            drowned = drowned and abs(search.gradient[g, j]) <= rounding
    return small or drowned


@inner
def arrive(search, theta, g):
    """Turn y into theta + V^{-1} C K'^{-1} y."""
    for k in range(theta.shape[1]):
        search.theta[g, k] = theta[g, k]
    for j in range(search.y.shape[1]):
        search.y[g, j] *= math.sqrt(search.root[g, j, j])
    back_substitute(search.root[g], search.y[g])
    for j in range(search.y.shape[1]):
        for k in range(theta.shape[1]):
            search.theta[g, k] += search.y[g, j] * search.spread[g, j, k]
