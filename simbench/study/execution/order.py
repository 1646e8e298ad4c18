"""The order in which units are handed to workers: what has to be compiled first, each program by one worker.

A worker that starts on a program compiles it, for seconds. Units in the order of their plans would make all workers
compile the same program at the same time; so the first units of different programs come first, then the second ones,
and so on. By then a loop of the numba engine lies on disk for everybody.
"""

from collections import Counter
from collections.abc import Iterable

from simbench.study.plan import Unit


def side_by_side(units: Iterable[Unit]) -> list[Unit]:
    """Return the units, the k-th of every program before the (k + 1)-th of any; otherwise in the order given."""
    seen: Counter[str] = Counter()
    turns = []
    for unit in units:
        turns.append((seen[unit.program], unit))
        seen[unit.program] += 1
    return [unit for _, unit in sorted(turns, key=lambda turn: turn[0])]
