"""Exact discrete sampling: a categorical draw inverts the CDF with one uniform.

    choose(p, u) = the first index i with  p_0 + … + p_i > u · (p_0 + … + p_{A-1})

The sum runs left to right. A probability of exactly zero is never chosen: u = 0 skips leading zeros because the
inequality is strict, and should rounding leave no index, the last positive one is taken. `p` need not sum to one.
"""

from typing import Any

import numba
import numpy as np


def choose_numpy(probabilities: np.ndarray, u: float) -> int:
    """Return the index drawn from `probabilities [A]` (non-negative, not all zero) by the uniform `u`."""
    cdf = np.cumsum(probabilities)
    above = np.flatnonzero(cdf > u * cdf[-1])
    return int(above[0]) if above.size else int(np.flatnonzero(probabilities > 0)[-1])


def choose_jax(probabilities: Any, u: Any) -> Any:
    """Return the index drawn from `probabilities [A]` by the uniform `u`, traced."""
    import jax.numpy as jnp

    cdf = jnp.cumsum(probabilities)
    below = jnp.sum(cdf <= u * cdf[-1])
    last_positive = probabilities.shape[0] - 1 - jnp.argmax(probabilities[::-1] > 0)
    return jnp.minimum(below, last_positive)


@numba.njit(inline="always")
def choose_numba(probabilities, u):
    """Return the index drawn from `probabilities [A]` by the uniform `u` inside a kernel."""
    total = 0.0
    for i in range(probabilities.shape[0]):
        total += probabilities[i]
    target = u * total
    cdf = 0.0
    chosen = 0
    for i in range(probabilities.shape[0]):
        cdf += probabilities[i]
        if probabilities[i] > 0.0:
            chosen = i
            if cdf > target:
                break
    return chosen
