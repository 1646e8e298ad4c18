"""Where a claim is tried first: random points of the cube, its corners and faces, and near-coincidences.

A quarter of a random sample is uniform; a quarter leans to the ends of every coordinate (arcsine law); a
quarter lies on faces (each coordinate an end with probability one half); a quarter has blocks of the same
shape coincide up to 10^-12 .. 1, so that an estimate is nearly the truth and a policy nearly optimal: there
the naive formulas of stable quantities raise false alarms. Extremes are corners: every coordinate 0, 1/2 or
1.

All of it is read off the tape: a sample is a pure function of (claim, shape, stream).
"""

import math

import numpy as np

from simbench.tape import tape_key, uniforms_numpy
from simbench.verify.domains.cube import Domain, Shape


def uniform_points(name: str, stream: str, shape: Shape, count: int, dimension: int) -> np.ndarray:
    """Return `[count, dimension]` uniforms of the tape that belongs to this claim, stream and shape."""
    key = tape_key(axis="hunt", claim=name, stream=stream, shape="x".join(map(str, shape)))
    return uniforms_numpy(key, np.arange(count)[:, None], np.arange(dimension)[None, :])


def random_points(name: str, domain: Domain, shape: Shape, count: int) -> np.ndarray:
    """Return `count` points of the cube: uniform, leaning to the ends, on faces, and nearly coinciding blocks."""
    dimension = domain.dimension(shape)
    u = uniform_points(name, "random", shape, count, dimension)
    v = uniform_points(name, "faces", shape, count, dimension)
    kind = np.arange(count)[:, None] % 4
    leaning = 0.5 - 0.5 * np.cos(np.pi * u)
    faces = np.where(v < 0.5, u, np.round(u))
    points = np.select([kind == 1, kind == 2], [leaning, faces], default=u)
    near = np.flatnonzero(kind[:, 0] == 3)
    points[near] = _coinciding(domain, shape, points[near], v[near])
    return points


def corner_points(name: str, domain: Domain, shape: Shape, count: int) -> np.ndarray:
    """Return `count` corners: coordinates 0 or 1, in every fourth point 1/2 as well (ties of a block are common)."""
    u = uniform_points(name, "corners", shape, count, domain.dimension(shape))
    thirds = np.floor(3 * u) / 2
    return np.where(np.arange(count)[:, None] % 4 == 0, thirds, np.round(u))


def grid_points(domain: Domain, shape: Shape, count: int) -> np.ndarray:
    """Return a regular grid with both ends of every coordinate, of about `count` points (at least the corners)."""
    dimension = domain.dimension(shape)
    if dimension == 0:
        return np.zeros((1, 0))
    per_axis = max(2, math.floor(count ** (1 / dimension)))
    if per_axis**dimension > 4 * count:
        return uniform_points("grid", "grid", shape, count, dimension)
    axes = np.meshgrid(*[np.linspace(0.0, 1.0, per_axis)] * dimension, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=-1)


def _coinciding(domain: Domain, shape: Shape, points: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Copy each block onto later ones of its kind (reward onto log_policy.reward), up to a distance 10^-12 .. 1."""
    places, start = [], 0
    for name, size in domain.coordinates(shape).items():
        width = math.prod(size)
        places.append((name.rpartition(".")[2], slice(start, start + width)))
        start += width
    copied = points.copy()
    distance = 10.0 ** (-12.0 * v[:, :1])
    for i, (kind, source) in enumerate(places):
        width = source.stop - source.start
        for other, target in places[i + 1 :]:
            times, rest = divmod(target.stop - target.start, width)
            if kind == other and rest == 0:
                near = np.tile(copied[:, source], (1, times)) + distance * (points[:, target] - 0.5)
                copied[:, target] = np.clip(near, 0.0, 1.0)
    return copied
