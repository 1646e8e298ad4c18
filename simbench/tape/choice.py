"""Exact discrete sampling: a categorical draw inverts the CDF with one uniform.

    choose(p, u) = the first index i with  p_0 + … + p_i > u · (p_0 + … + p_{A-1})

The sums run left to right. A probability of exactly zero is never chosen: u = 0 skips leading zeros because
the inequality is strict, and should rounding leave no index, the last positive one is taken. `p` need not sum
to one.
"""

import itertools
from typing import Any

import numpy as np

from simbench.tape.kernel import kernel

WRITTEN_OUT = 64  # up to this many responses the traced sums are unrolled: beyond it compiling takes seconds


def choose_numpy(probabilities: np.ndarray, u: float) -> int:
    """Return the index drawn from `probabilities [A]` (non-negative, not all zero) by the uniform `u`."""
    cdf = np.cumsum(probabilities)
    above = np.flatnonzero(cdf > u * cdf[-1])
    return int(above[0]) if above.size else int(np.flatnonzero(probabilities > 0)[-1])


def choose_jax(probabilities: Any, u: Any) -> Any:
    """Return the index drawn from `probabilities [A]` by the uniform `u`, traced.

    The sums are written out one by one because `jnp.cumsum` adds in another order when A is large, and a draw
    that falls on an edge of the CDF would then differ from the other dialects. It is also several times
    faster.
    """
    import jax
    import jax.numpy as jnp

    size = probabilities.shape[0]
    if size <= WRITTEN_OUT:
        sums = list(itertools.accumulate(probabilities[i] for i in range(size)))
        below = sum((cdf <= u * sums[-1]).astype(jnp.int32) for cdf in sums)
    else:
        start = jnp.zeros((), probabilities.dtype)
        _, cdf = jax.lax.scan(lambda total, p: (total + p, total + p), start, probabilities, unroll=8)
        below = jnp.sum((cdf <= u * cdf[-1]).astype(jnp.int32))
    last_positive = size - 1 - jnp.argmax(probabilities[::-1] > 0)
    return jnp.minimum(below, last_positive)


@kernel
def choose_numba(cdf, u):
    """Return the index drawn by the uniform `u` from the running sums `cdf [A]` of the probabilities.

    Kernels keep running sums, not probabilities: then a draw is one comparison per response, free of any
    chain of additions, and vectorises.
    """
    size = cdf.shape[0]
    target = u * cdf[size - 1]
    below = 0
    for i in range(size):
        below += cdf[i] <= target
    if below == size:  # rounding left no index: the last positive probability is where the sums last rise
        below = size - 1
        while below > 0 and cdf[below] == cdf[below - 1]:
            below -= 1
    return below
