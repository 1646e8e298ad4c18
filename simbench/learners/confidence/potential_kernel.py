"""F, what the best policy against a reward is worth, inside a kernel: coordinates in an ellipsoid, Newton steps.

confidence/worst_reward.py has the mathematics. Columns of the basis C are kept if some group has them; those that
a group lacks are zero, with a 1 on the diagonal of K K'. K K' = L D L', so that K = L D^{1/2}.
"""

import math
from typing import NamedTuple

import numpy as np

from simbench.learners.confidence.worst_reward import ARMIJO, JITTER, LENGTHS, ROUNDING, Groups
from simbench.learners.fitting.bradley_terry import FULL_STEP
from simbench.learners.kernels.ball import factorise
from simbench.learners.kernels.cholesky import solve
from simbench.learners.kernels.linear_objective import dot
from simbench.tape.kernel import inner


class Cells(NamedTuple):
    """A class of rewards by groups; no run writes it. m is the largest rank of a group."""

    features: np.ndarray  # [G, P, A, k]
    psi: np.ndarray  # [G, P, A, k] features less their mean under ref, zero on cells that never occur
    basis: np.ndarray  # [G, m, k] C, transposed
    directions: np.ndarray  # [G, P, A, m] psi C
    idle: np.ndarray  # [G, m] 1 where a column of C is zero
    rho: np.ndarray  # [G, P]
    log_ref: np.ndarray  # [G, P, A]
    beta: float


class Search(NamedTuple):
    """Room for one search, and its outcome."""

    theta: np.ndarray  # [G, k] the worst parameter
    value: np.ndarray  # [1] F there
    spread: np.ndarray  # [G, m, k] V^{-1} C, transposed
    root: np.ndarray  # [G, m, m] K K' = L D L', 1 / D on the diagonal
    slopes: np.ndarray  # [G, P, A, m] psi K
    base: np.ndarray  # [G, P, A] logits at y = 0
    noise: np.ndarray  # [G, m] rounding of a slope of F
    y: np.ndarray  # [G, m]
    gradient: np.ndarray  # [G, m] of F + (mu/2) ||y||^2
    direction: np.ndarray  # [G, m] of the Newton step
    tangent: np.ndarray  # [G, m] dy / dmu
    lengths: np.ndarray  # [G] how much of the step is taken
    hessian: np.ndarray  # [m, m] lower triangle
    factor: np.ndarray  # [m, m]
    mean: np.ndarray  # [m]
    logits: np.ndarray  # [P, A]
    change: np.ndarray  # [P, A] of the logits by a full step
    policy: np.ndarray  # [A]


def open_cells(groups: Groups, psi: np.ndarray, basis: np.ndarray) -> Cells:
    """Return the tables of a class, with psi `[G, P, A, k]` and C `[G, k, m]`; columns beyond its rank are zero."""
    basis = basis[:, :, np.any(basis != 0.0, axis=(0, 1))]
    return Cells(
        features=np.array(groups.features, order="C"),
        psi=np.array(psi, order="C"),
        basis=np.array(np.swapaxes(basis, 1, 2), order="C"),
        directions=np.array(np.einsum("gpak,gkm->gpam", psi, basis), order="C"),
        idle=np.where(np.any(basis != 0.0, axis=1), 0.0, 1.0),
        rho=np.array(groups.rho, order="C"),
        log_ref=np.array(groups.log_ref, order="C"),
        beta=float(groups.beta),
    )


def open_search(cells: Cells) -> Search:
    """Return room for searches."""
    groups, rank, size = cells.basis.shape
    prompts, responses = cells.log_ref.shape[1:]
    return Search(
        theta=np.zeros((groups, size)),
        value=np.zeros(1),
        spread=np.zeros((groups, rank, size)),
        root=np.zeros((groups, rank, rank)),
        slopes=np.zeros((groups, prompts, responses, rank)),
        base=np.zeros((groups, prompts, responses)),
        noise=np.zeros((groups, rank)),
        y=np.zeros((groups, rank)),
        gradient=np.zeros((groups, rank)),
        direction=np.zeros((groups, rank)),
        tangent=np.zeros((groups, rank)),
        lengths=np.zeros(groups),
        hessian=np.zeros((rank, rank)),
        factor=np.zeros((rank, rank)),
        mean=np.zeros(rank),
        logits=np.zeros((prompts, responses)),
        change=np.zeros((prompts, responses)),
        policy=np.zeros(responses),
    )


@inner
def shape_group(cells, search, theta, factor, g):
    """Write V^{-1} C and the factor of C' V^{-1} C of a group; return whether that is positive definite."""
    rank, size = cells.basis.shape[1], theta.shape[1]
    for j in range(rank):
        for k in range(size):
            search.spread[g, j, k] = cells.basis[g, j, k]
        solve(factor[g], search.spread[g, j])
    for i in range(rank):
        for j in range(i + 1):
            one = dot(cells.basis[g, i], search.spread[g, j])
            search.hessian[i, j] = 0.5 * (one + dot(cells.basis[g, j], search.spread[g, i]))
        search.hessian[i, i] += cells.idle[g, i]
    return factorise(search.hessian, 0.0, search.root[g])


