"""The tightest instance: the largest lesser/greater that ball arithmetic confirms.

Near a tight instance float64 itself may say 1.00004, so the instances of the largest float64 ratios are looked at in
balls. Where both sides vanish a float64 ratio is rounding error over rounding error: anything, perhaps at thousands of
instances at once, which would use up all looks. So there are as many looks for greater sides of ordinary size, for
small ones, and for those that may be nothing but rounding errors of numbers of size one.

Some instances have no ratio in balls at all, such as exact ties, whose sign no precision decides, and a search may end
at many of them. So an instance is looked at once, however often it was found, and patience is counted by source (and
domain and shape): what the hunter ended at leaves the tight family its looks.
"""

import dataclasses
import math
from collections import Counter

import numpy as np

from simbench.verify.comparison import oriented
from simbench.verify.explore import Candidate, Sample, distinct, ranked
from simbench.verify.proof import PRECISIONS, Proof, decide
from simbench.verify.sides import Sides

LOOKS = 16  # per sample and size of the greater side
PATIENCE = 12  # instances without a ratio in balls after which no more of that source and size are examined
SIZES = ((1e-6, math.inf), (1e-12, 1e-6), (0.0, 1e-12))  # of the greater side: ordinary, small, in doubt


def tightest(tried: list[Sample]) -> tuple[Candidate, Proof] | None:
    """Return the instance with the largest confirmed ratio and its decision; None when none is confirmed."""
    best: tuple[Candidate, Proof] | None = None
    for low, high in SIZES:
        pool = [one for sample in tried for one in ranked(_of_size(sample, low, high), LOOKS)]
        unclear: Counter[tuple[str, Sides]] = Counter()
        for one in distinct(sorted(pool, key=lambda candidate: -candidate.ratio)):
            if best is not None and one.ratio <= best[1].middle_ratio:
                break
            source = (one.found_by, one.sides)
            if unclear[source] >= PATIENCE:
                continue
            confirmed = decide(one.sides, one.point, precisions=PRECISIONS[:2])
            unclear[source] += math.isnan(confirmed.middle_ratio)
            if confirmed.middle_ratio > (-math.inf if best is None else best[1].middle_ratio):
                best = one, confirmed
    return best


def more_telling(proved: tuple[Candidate, Proof], tried: list[Sample]) -> tuple[Candidate, Proof]:
    """Return the proved violation with the largest ratio: that of the tightest instance, or the one at hand."""
    other = tightest(tried)
    if other is None or other[1].status != "proved" or not other[1].middle_ratio > proved[1].middle_ratio:
        return proved
    return other


def _of_size(sample: Sample, low: float, high: float) -> Sample:
    """Return the sample with the ratios of those instances alone whose greater side is in [low, high)."""
    _, greater = oriented(sample.sides.claim, sample.values.measured, sample.values.theory)
    size = np.abs(greater)
    return dataclasses.replace(sample, ratios=np.where((low <= size) & (size < high), sample.ratios, np.nan))
