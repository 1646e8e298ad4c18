"""Holm's step-down: many p-values judged together, the chance of any false alarm at most alpha.

Sorted p_(1) <= … <= p_(m), the adjusted value of the k-th is max over j <= k of min(1, (m - j + 1) p_(j)); rejecting
where it is at most alpha keeps the family's error rate, whatever the dependence [Holm 1979].
"""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return Holm's adjusted p-values `[m]`, in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate((p.size - np.arange(p.size)) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
