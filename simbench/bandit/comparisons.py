"""Comparisons compressed without loss: how often each response beat each other one.

A datum is (prompt s, first response a, second response b, did the first win). Under any preference model the
likelihood of a data set depends on it only through

    wins[s, a, b] = number of labels at prompt s in which a was preferred to b,

because which of the two was shown first carries no information. A self-pair a = b is a label like any other:
it counts on the diagonal, and its outcome, which carries none either, is forgotten.

`PairCounts` keeps one row per unordered pair that occurs, so that its size is bounded by the number of labels
as well as by S·A²; `wins()` spreads it out when that fits.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simbench.errors import SimbenchError

DENSE_CELLS = 50_000_000  # wins [S, A, A] beyond this many cells (400 MB) stays a list of pairs
COLUMNS = ("prompt", "first", "second", "first_won")


@dataclass(frozen=True, kw_only=True, eq=False)
class PairCounts:
    """Unique pairs with their win counts, sorted by (prompt, first, second), first <= second.

    Args:
        prompts: S. responses: A. prompt, first, second: `[P]` the pairs, int64. first_wins, second_wins:
        `[P]` labels that preferred `first`, and `second`; a self-pair has first_wins only.
    """

    prompts: int
    responses: int
    prompt: np.ndarray
    first: np.ndarray
    second: np.ndarray
    first_wins: np.ndarray
    second_wins: np.ndarray

    @property
    def labels(self) -> int:
        """Number of comparisons, self-pairs included."""
        return int(self.first_wins.sum() + self.second_wins.sum())

    def wins(self) -> np.ndarray:
        """Return the win counts `[S, A, A]`, int64; raise `SimbenchError` when they are too many."""
        cells = self.prompts * self.responses**2
        if cells > DENSE_CELLS:
            raise SimbenchError(
                f"win counts of {self.prompts} prompts and {self.responses} responses have {cells:,} cells, "
                f"more than {DENSE_CELLS:,}; use the list of pairs."
            )
        wins = np.zeros((self.prompts, self.responses, self.responses), dtype=np.int64)
        wins[self.prompt, self.first, self.second] += self.first_wins
        wins[self.prompt, self.second, self.first] += self.second_wins
        return wins


def count_comparisons(
    prompt: Any,
    first: Any,
    second: Any,
    first_won: Any,
    *,
    prompts: int,
    responses: int,
    where: str = "comparisons",
) -> PairCounts:
    """Compress records, one label each, to `PairCounts`.

    Args:
        prompt: `[n]` prompt indices, integers in [0, prompts).
        first, second: `[n]` response indices, integers in [0, responses).
        first_won: `[n]` booleans, or numbers 0 and 1.
        prompts, responses: S and A.
        where: what complaints start with (a file's name).

    Raises:
        SimbenchError: columns of different lengths, or an entry out of range, with its row.
    """
    given = dict(zip(COLUMNS, (prompt, first, second, first_won), strict=True))
    limits = dict(zip(COLUMNS, (prompts, responses, responses, 2), strict=True))
    columns = {name: _indices(name, given[name], limits[name], where) for name in COLUMNS}
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise SimbenchError(
            f"{where}: the columns differ in length ({shown}); each label is one row of all four."
        )
    s, a, b, won = (columns[name] for name in COLUMNS)
    low, high = np.minimum(a, b), np.maximum(a, b)
    low_won = np.where(a <= b, won == 1, won == 0) | (a == b)
    code, pair = np.unique((s * responses + low) * responses + high, return_inverse=True)
    return PairCounts(
        prompts=prompts,
        responses=responses,
        prompt=code // responses**2,
        first=code // responses % responses,
        second=code % responses,
        first_wins=np.bincount(pair[low_won], minlength=code.size),
        second_wins=np.bincount(pair[~low_won], minlength=code.size),
    )


def pair_counts(wins: Any, *, where: str = "wins") -> PairCounts:
    """Return the `PairCounts` of win counts `[S, A, A]`: the inverse of `PairCounts.wins`.

    Raises:
        SimbenchError: a shape that is not [S, A, A], or an entry that is not a whole number >= 0.
    """
    counts = np.asarray(wins)
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2]:
        raise SimbenchError(f"{where} has shape {counts.shape}; win counts are [S, A, A].")
    if counts.dtype.kind not in "biuf":
        raise SimbenchError(f"{where} holds {counts.dtype} entries; win counts are whole numbers >= 0.")
    bad = ~((counts >= 0) & (counts == np.floor(counts)) & (counts <= 2**53))
    if bad.any():
        at = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
        raise SimbenchError(f"{where}[{at}] is {counts[bad][0]}; win counts are whole numbers >= 0.")
    counts = counts.astype(np.int64)
    played = np.triu(counts + np.swapaxes(counts, 1, 2))
    s, a, b = np.nonzero(played)
    return PairCounts(
        prompts=counts.shape[0],
        responses=counts.shape[1],
        prompt=s,
        first=a,
        second=b,
        first_wins=counts[s, a, b],
        second_wins=np.where(a == b, 0, counts[s, b, a]),
    )


def _indices(name: str, column: Any, limit: int, where: str) -> np.ndarray:
    """Return a column as int64 `[n]`, every entry a whole number in [0, limit)."""
    array = np.asarray(column)
    allowed = "0 or 1" if name == "first_won" else f"a whole number in [0, {limit})"
    if array.ndim != 1:
        raise SimbenchError(f"{where}: {name} has shape {array.shape}; it must be one column [n].")
    if array.dtype.kind not in "biuf" and array.size:
        raise SimbenchError(f"{where}: {name} holds {array.dtype} entries; each must be {allowed}.")
    bad = ~((array >= 0) & (array < limit) & (array == np.floor(array)))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise SimbenchError(f"{where}: {name} is {array[row]} in row {row}; it must be {allowed}.")
    return array.astype(np.int64)
