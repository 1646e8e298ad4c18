"""Rows of the result: what is measured of a block of runs at a checkpoint, in tidy columns."""

from collections.abc import Iterable, Sequence

import numpy as np

from simbench.bandit import Bandit
from simbench.engine.ledger import CURRENCIES
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.quantities import MEASURED, measure_batch

BLOCK = 64  # runs measured and, on JAX, computed together
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


def measure_snapshot(
    world: Bandit,
    snapshot: Snapshot,
    *,
    labels: int,
    diagnostics: Iterable[str],
    quantities: tuple[str, ...],
    block: int,
) -> dict[str, np.ndarray]:
    """Return one checkpoint's columns, each `[B]`: counts, regrets, quantities, and the learner's diagnostics."""
    runs = snapshot.log_policy.shape[0]
    counts = {"iteration": snapshot.round, "round": snapshot.round, "labels": labels}
    columns = {name: np.full(runs, count, dtype=np.int64) for name, count in counts.items()}
    columns |= {name: snapshot.regret[:, i] for i, name in enumerate(CURRENCIES)}
    with np.errstate(divide="ignore"):  # an unsupported response has mean probability zero
        log_mean = np.log(snapshot.mean_policy)
    with float64():
        deployed = measure_batch(world, padded(snapshot.log_policy, block), quantities)
        averages = measure_batch(world, padded(log_mean, block), AVERAGE_QUANTITIES)
        columns |= {name: np.asarray(deployed[name])[:runs] for name in quantities}
        columns |= {f"average_{name}": np.asarray(averages[name])[:runs] for name in AVERAGE_QUANTITIES}
    columns |= {name: snapshot.diagnostics[:, i] for i, name in enumerate(diagnostics)}
    return columns


def padded(rows: np.ndarray, block: int) -> np.ndarray:
    """Return `rows [B, ...]` filled up to `block` with the last one.

    One width, one compilation, and the same last bit whatever the number of runs in the block.
    """
    missing = block - rows.shape[0]
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows


def stacked(runs: Sequence[int], rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the rows of all checkpoints as columns of length runs x checkpoints, run-major."""
    columns = {name: np.stack([row[name] for row in rows], axis=1).reshape(-1) for name in rows[0]}
    return {"run": np.repeat(np.array(runs, dtype=np.int64), len(rows)), **columns}
