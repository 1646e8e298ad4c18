"""Log-spaced checkpoints: the rounds at which policies are measured and then dropped."""

import numpy as np

from simbench.errors import SimbenchError

PER_DECADE = 8


def log_checkpoints(rounds: int, per_decade: int = PER_DECADE) -> np.ndarray:
    """Return the increasing round counts round(10^(k / per_decade)), k = 0, 1, …, ending exactly at `rounds`."""
    if rounds < 1:
        raise SimbenchError(f"rounds is {rounds}; a run has at least 1 round.")
    if per_decade < 1:
        raise SimbenchError(f"checkpoints_per_decade is {per_decade}; it must be at least 1.")
    exponents = np.arange(int(np.floor(np.log10(rounds) * per_decade)) + 1) / per_decade
    marks = np.unique(np.round(10.0**exponents).astype(np.int64))
    return np.append(marks[marks < rounds], rounds)


def require_checkpoints(checkpoints: np.ndarray, rounds: int) -> np.ndarray:
    """Return user-given checkpoints as int64; raise unless they increase within 1 … rounds."""
    marks = np.asarray(checkpoints, dtype=np.int64)
    if (
        marks.ndim != 1
        or marks.size == 0
        or marks[0] < 1
        or marks[-1] > rounds
        or (np.diff(marks) <= 0).any()
    ):
        raise SimbenchError(
            f"checkpoints {marks.tolist()} must be increasing round counts between 1 and {rounds}."
        )
    return marks
