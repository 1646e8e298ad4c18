"""Small symmetric positive definite systems inside a kernel: H = L D L', in place, in the lower triangle.

L ends below the diagonal and 1 / D on it, so that solving needs no division. At the sizes of a prompt's responses a
call to LAPACK costs more than the arithmetic.
"""

import math

from simbench.tape.kernel import inner


@inner
def factorise_and_solve(matrix, vector):
    """Turn the lower triangle of a positive definite H into L D L', and v into H^{-1} v; return sqrt(v' H^{-1} v).

    L ends below the diagonal and 1 / D on it. Rows advance in pairs: at ten responses the time goes into chains of
    dependent operations, and two chains run in the time of one. The forward substitution rides along.
    """
    size = vector.shape[0]
    square = 0.0
    for a in range(0, size - 1, 2):
        for b in range(a):
            entry, below = matrix[a, b], matrix[a + 1, b]
            for c in range(b):
                entry -= matrix[a, c] * matrix[b, c]
                below -= matrix[a + 1, c] * matrix[b, c]
            matrix[a, b], matrix[a + 1, b] = entry, below  # (L D), until the rows are complete
        pivot, cross, pivot_below = matrix[a, a], matrix[a + 1, a], matrix[a + 1, a + 1]
        value, value_below = vector[a], vector[a + 1]
        for b in range(a):
            entry, below = matrix[a, b], matrix[a + 1, b]
            matrix[a, b], matrix[a + 1, b] = entry * matrix[b, b], below * matrix[b, b]
            pivot -= entry * matrix[a, b]
            cross -= below * matrix[a, b]
            pivot_below -= below * matrix[a + 1, b]
            value -= entry * vector[b]
            value_below -= below * vector[b]
        matrix[a, a] = 1.0 / pivot
        vector[a] = value * matrix[a, a]
        matrix[a + 1, a] = cross * matrix[a, a]
        matrix[a + 1, a + 1] = 1.0 / (pivot_below - cross * matrix[a + 1, a])
        value_below -= cross * vector[a]
        vector[a + 1] = value_below * matrix[a + 1, a + 1]
        square += value * vector[a] + value_below * vector[a + 1]
    if size % 2 == 1:
        square += _last_row(matrix, vector)
    back_substitute(matrix, vector)
    return math.sqrt(square)


@inner
def _last_row(matrix, vector):
    """Complete the last row of an odd-sized factorisation; return its share of v' H^{-1} v."""
    a = vector.shape[0] - 1
    for b in range(a):
        for c in range(b):
            matrix[a, b] -= matrix[a, c] * matrix[b, c]
    pivot, value = matrix[a, a], vector[a]
    for b in range(a):
        entry = matrix[a, b]
        matrix[a, b] = entry * matrix[b, b]
        pivot -= entry * matrix[a, b]
        value -= entry * vector[b]
    matrix[a, a] = 1.0 / pivot
    vector[a] = value * matrix[a, a]
    return value * vector[a]


@inner
def solve(factor, vector):
    """Replace v by H^{-1} v, with H factorised; return sqrt(v' H^{-1} v)."""
    square = forward_substitute(factor, vector)
    for a in range(vector.shape[0]):
        vector[a] *= factor[a, a]
    back_substitute(factor, vector)
    return math.sqrt(square)


@inner
def forward_substitute(factor, vector):
    """Replace v by L^{-1} v, with H factorised; return v' H^{-1} v."""
    square = 0.0
    for a in range(vector.shape[0]):
        value = vector[a]
        other = 0.0  # two chains of dependent operations instead of one
        for b in range(0, a - 1, 2):
            value -= factor[a, b] * vector[b]
            other += factor[a, b + 1] * vector[b + 1]
        if a % 2 == 1:
            value -= factor[a, a - 1] * vector[a - 1]
        value -= other
        vector[a] = value
        square += value * value * factor[a, a]
    return square


@inner
def back_substitute(factor, vector):
    """Replace v by L'^{-1} v."""
    for a in range(vector.shape[0] - 1, -1, -1):
        value = vector[a]
        for b in range(a):
            vector[b] -= factor[a, b] * value


@inner
def largest_inverse_entry(factor, scratch):
    """Return max_a (H^{-1})_aa from H = L D L': the sum of (L^{-1})_ka^2 / D_k over k, column by column."""
    size = scratch.shape[0]
    largest = 0.0
    for a in range(size):
        entry = factor[a, a]
        for k in range(a + 1, size):
            value = -factor[k, a]
            for b in range(a + 1, k):
                value -= factor[k, b] * scratch[b]
            scratch[k] = value
            entry += value * value * factor[k, k]
        largest = max(largest, entry)
    return largest
