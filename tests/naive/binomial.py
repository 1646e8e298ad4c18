"""Binomial counts, one at a time, from the definition of the sampler; probabilities in 200-bit ball arithmetic.

Under a round's key, attempt i at `slot` reads u at (slot, 2 i) and v at (slot, 2 i + 1). p > 1/2 draws the failures.

    n p < 10     the first k with  f(0) + ... + f(k) > u(attempt 0)
    otherwise    k = m + rint( b x (1 + 0.048/us) ),   x = u - 1/2,  us = 1/2 - |x|,  b = 2.55 (s + 0.8),
                 m = floor((n + 1) p),  s = sqrt(n p q);
                 the first of these k in 0..n with    v (1.116 + 0.26/s) <= (1 + 0.024/us^2) f(k)/f(m)
"""

import math

from flint import arb, ctx

from simbench.tape import uniforms_numpy


def log_pmf(n: int, p: float, k: int) -> arb:
    """log of n! / (k! (n - k)!) p^k (1 - p)^(n - k)."""
    ctx.prec = 200
    p = arb(p)
    return (
        arb(n + 1).lgamma()
        - arb(k + 1).lgamma()
        - arb(n - k + 1).lgamma()
        + k * p.log()
        + (n - k) * (1 - p).log()
    )


def binomial(key, slot: int, n: int, p: float) -> int:
    """Binomial(n, p) at `slot` under a round's key."""
    if p > 0.5:
        return n - binomial(key, slot, n, 1 - p)
    if p == 0 or n == 0:
        return 0
    if n * p < 10:
        u, below, k = arb(float(uniforms_numpy(key, slot, 0))), arb(0), 0
        while True:
            below += log_pmf(n, p, k).exp()
            if below > u or k == n:
                return k
            k += 1
    mode, deviation = math.floor((n + 1) * p), math.sqrt(n * p * (1 - p))
    at_mode, attempt = log_pmf(n, p, mode), 0
    while True:
        x = float(uniforms_numpy(key, slot, 2 * attempt)) - 0.5
        v = float(uniforms_numpy(key, slot, 2 * attempt + 1))
        us = 0.5 - abs(x)
        k = mode + round(2.55 * (deviation + 0.8) * (x * (1 + 0.048 / us))) if us > 0 else -1
        if 0 <= k <= n:
            ratio = (log_pmf(n, p, k) - at_mode).exp()
            if v * (1.116 + 0.26 / deviation) <= (1 + 0.024 / us**2) * ratio:
                return k
        attempt += 1
