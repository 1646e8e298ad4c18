"""The sign-flip permutation test of paired differences.

If differences d_1 … d_n are symmetric about zero, every pattern of signs is as likely as the one seen, so the sum
S = sum e_i |d_i| has a known law. Its tails are counted: all 2^n patterns for n <= EXACT (half of the pairs are
enumerated against the other half, sorted), else FLIPS random ones from the tape. The square sum does not change with
signs, hence the test is the permutation version of Student's t; with asymmetric differences it is, as that is, right
for many pairs only.

Source: Fisher (1935); the count of a random sample of patterns includes the one seen, (1 + count)/(1 + FLIPS).
"""

import numpy as np

from simbench import tape

EXACT = 34
FLIPS = 99_999
AT_A_TIME = 4096
WORD = 32  # bits of a word of the tape


def sign_flips(differences: np.ndarray, *, purpose: str) -> tuple[float, float]:
    """Return P(S <= s) and P(S >= s), s the sum of the `differences [n]` seen, S that of the same with random signs.

    Args:
        differences: paired differences, less the margin.
        purpose: names the random patterns (for n above EXACT).
    """
    d = np.asarray(differences, dtype=np.float64)
    slack = 1e-12 * float(np.abs(d).sum())  # sums that differ by rounding are ties
    if d.size <= EXACT:
        return _all_patterns(d, slack)
    return _random_patterns(d, slack, purpose)


def _all_patterns(d: np.ndarray, slack: float) -> tuple[float, float]:
    left, right = _sums(d[: d.size // 2]), np.sort(_sums(d[d.size // 2 :]))
    seen = d.sum()
    below = np.searchsorted(right, seen + slack - left, side="right").sum()
    above = left.size * right.size - np.searchsorted(right, seen - slack - left, side="left").sum()
    patterns = 2.0**d.size
    return float(below / patterns), float(above / patterns)


def _sums(d: np.ndarray) -> np.ndarray:
    """Return the 2^n sums of +-d."""
    sums = np.zeros(1)
    for one in d:
        sums = np.concatenate([sums - one, sums + one])
    return sums


def _random_patterns(d: np.ndarray, slack: float, purpose: str) -> tuple[float, float]:
    key = tape.tape_key(axis="sign flips", purpose=purpose)
    words = -(-d.size // (2 * WORD))
    seen, below, above = d.sum(), 1, 1
    for first in range(0, FLIPS, AT_A_TIME):
        rows = np.arange(first, min(first + AT_A_TIME, FLIPS), dtype=np.uint32)[:, None]
        pair = tape.threefry_numpy(*key, rows, np.arange(words, dtype=np.uint32)[None, :])
        bits = np.unpackbits(
            np.stack(pair, axis=-1).astype("<u4").view(np.uint8).reshape(rows.size, -1), axis=1
        )
        sums = (2.0 * bits[:, : d.size] - 1.0) @ d
        below += int(np.count_nonzero(sums <= seen + slack))
        above += int(np.count_nonzero(sums >= seen - slack))
    return below / (1 + FLIPS), above / (1 + FLIPS)
