"""Rows of the result: what is measured of a block of runs at its checkpoints, in tidy columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from simbench.bandit import Bandit
from simbench.engine.currencies import CURRENCIES, REGRETS, payoff_of
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.quantities import MEASURED, measure_batches, require_measurable

BLOCK = 64  # runs measured and, on JAX, computed together
CHECKPOINTS = 8  # measured together, if they do not have more than
CELLS = 2**18  # of policies measured together, beyond those of one checkpoint
MEAN_TOLERANCE = 1e-6  # of what a mean policy sums to: rounding of 1e9 additions stays below
DEFAULT_QUANTITIES = (
    "value_gap",
    "expected_reward",
    "kl_ref",
    "coverage",
    "max_density_ratio",
    "min_density_ratio",
    "win_rate",
)
AVERAGE_QUANTITIES = ("value_gap", "coverage")  # also measured on the running mean of the charged policies
# What a result holds though nobody asks for it; exploitability is asked for wherever it is charged (`quantities_of`).
UNASKED_QUANTITIES = (*AVERAGE_QUANTITIES, *(CURRENCIES[name].gap for name in REGRETS))


def quantities_of(learner: Any, world: Bandit, asked: Iterable[str] | None) -> tuple[str, ...]:
    """Return what is measured: what was asked for, or the default of this world, and the learner's exploitability.

    Raises `SimbenchError` for a quantity that needs a reward, in a world without one.
    """
    if asked is None:
        asked = [
            name for name in DEFAULT_QUANTITIES if world.reward is not None or not MEASURED[name].needs_reward
        ]
    payoff = payoff_of(learner, world)
    own = [] if payoff is None else [f"exploitability_{payoff}"]
    names = tuple(dict.fromkeys([*asked, *own]))
    for name in names:
        if name not in MEASURED:
            raise UnknownNameError(f"no quantity is called '{name}'. {nearest(name, MEASURED)}")
    require_measurable(world, names)
    return names


def require_block(runs: Sequence[int], block: int) -> None:
    """Raise `SimbenchError` for a number of runs that a block does not hold."""
    if not 1 <= len(runs) <= block:
        raise SimbenchError(f"a block has {len(runs)} runs; it holds between 1 and {block}.")


def result_columns(
    world: Bandit,
    snapshots: Iterable[Snapshot],
    *,
    runs: Sequence[int],
    diagnostics: Iterable[str],
    quantities: tuple[str, ...],
    block: int,
    learner: str,
    currencies: Sequence[str] = REGRETS,
    averages: tuple[str, ...] = AVERAGE_QUANTITIES,
) -> dict[str, np.ndarray]:
    """Return the columns of a block of runs, each of length runs x checkpoints, run-major.

    They are counts, `currencies`, `quantities` of the deployed policies, `averages` (those that exist in the world) of
    the mean ones if the snapshots have them, and the learner's diagnostics. Policies are measured a few checkpoints at
    a time, and dropped: a call costs a millisecond before it measures anything.

    Raises `SimbenchError`, naming `learner`, for a column that is not a number somewhere: nothing that was computed
    from one is a result.
    """
    averages = tuple(name for name in averages if world.reward is not None or not MEASURED[name].needs_reward)
    together = max(1, min(CHECKPOINTS, CELLS // (block * world.prompts * world.responses)))
    counts: list[tuple[int, int, int]] = []
    regrets, numbers, measured = [], [], []
    for group in _groups(snapshots, together):
        _require_means(group, learner)
        counts += [(snapshot.iteration, snapshot.round, snapshot.labels) for snapshot in group]
        regrets += [snapshot.regret for snapshot in group]
        numbers += [snapshot.diagnostics for snapshot in group]
        measured.append(_measured(world, group, (quantities, averages), together=together, block=block))
    columns = {"run": np.repeat(np.array(runs, dtype=np.int64), len(counts))}
    for name, column in zip(("iteration", "round", "labels"), zip(*counts, strict=True), strict=True):
        columns[name] = np.tile(np.array(column, dtype=np.int64), len(runs))
    columns |= _run_major(currencies, np.stack(regrets), len(runs))
    columns |= {
        name: np.concatenate([part[name] for part in measured])[:, : len(runs)].T.reshape(-1)
        for name in measured[0]
    }
    return _numbers(columns | _run_major(diagnostics, np.stack(numbers), len(runs)), learner)


def _require_means(group: list[Snapshot], learner: str) -> None:
    """Raise `SimbenchError` unless mean policies are policies; one that was none between checkpoints shows here."""
    for snapshot in group:
        if snapshot.mean_policy is None:
            continue
        totals = snapshot.mean_policy.sum(axis=-1)
        bad = ~(np.abs(totals - 1.0) <= MEAN_TOLERANCE)
        if bad.any():
            raise SimbenchError(
                f"{learner}: up to iteration {snapshot.iteration}, the policies charged have a mean that sums to "
                f"{totals[bad][0]:.9g} at prompt {np.argwhere(bad)[0][-1]}; every one of them must sum to 1."
            )


def _numbers(columns: dict[str, np.ndarray], learner: str) -> dict[str, np.ndarray]:
    for name, column in columns.items():
        missing = np.isnan(column)
        if missing.any():
            labels, run = (int(columns[key][missing.argmax()]) for key in ("labels", "run"))
            raise SimbenchError(
                f"{learner}: {name} is not a number after {labels} labels of run {run}; "
                "every column must be a number, so parameters and world must be such that float64 carries them."
            )
    return columns


def _groups(snapshots: Iterable[Snapshot], size: int) -> Iterator[list[Snapshot]]:
    remaining = iter(snapshots)
    while group := list(islice(remaining, size)):
        yield group


def _measured(
    world: Bandit, group: list[Snapshot], names: tuple[tuple[str, ...], ...], *, together: int, block: int
) -> dict[str, np.ndarray]:
    """Return quantities of the deployed policies and of the mean ones, `[checkpoints, block]` each."""
    with np.errstate(divide="ignore"):  # an unsupported response has mean probability zero
        means = [np.log(shot.mean_policy) for shot in group if shot.mean_policy is not None]
    policies = [[snapshot.log_policy for snapshot in group], *([means] if means and names[1] else [])]
    with float64():
        wide = tuple(_wide(of_one, together, block) for of_one in policies)
        of_deployed, *of_means = measure_batches(world, wide, names[: len(wide)])
        columns = of_deployed | {
            f"average_{name}": of_mean[name] for of_mean in of_means for name in names[1]
        }
        return {
            name: np.asarray(column).reshape(together, block)[: len(group)]
            for name, column in columns.items()
        }


def _wide(policies: list[np.ndarray], together: int, block: int) -> np.ndarray:
    """Return the policies `[B, S, A]` of some checkpoints as `[together x block, S, A]`."""
    return padded(np.concatenate([padded(policy, block) for policy in policies]), together * block)


def _run_major(names: Iterable[str], values: np.ndarray, runs: int) -> dict[str, np.ndarray]:
    """Return `values [checkpoints, B, names]` as columns."""
    return {name: values[:, :runs, i].T.reshape(-1) for i, name in enumerate(names)}


def padded(rows: np.ndarray, block: int) -> np.ndarray:
    """Return `rows [B, ...]` filled up to `block` with the last one.

    One width, one compilation, and the same last bit whatever the number of runs in the block.
    """
    missing = block - rows.shape[0]
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
