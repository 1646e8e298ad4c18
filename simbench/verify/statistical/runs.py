"""Runs as a matrix, and resampled whole: what statistics of a study's table stand on.

For one learner in one setting, `values[i, k]` is a column of run i at checkpoint k. Checkpoints of one run are
strongly dependent, so whatever is said of a curve is said by resampling whole runs; and worlds are kept fixed: a
study of eight worlds says nothing of the ninth, so runs are resampled within their instance. The resampling indices
come from the tape, under a key that names the purpose: the same table gives the same interval, on any machine.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from simbench import tape
from simbench.errors import SimbenchError

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunMatrix:
    """One column of one learner: `values [N, K]` of N (instance, run) pairs at `rounds [K]` (or another axis)."""

    rounds: np.ndarray
    values: np.ndarray
    instance: np.ndarray

    @property
    def runs(self) -> int:
        """N, the number of (instance, run) pairs."""
        return int(self.values.shape[0])

    @property
    def instances(self) -> int:
        """The number of different worlds."""
        return int(np.unique(self.instance).size)


def run_matrix(table: "pd.DataFrame", column: str, *, across: str = "round") -> RunMatrix:
    """Lay a tidy table of one learner out as runs by checkpoints, or by another column that stands `across`.

    Raises `SimbenchError` when the column is missing, when two rows claim the same (instance, run, checkpoint), so that
    several learners or settings are mixed, or when runs stop at different checkpoints.
    """
    if column not in table.columns:
        raise SimbenchError(
            f"the table has no column '{column}'; it has {', '.join(map(str, table.columns))}."
        )
    if table.empty:
        raise SimbenchError(f"no rows to draw '{column}' from.")
    keys = table[["instance", "run", across]]
    if bool(keys.duplicated().any()):
        row = keys[keys.duplicated()].iloc[0]
        raise SimbenchError(
            f"two rows for instance {row['instance']}, run {row['run']}, {across} {row[across]}: the table mixes "
            "learners or settings; select one of each first."
        )
    wide = table.pivot(index=["instance", "run"], columns=across, values=column).sort_index()
    values = wide.to_numpy(dtype=np.float64)
    expected = wide.shape[0] * wide.shape[1]
    if len(table) != expected:
        raise SimbenchError(
            f"runs stop at different checkpoints: {len(table)} rows where {expected} were expected."
        )
    instance = wide.index.get_level_values("instance").to_numpy()
    return RunMatrix(rounds=wide.columns.to_numpy(dtype=np.float64), values=values, instance=instance)


def resample_weights(instance: np.ndarray, *, resamples: int, purpose: str, first: int = 0) -> np.ndarray:
    """Return `weights [resamples, N]`, rows summing to 1: the share of each run in each bootstrap resample.

    Runs are drawn with replacement within their instance; the uniforms are those of the tape under the key
    (axis = "bootstrap", purpose). Resample b does not depend on how many there are: `first` numbers the first one.
    """
    return _kept_counts(tuple(instance.tolist()), resamples, purpose, first) / instance.size


@functools.lru_cache(maxsize=2)  # the curves of a study are resampled alike, one after another
def _kept_counts(strata: tuple[int, ...], resamples: int, purpose: str, first: int) -> np.ndarray:
    return resample_counts(np.array(strata), resamples=resamples, purpose=purpose, first=first)


def resample_counts(instance: np.ndarray, *, resamples: int, purpose: str, first: int = 0) -> np.ndarray:
    """Return how often each run is in each resample, `[resamples, N]` integers; see `resample_weights`."""
    key = tape.tape_key(axis="bootstrap", purpose=purpose)
    rows = np.arange(resamples)[:, None]
    u = tape.uniforms_numpy(key, first + rows, np.arange(instance.size)[None, :])
    counts = np.zeros((resamples, instance.size), dtype=np.uint16)
    for world in np.unique(instance):
        members = np.flatnonzero(instance == world)
        drawn = rows * members.size + (u[:, members] * members.size).astype(np.int64)
        cells = np.bincount(drawn.ravel(), minlength=resamples * members.size)
        counts[:, members] = cells.reshape(resamples, members.size)
    return counts


def interval(samples: np.ndarray, level: float) -> tuple[Any, Any]:
    """Return the equal-tailed quantiles of `samples [B, …]` that hold a share `level` of them; they may be infinite."""
    tail = (1.0 - level) / 2.0
    ordered = np.sort(samples, axis=0)
    return _quantile(ordered, tail), _quantile(ordered, 1.0 - tail)


def _quantile(ordered: np.ndarray, share: float) -> Any:
    """Interpolate order statistics linearly, as `np.quantile`, which takes infinity from infinity; NaN if any is."""
    position = share * (len(ordered) - 1)
    below, above = int(np.floor(position)), int(np.ceil(position))
    weight = position - below  # 0 where both are the same
    between = ordered[below] if below == above else (1.0 - weight) * ordered[below] + weight * ordered[above]
    return np.where(np.isnan(ordered[-1]), np.nan, between)


def check_level(name: str, level: float) -> None:
    """Raise `SimbenchError` unless 0 < level < 1."""
    if not 0.0 < level < 1.0:
        raise SimbenchError(f"{name} is {level}; a share strictly between 0 and 1 is meant.")
