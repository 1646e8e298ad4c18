"""Confirming an identity: its sides in ball arithmetic at stated instances, to `exact_tolerance`.

Float64 cannot tell a factor 1 - 1e-12 from rounding. So an identity is not called consistent before it was confirmed in
balls at `CONFIRMED` instances, drawn evenly from what was tried, of every shape and source.
"""

from collections.abc import Iterator

import numpy as np

from simbench.verify.explore import Candidate, Sample

CONFIRMED = 16  # instances at which an identity must be confirmed in ball arithmetic


def instances(tried: list[Sample], depth: int = 1) -> Iterator[Candidate]:
    """Yield instances of all samples in turns, at equal distances in each; four times as many as must be confirmed."""
    known = [(one, np.flatnonzero(~np.isnan(one.ratios))) for one in tried]
    known = [(one, places) for one, places in known if len(places)]
    each = -(-4 * CONFIRMED * depth // max(len(known), 1))
    chosen = [
        (one, places[np.unique(np.linspace(0, len(places) - 1, each).astype(int))]) for one, places in known
    ]
    for i in range(each):
        for one, places in chosen:
            if i < len(places):
                index = int(places[i])
                yield Candidate(
                    found_by=one.found_by,
                    sides=one.sides,
                    point=one.points[index],
                    ratio=float(one.ratios[index]),
                )
