"""Random arrays for worlds, read from the tape by inverse CDFs: the same on every platform and NumPy version.

A family draws each of its arrays under a name of its own, so that a new array does not move the others:

    u_i = uniform of stream(key, name) at counter (i, 0),      i = flat index of the cell
    x_i = F^{-1}(u_i)

Dirichlet rows are normalised Gamma(alpha, 1) variates, and those are drawn as *logarithms*: at alpha = 0.01 a
quarter of them lie below 1e-60 and one in a thousand below 1e-300. For small x the Gamma CDF is

    P(alpha, x) = x^alpha / Gamma(alpha + 1) · (1 - alpha x / (alpha + 1) + …)

so log x = (log u + log Gamma(alpha + 1)) / alpha to full precision wherever that x is below 1e-20.

Source: Devroye (1986), Non-Uniform Random Variate Generation, chapters II.2 and XI.4; `simbench` (tail).
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import gammaincinv, gammaln, logsumexp, ndtri

from simbench.errors import SimbenchError
from simbench.tape import Key, threefry_numpy, uniforms_numpy

MOST_CELLS = 10**8  # of one array of a world: 0.8 GB
_LEAST = (
    2.0**-54
)  # stands for u = 0, where an inverse CDF would be infinite: half the spacing of the uniforms
_SMALL = math.log(1e-20)  # below this the next term of the Gamma CDF is under one part in 1e20


def stream(key: Key, name: str) -> Key:
    """Return the key of the stream called `name` under `key`: the cipher applied to the hash of the name."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    words = int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")
    word0, word1 = threefry_numpy(key[0], key[1], *words)
    return np.uint32(word0), np.uint32(word1)


def unit_uniform(key: Key, name: str, shape: Sequence[int]) -> np.ndarray:
    """Return uniforms on [0, 1), `shape`, of the stream called `name`."""
    if math.prod(shape) > MOST_CELLS:
        raise SimbenchError(
            f"a world with an array of {' x '.join(map(str, shape))} numbers; at most {MOST_CELLS} are drawn."
        )
    cells = np.arange(math.prod(shape))
    return uniforms_numpy(stream(key, name), cells, 0).reshape(tuple(shape))


def uniform(key: Key, name: str, shape: Sequence[int], low: float, high: float) -> np.ndarray:
    """Return uniforms on [low, high), `shape`."""
    return low + (high - low) * unit_uniform(key, name, shape)


def integers(key: Key, name: str, shape: Sequence[int], low: int, high: int) -> np.ndarray:
    """Return uniform integers in {low, …, high}, both ends included, `shape`."""
    return low + np.floor((high - low + 1) * unit_uniform(key, name, shape)).astype(np.int64)


def standard_normal(key: Key, name: str, shape: Sequence[int]) -> np.ndarray:
    """Return standard normal variates, `shape`."""
    return ndtri(np.maximum(unit_uniform(key, name, shape), _LEAST))


def unit_vectors(key: Key, name: str, shape: Sequence[int], dimension: int) -> np.ndarray:
    """Return vectors uniform on the unit sphere, `[*shape, dimension]`."""
    normal = standard_normal(key, name, (*shape, dimension))
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def log_gamma_variate(key: Key, name: str, shape: Sequence[int], alpha: float) -> np.ndarray:
    """Return logarithms of Gamma(alpha, 1) variates, `shape`; finite however small `alpha > 0` is."""
    u = np.maximum(unit_uniform(key, name, shape), _LEAST)
    log_x = (np.log(u) + gammaln(alpha + 1.0)) / alpha
    large = log_x > _SMALL
    log_x[large] = np.log(gammaincinv(alpha, u[large]))
    return log_x


def log_dirichlet(key: Key, name: str, shape: Sequence[int], concentration: float) -> np.ndarray:
    """Return logarithms of symmetric Dirichlet(concentration) vectors along the last axis, `shape`."""
    log_x = log_gamma_variate(key, name, shape, concentration)
    return log_x - logsumexp(log_x, axis=-1, keepdims=True)