@inner
def open_potential(cells, search, theta):
    """Write the logits at y = 0, the slopes psi K and their rounding; return the norm of the steepest slopes of F."""
    groups, prompts, responses = cells.log_ref.shape
    rank = search.y.shape[1]
    furthest, square = 0.0, 0.0
    for g in range(groups):
        root = search.root[g]
        for j in range(rank):
            search.y[g, j] = 0.0
            search.noise[g, j] = 0.0
        for p in range(prompts):
            for a in range(responses):
                shift = dot(cells.psi[g, p, a], theta[g]) / cells.beta
                furthest = max(furthest, abs(shift))
                search.base[g, p, a] = cells.log_ref[g, p, a] + shift
            for j in range(rank):
                scale, largest = math.sqrt(1.0 / root[j, j]), 0.0
                for a in range(responses):
                    slope = cells.directions[g, p, a, j]
                    for i in range(j + 1, rank):
                        slope += cells.directions[g, p, a, i] * root[i, j]
                    search.slopes[g, p, a, j] = scale * slope
                    largest = max(largest, abs(scale * slope))
                search.noise[g, j] += cells.rho[g, p] * largest
    for g in range(groups):
        for j in range(rank):
            square += search.noise[g, j] * search.noise[g, j]
            search.noise[g, j] *= ROUNDING * (1.0 + furthest)
    return math.sqrt(square)


@inner
def newton_step(cells, search, g, mu):
    """Write a group's gradient at y, Newton step, its length, and dy / dmu; return what the group contributes to F."""
    y, gradient, direction, tangent = search.y[g], search.gradient[g], search.direction[g], search.tangent[g]
    value = derive(cells, search, g)
    trace = 0.0
    for j in range(y.shape[0]):
        gradient[j] += mu * y[j]
        direction[j], tangent[j] = -gradient[j], -y[j]
        trace += search.hessian[j, j]
    if not factorise(search.hessian, mu + JITTER * trace, search.factor):
        direction[0] = math.nan  # no step is small then: the search ends without a result
        return value
    solve(search.factor, direction)
    solve(search.factor, tangent)
    search.lengths[g] = 1.0
    h = stride(cells, search, g)
    if h > FULL_STEP:
        search.lengths[g] = step_length(cells, search, g, mu, value, math.log1p(h) / h)
    return value


@inner
def derive(cells, search, g):
    """Write the logits at y, and gradient and Hessian of F in a group; return its part of F."""
    y, gradient, hessian, policy, mean = (
        search.y[g],
        search.gradient[g],
        search.hessian,
        search.policy,
        search.mean,
    )
    value = 0.0
    for j in range(y.shape[0]):
        gradient[j] = 0.0
        for i in range(j + 1):
            hessian[j, i] = 0.0
    for p in range(search.logits.shape[0]):
        weight = cells.rho[g, p]
        if weight == 0.0:
            continue
        logits, slopes, top, total = search.logits[p], search.slopes[g, p], -math.inf, 0.0
        for a in range(policy.shape[0]):
            logits[a] = search.base[g, p, a] + dot(slopes[a], y) / cells.beta
            top = max(top, logits[a])
        for a in range(policy.shape[0]):
            policy[a] = math.exp(logits[a] - top)
            total += policy[a]
        value += cells.beta * weight * (top + math.log(total))
        for j in range(y.shape[0]):
            mean[j] = 0.0
        for a in range(policy.shape[0]):
            policy[a] /= total
            for j in range(y.shape[0]):
                mean[j] += policy[a] * slopes[a, j]
        for j in range(y.shape[0]):
            gradient[j] += weight * mean[j]
        for a in range(policy.shape[0]):
            for j in range(y.shape[0]):
                around = weight / cells.beta * policy[a] * (slopes[a, j] - mean[j])
                for i in range(j + 1):
                    hessian[j, i] += around * (slopes[a, i] - mean[i])
    return value


@inner
def stride(cells, search, g):
    """Write the change of the logits by a full step; return its largest range over a prompt's responses."""
    widest = 0.0
    for p in range(search.change.shape[0]):
        low, high = math.inf, -math.inf
        for a in range(search.change.shape[1]):
            change = dot(search.slopes[g, p, a], search.direction[g]) / cells.beta
            search.change[p, a] = change
            low, high = min(low, change), max(high, change)
        widest = max(widest, high - low)
    return widest


@inner
def step_length(cells, search, g, mu, value, guaranteed):
    """Return the longest of some lengths that decreases F + (mu/2) ||y||^2, or the guaranteed one."""
    y, direction = search.y[g], search.direction[g]
    slope, here = 0.0, value
    for j in range(y.shape[0]):
        slope += search.gradient[g, j] * direction[j]
        here += 0.5 * mu * y[j] * y[j]
    for i in range(len(LENGTHS)):
        length = LENGTHS[i]
        if length > guaranteed:
            there = group_value(cells, search, g, length)
            for j in range(y.shape[0]):
                there += 0.5 * mu * (y[j] + length * direction[j]) ** 2
            if there <= here + ARMIJO * length * slope:
                return length
    return guaranteed


@inner
def group_value(cells, search, g, length):
    """Return what a group contributes to F a part of the step away."""
    value = 0.0
    for p in range(search.logits.shape[0]):
        weight = cells.rho[g, p]
        if weight > 0.0:
            top, total = -math.inf, 0.0
            for a in range(search.policy.shape[0]):
                search.policy[a] = search.logits[p, a] + length * search.change[p, a]
                top = max(top, search.policy[a])
            for a in range(search.policy.shape[0]):
                total += math.exp(search.policy[a] - top)
            value += cells.beta * weight * (top + math.log(total))
    return value
