"""The ellipsoid of the estimate inside a kernel: the twin of learners/confidence/ellipsoid.py.

A label changes one block of V. The block's factor, its share of log det(V / lam) and what it contributes to
<thetahat, x_w> and ||x_w||_{V^-1}^2 are renewed when they are next asked for: with no source, only for pi_OFF.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.learners.confidence.ellipsoid import Ellipsoid
from simbench.learners.confidence.potential_kernel import Cells, open_cells
from simbench.learners.confidence.worst_reward import occurring
from simbench.learners.kernels.ball import factorise
from simbench.learners.kernels.cholesky import forward_substitute
from simbench.learners.kernels.linear_objective import dot
from simbench.precision import float64
from simbench.tape.kernel import inner


class Radius(NamedTuple):
    """bet_1 = sqrt(log det(V / lam) + `chance`) / (2 gamma) + `prior`, and what multiplies it."""

    regularisation: float  # lam
    least_slope: float  # gamma
    chance: float  # 2 log(1/delta)
    prior: float  # sqrt(lam) B0
    bonus_scale: float  # c
    pessimism_scale: float  # p


class Tables(NamedTuple):
    """What all runs share and none writes."""

    cells: Cells
    source_features: np.ndarray  # [G, W, k] x_w
    costs: np.ndarray  # [W] beta KL(pi_w || ref)


class Information(NamedTuple):
    """thetahat and V of one run, block by block, and what follows from them."""

    radius: Radius
    theta: np.ndarray  # [G, k]
    matrix: np.ndarray  # [G, k, k] V, lower triangles
    stale: np.ndarray  # [G] whether what is below lacks a label
    factor: np.ndarray  # [G, k, k] V = L D L', 1 / D on the diagonal
    log_det: np.ndarray  # [G] of V / lam
    estimates: np.ndarray  # [G, W] <thetahat, x_w>
    squares: np.ndarray  # [G, W] ||x_w||_{V^-1}^2
    row: np.ndarray  # [k] scratch


def _of_the_world(confidence: Ellipsoid, world: Bandit) -> tuple[Any, ...]:
    groups = confidence.groups(world)
    numbers = (confidence.least_slope(world), confidence.prior_radius(world), confidence.start(world).theta)
    return groups, occurring(groups), confidence.source_features(world), numbers


_quickly_of_the_world = quickly(_of_the_world, static=(0,))


def open_ellipsoid(world: Bandit, confidence: Ellipsoid) -> tuple[Tables, Information]:
    """Return the tables of a class, and thetahat = theta0 and V = lam I before any label."""
    with float64():
        groups, (psi, basis), (source_features, costs), numbers = _quickly_of_the_world(confidence, world)
        least_slope, prior, theta = (np.array(x, dtype=np.float64) for x in numbers)
    tables = Tables(
        cells=open_cells(groups, np.asarray(psi), np.asarray(basis)),
        source_features=np.array(np.swapaxes(source_features, 1, 2), order="C"),
        costs=np.array(costs),
    )
    blocks, size = theta.shape
    matrix = np.tile(confidence.regularisation * np.eye(size), (blocks, 1, 1))
    return tables, Information(
        radius=Radius(
            regularisation=float(confidence.regularisation),
            least_slope=float(least_slope),
            chance=2.0 * math.log(1.0 / confidence.delta),
            prior=float(prior),
            bonus_scale=float(confidence.bonus_scale),
            pessimism_scale=float(confidence.pessimism_scale),
        ),
        theta=theta,
        matrix=matrix,
        stale=np.ones(blocks, dtype=np.bool_),
        factor=np.zeros_like(matrix),
        log_det=np.zeros(blocks),
        estimates=np.zeros((blocks, costs.shape[0])),
        squares=np.zeros((blocks, costs.shape[0])),
        row=np.zeros(size),
    )


@inner
def add_label(information, tables, prompt, first, second):
    """Add z z' of a label to its block of V; return the block."""
    prompts = tables.cells.features.shape[1]
    g, p = prompt // prompts, prompt % prompts  # all prompts in one block, or each in its own
    above, below, matrix = (
        tables.cells.features[g, p, first],
        tables.cells.features[g, p, second],
        information.matrix,
    )
    for k in range(above.shape[0]):
        for j in range(k + 1):
            matrix[g, k, j] += (above[k] - below[k]) * (above[j] - below[j])
    information.stale[g] = True
    return g


@inner
def renew(information, tables):
    """Bring up to date what follows from thetahat and V; return bet_1."""
    radius, row, log_det = information.radius, information.row, 0.0
    for g in range(information.theta.shape[0]):
        if information.stale[g]:
            factor, product = information.factor[g], 0.0
            factorise(information.matrix[g], 0.0, factor)  # V >= lam I
            for k in range(row.shape[0]):
                product -= math.log(factor[k, k] * radius.regularisation)
            information.log_det[g] = product
            for w in range(tables.costs.shape[0]):
                x = tables.source_features[g, w]
                information.estimates[g, w] = dot(information.theta[g], x)
                for k in range(row.shape[0]):
                    row[k] = x[k]
                information.squares[g, w] = forward_substitute(factor, row)
            information.stale[g] = False
        log_det += information.log_det[g]
    return math.sqrt(log_det + radius.chance) / (2.0 * radius.least_slope) + radius.prior


@inner
def optimistic(information, tables, bet, w):
    """Return V_opt of source w, after `renew` returned bet_1."""
    value, square = -tables.costs[w], 0.0
    for g in range(information.estimates.shape[0]):
        value += information.estimates[g, w]
        square += information.squares[g, w]
    return value + information.radius.bonus_scale * bet * math.sqrt(square)
