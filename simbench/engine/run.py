"""One block of runs: world and learner in, a tidy table of regrets, quantities and diagnostics out."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from simbench.bandit import Bandit
from simbench.engine import jax_engine, numba_engine
from simbench.engine.batches import run_batches
from simbench.engine.checkpoints import log_checkpoints, require_checkpoints
from simbench.engine.currencies import require_regrets
from simbench.engine.rows import BLOCK, quantities_of, require_block, result_columns
from simbench.engine.steps import run_steps
from simbench.errors import SimbenchError
from simbench.learners import BatchLearner, IterativeMethod, RoundLearner
from simbench.tape import run_key

Engine = Literal["auto", "numba", "jax"]
ENGINES = ("auto", "numba", "jax")
LAST_ROUND = 2**32  # the tape counts rounds in 32 bits


Learner = RoundLearner[Any] | BatchLearner[Any] | IterativeMethod[Any]


def choose_engine(engine: str, learner: Learner, world: Bandit) -> str:
    """Return 'numba' or 'jax': 'auto' takes numba on a CPU when a round learner has a kernel; no other has one.

    Raises `SimbenchError` for an unknown engine, for numba with a learner that has none, or for a round learner in a
    world without the reward that it is charged by.
    """
    if engine not in ENGINES:
        raise SimbenchError(f"engine is '{engine}'; it must be one of {', '.join(ENGINES)}.")
    if isinstance(learner, RoundLearner):
        require_regrets(learner, world)
    has_kernel = isinstance(learner, RoundLearner) and learner.kernel(world) is not None
    if engine == "numba" and not has_kernel:
        raise numba_engine.no_kernel(learner)
    if engine != "auto":
        return engine
    if not has_kernel:
        return "jax"
    import jax

    return "numba" if jax.default_backend() == "cpu" else "jax"


def run_block(
    world: Bandit,
    learner: Learner,
    *,
    rounds: int,
    runs: Sequence[int],
    seed: int = 0,
    instance: int = 0,
    engine: str = "auto",
    checkpoints: np.ndarray | None = None,
    quantities: Sequence[str] | None = None,
    block: int = BLOCK,
) -> dict[str, np.ndarray]:
    """Play `runs` of `learner` in `world` and return columns of length len(runs) x len(checkpoints), run-major.

    Columns: run, iteration, round, labels; the cumulative regret, reward_regret, argmax_regret (reward units);
    one per quantity, of the policy deployed after `round` rounds; average_<quantity>, of the running mean policy;
    one per diagnostic of the learner. The numbers depend on (seed, instance, run), the engine and `block` alone.
    A batch learner's `rounds` are its labels, and its iterations fewer (see `run_batches`); those of an iterative
    method are its steps (see `run_steps`). `quantities` None means the default of the world.

    Raises `SimbenchError` for unknown quantities, or such as need a reward that the world lacks, an engine the learner
    lacks, too many rounds, or more runs than `block`.
    """
    runs = list(runs)
    chosen = choose_engine(engine, learner, world)
    if isinstance(learner, BatchLearner | IterativeMethod):
        how: dict[str, Any] = {
            "runs": runs,
            "seed": seed,
            "instance": instance,
            "checkpoints": checkpoints,
            "quantities": quantities,
            "block": block,
        }
        if isinstance(learner, BatchLearner):
            return run_batches(world, learner, labels=rounds, **how)
        return run_steps(world, learner, steps=rounds, **how)
    require_block(runs, block)
    names = quantities_of(learner, world, quantities)
    if rounds > LAST_ROUND:
        raise SimbenchError(f"rounds is {rounds}; it must be at most {LAST_ROUND}.")
    marks = log_checkpoints(rounds) if checkpoints is None else require_checkpoints(checkpoints, rounds)
    keys = np.array([run_key(seed=seed, instance=instance, run=run) for run in runs], dtype=np.uint32)
    if chosen == "numba":
        snapshots = numba_engine.play(world, learner, keys=keys, checkpoints=marks)
    else:
        snapshots = jax_engine.play(world, learner, keys=keys, checkpoints=marks, width=block)
    return result_columns(
        world,
        snapshots,
        runs=runs,
        diagnostics=learner.named_diagnostics(world),
        quantities=names,
        block=block,
        learner=type(learner).__name__,
    )
