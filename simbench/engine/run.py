"""One block of runs: world and learner in, a tidy table of regrets, quantities and diagnostics out."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from simbench.bandit import Bandit
from simbench.engine import jax_engine, numba_engine
from simbench.engine.checkpoints import log_checkpoints, require_checkpoints
from simbench.engine.ledger import CURRENCIES
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.learners import RoundLearner
from simbench.precision import float64
from simbench.quantities import MEASURED, measure_batch
from simbench.tape import run_key

Engine = Literal["auto", "numba", "jax"]
ENGINES = ("auto", "numba", "jax")
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


def choose_engine(engine: str, learner: RoundLearner[Any], world: Bandit) -> str:
    """Return 'numba' or 'jax': 'auto' takes numba on a CPU when the learner has a kernel.

    Raises `SimbenchError` for an unknown engine, or for numba with a learner that has none.
    """
    if engine not in ENGINES:
        raise SimbenchError(f"engine is '{engine}'; it must be one of {', '.join(ENGINES)}.")
    has_kernel = learner.kernel(world) is not None
    if engine == "numba" and not has_kernel:
        raise SimbenchError(
            f"{type(learner).__name__} has no numba kernel; run it with --engine jax (or auto)."
        )
    if engine != "auto":
        return engine
    if not has_kernel:
        return "jax"
    import jax

    return "numba" if jax.default_backend() == "cpu" else "jax"


def run_block(
    world: Bandit,
    learner: RoundLearner[Any],
    *,
    rounds: int,
    runs: Sequence[int],
    seed: int = 0,
    instance: int = 0,
    engine: str = "auto",
    checkpoints: np.ndarray | None = None,
    quantities: Sequence[str] = DEFAULT_QUANTITIES,
    block: int = BLOCK,
) -> dict[str, np.ndarray]:
    """Play `runs` of `learner` in `world` and return columns of length len(runs) x len(checkpoints), run-major.

    Columns: run, iteration, round, labels; the cumulative regret, reward_regret, argmax_regret (reward units);
    one per quantity, of the policy deployed after `round` rounds; average_<quantity>, of the running mean policy;
    one per diagnostic of the learner. The numbers depend on (seed, instance, run), the engine and `block` alone.

    Raises `SimbenchError` for unknown quantities, an engine the learner lacks, or more runs than `block`.
    """
    runs = list(runs)
    if not 1 <= len(runs) <= block:
        raise SimbenchError(f"a block has {len(runs)} runs; it holds between 1 and {block}.")
    for name in quantities:
        if name not in MEASURED:
            raise UnknownNameError(f"no quantity is called '{name}'. {nearest(name, MEASURED)}")
    marks = log_checkpoints(rounds) if checkpoints is None else require_checkpoints(checkpoints, rounds)
    keys = np.array([run_key(seed=seed, instance=instance, run=run) for run in runs], dtype=np.uint32)
    if choose_engine(engine, learner, world) == "numba":
        snapshots = numba_engine.play(world, learner, keys=keys, checkpoints=marks)
    else:
        snapshots = jax_engine.play(world, learner, keys=keys, checkpoints=marks, width=block)
    rows = [_measure(world, learner, snapshot, tuple(quantities), block) for snapshot in snapshots]
    columns = {name: np.stack([row[name] for row in rows], axis=1).reshape(-1) for name in rows[0]}
    return {"run": np.repeat(np.array(runs, dtype=np.int64), len(marks)), **columns}


def _measure(
    world: Bandit, learner: RoundLearner[Any], snapshot: Snapshot, quantities: tuple[str, ...], block: int
) -> dict[str, np.ndarray]:
    """Return one checkpoint's columns, each `[B]`."""
    runs = snapshot.log_policy.shape[0]
    counted = np.full(runs, snapshot.round, dtype=np.int64)
    columns: dict[str, np.ndarray] = {"iteration": counted, "round": counted, "labels": counted}
    columns |= {name: snapshot.regret[:, i] for i, name in enumerate(CURRENCIES)}
    with np.errstate(divide="ignore"):  # an unsupported response has mean probability zero
        log_mean = np.log(snapshot.mean_policy)
    with float64():
        deployed = measure_batch(world, _padded(snapshot.log_policy, block), quantities)
        averages = measure_batch(world, _padded(log_mean, block), AVERAGE_QUANTITIES)
        columns |= {name: np.asarray(deployed[name])[:runs] for name in quantities}
        columns |= {f"average_{name}": np.asarray(averages[name])[:runs] for name in AVERAGE_QUANTITIES}
    columns |= {name: snapshot.diagnostics[:, i] for i, name in enumerate(learner.diagnostics)}
    return columns


def _padded(policies: np.ndarray, block: int) -> np.ndarray:
    # One width, one compilation, and the same last bit whatever the number of runs in the block.
    missing = block - policies.shape[0]
    return np.concatenate([policies, np.repeat(policies[-1:], missing, axis=0)]) if missing else policies
