"""Rows of the result: what is measured of a block of runs at its checkpoints, in tidy columns."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from simbench.bandit import Bandit
from simbench.engine.ledger import CURRENCIES
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.quantities import MEASURED, measure_batches

BLOCK = 64  # runs measured and, on JAX, computed together
CHECKPOINTS = 8  # measured together, if they do not have more than
CELLS = 2**18  # of policies measured together, beyond those of one checkpoint
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


def require_block(runs: Sequence[int], quantities: Iterable[str], block: int) -> None:
    """Raise `SimbenchError` for a number of runs that a block does not hold, or an unknown quantity."""
    if not 1 <= len(runs) <= block:
        raise SimbenchError(f"a block has {len(runs)} runs; it holds between 1 and {block}.")
    for name in quantities:
        if name not in MEASURED:
            raise UnknownNameError(f"no quantity is called '{name}'. {nearest(name, MEASURED)}")


def result_columns(
    world: Bandit,
    snapshots: Iterable[Snapshot],
    *,
    runs: Sequence[int],
    diagnostics: Iterable[str],
    quantities: tuple[str, ...],
    block: int,
    learner: str,
) -> dict[str, np.ndarray]:
    """Return the columns of a block of runs, each of length runs x checkpoints, run-major.

    They are counts, regrets, quantities, and the learner's diagnostics. Policies are measured a few checkpoints at a
    time, and dropped: a call costs a millisecond before it measures anything. Raises `SimbenchError`, naming
    `learner`, for a column that is not a number somewhere: nothing that was computed from one is a result.
    """
    together = max(1, min(CHECKPOINTS, CELLS // (block * world.prompts * world.responses)))
    counts: list[tuple[int, int, int]] = []
    regrets, numbers, measured = [], [], []
    for group in _groups(snapshots, together):
        counts += [(snapshot.iteration, snapshot.round, snapshot.labels) for snapshot in group]
        regrets += [snapshot.regret for snapshot in group]
        numbers += [snapshot.diagnostics for snapshot in group]
        measured.append(_measured(world, group, quantities, together=together, block=block))
    columns = {"run": np.repeat(np.array(runs, dtype=np.int64), len(counts))}
    for name, column in zip(("iteration", "round", "labels"), zip(*counts, strict=True), strict=True):
        columns[name] = np.tile(np.array(column, dtype=np.int64), len(runs))
    columns |= _run_major(CURRENCIES, np.stack(regrets), len(runs))
    columns |= {
        name: np.concatenate([part[name] for part in measured])[:, : len(runs)].T.reshape(-1)
        for name in measured[0]
    }
    return _numbers(columns | _run_major(diagnostics, np.stack(numbers), len(runs)), learner)


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
    world: Bandit, group: list[Snapshot], quantities: tuple[str, ...], *, together: int, block: int
) -> dict[str, np.ndarray]:
    """Return quantities of the deployed policies and of the mean ones, `[checkpoints, block]` each."""
    with np.errstate(divide="ignore"):  # an unsupported response has mean probability zero
        means = [np.log(snapshot.mean_policy) for snapshot in group]
    with float64():
        policies = ([snapshot.log_policy for snapshot in group], means)
        wide = tuple(_wide(of_both, together, block) for of_both in policies)
        of_deployed, of_mean = measure_batches(world, wide, (quantities, AVERAGE_QUANTITIES))
        columns = of_deployed | {f"average_{name}": of_mean[name] for name in AVERAGE_QUANTITIES}
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
