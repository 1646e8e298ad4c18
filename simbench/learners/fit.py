"""Fits of a user's own data, by the same solvers that the learners use."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from simbench.errors import SimbenchError
from simbench.learners.fitting.bradley_terry import MAX_STEPS
from simbench.learners.fitting.limits import LARGEST_RIDGE, SMALLEST_RIDGE
from simbench.learners.kernels.bradley_terry import fit_tabular_numba
from simbench.learners.kernels.large_fit import LARGE, fit_large
from simbench.tape.kernel import kernel

NAMED = 3  # prompts that a warning names; it counts the others


class UnidentifiedWarning(UserWarning):
    """Labels leave distances between rewards open, which the ridge alone then decides."""


@dataclass(frozen=True, kw_only=True)
class TabularFit:
    """Fitted rewards, and what the labels say about them.

    Labels identify differences of rewards inside a group only: responses that are tied together by wins both ways,
    directly or through others (Ford's condition). Between groups there were no labels, or one side won them all; the
    maximum of the likelihood then is nowhere, or everywhere, and the distance is the ridge's.
    """

    rewards: np.ndarray  # [S, A] reward units, centred per prompt
    groups: np.ndarray  # [S, A] a response's group, numbered from 0 in each prompt by first members

    @property
    def identified(self) -> np.ndarray:
        """`[S, A]`: whether the labels tie a response's reward to another one's; one without others is identified."""
        same = self.groups[:, :, None] == self.groups[:, None, :]
        return (same.sum(axis=2) > 1) | (self.groups.shape[1] == 1)


@kernel
def _fit_prompt(counts, wins, reward, ridge, weights, factor, direction, memory):
    return fit_tabular_numba(counts, wins, reward, ridge, weights, factor, direction, memory)


def fit_tabular(wins: Any, ridge: float) -> TabularFit:
    """Return the regularised Bradley-Terry fit: rewards `[S, A]`, centred per prompt, and what the labels identify.

        minimise   - sum_{a,b} wins[s, a, b] log sigmoid(r_a - r_b) + (ridge / 2) ||r||^2       in every prompt s

    Args:
        wins: `[S, A, A]` how often a was preferred to b on prompt s, >= 0; the diagonal says nothing.
        ridge: in [1e-12, 1e12], labels per squared reward unit.

    Raises:
        SimbenchError: wins or a ridge that are none, or a fit that does not meet its stopping rule.

    Warns `UnidentifiedWarning`, with the groups, when rewards of a prompt are told apart by the ridge alone.
    """
    wins, ridge = _wins(wins), _ridge(ridge)
    prompts, size = wins.shape[:2]
    rewards = np.zeros((prompts, size))
    for s in range(prompts):
        counts = wins[s] + wins[s].T
        np.fill_diagonal(counts, 0.0)
        if size >= LARGE and _fit_many(counts, wins[s], rewards[s], ridge):
            continue
        scratch = np.empty(size), np.empty((size, size)), np.empty(size), np.array([1.0 / ridge, 0.0])
        rewards[s] = 0.0
        if not _fit_prompt(counts, wins[s], rewards[s], ridge, *scratch):
            raise SimbenchError(
                f"the Bradley-Terry fit of prompt {s} did not converge in {MAX_STEPS} Newton steps."
            )
    groups = np.stack([_groups(table) for table in wins])
    _warn(wins, groups)
    return TabularFit(rewards=rewards, groups=groups)


def _fit_many(counts: np.ndarray, wins: np.ndarray, reward: np.ndarray, ridge: float) -> bool:
    """Fit a prompt of many responses by conjugate gradients; False where they do not reach the minimiser."""
    size = len(reward)
    off = wins.copy()
    np.fill_diagonal(off, 0.0)
    return bool(
        fit_large(counts, off, off.T.copy(), reward, ridge, np.empty((size, size)), np.empty((8, size)))
    )


def _wins(wins: Any) -> np.ndarray:
    try:
        array = np.array(wins, dtype=np.float64)
    except (TypeError, ValueError):
        raise SimbenchError("wins is no table of numbers; it must be [S, A, A], counts >= 0.") from None
    if array.ndim != 3 or array.shape[1] != array.shape[2] or not array.size:
        one = " (of one prompt: give wins[None])" if array.ndim == 2 else ""
        raise SimbenchError(
            f"wins has shape {array.shape}; it must be [S, A, A] with S, A >= 1, "
            f"wins[s, a, b] being how often a was preferred to b on prompt s{one}."
        )
    bad = ~((array >= 0) & (array < np.inf))  # of NaN too
    if bad.any():
        s, a, b = (int(i) for i in np.argwhere(bad)[0])
        raise SimbenchError(f"wins[{s}, {a}, {b}] is {array[s, a, b]}; counts are finite numbers >= 0.")
    return array


def _ridge(ridge: Any) -> float:
    number = isinstance(ridge, int | float | np.number) and not isinstance(ridge, bool)
    if not (number and SMALLEST_RIDGE <= ridge <= LARGEST_RIDGE):
        raise SimbenchError(
            f"ridge is {ridge!r}; it must be a number in [{SMALLEST_RIDGE:g}, {LARGEST_RIDGE:g}]."
        )
    return float(ridge)


def _groups(wins: np.ndarray) -> np.ndarray:
    """Return the number `[A]` of each response's group: the strong components of "beat at least once"."""
    beat = wins > 0
    if _reaches_all(beat) and _reaches_all(beat.T):  # the usual case, in a hundredth of the time
        return np.zeros(len(wins), dtype=np.intp)
    from scipy.sparse.csgraph import connected_components

    _, label = connected_components(beat, directed=True, connection="strong")
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _reaches_all(beat: np.ndarray) -> bool:
    """Return whether every response is reached from the first one."""
    seen = np.arange(len(beat)) == 0
    front = seen
    while front.any():
        front = beat[front].any(axis=0) & ~seen
        seen = seen | front
    return bool(seen.all())


def _warn(wins: np.ndarray, groups: np.ndarray) -> None:
    loose = np.flatnonzero(groups.max(axis=1) > 0)
    if loose.size:
        told = "; ".join(_said(int(s), wins[s], groups[s]) for s in loose[:NAMED])
        more = f"; and so on {loose.size - NAMED} further prompts" if loose.size > NAMED else ""
        warnings.warn(
            f"labels do not identify all rewards, the ridge does the rest: {told}{more}.",
            UnidentifiedWarning,
            stacklevel=3,
        )


def _said(s: int, wins: np.ndarray, groups: np.ndarray) -> str:
    """Return a prompt's groups, and whether they were never compared or one always won."""
    if not (wins * (1.0 - np.eye(len(wins)))).any():
        return f"on prompt {s} no two responses were compared"
    members = [np.flatnonzero(groups == g) for g in range(groups.max() + 1)]
    names = " | ".join("{" + ", ".join(map(str, group)) + "}" for group in members)
    compared = [
        wins[np.ix_(one, other)].any() or wins[np.ix_(other, one)].any()
        for i, one in enumerate(members)
        for other in members[:i]
    ]
    why = "never compared" if not any(compared) else "never compared, or always won by the same side"
    return f"on prompt {s} the groups {names} were {why}"
