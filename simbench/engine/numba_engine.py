"""Blocks of runs on numba: one core, one run after another, state in place, kernels kept on disk between processes.

A loop is compiled once per machine, not per process. Numba can keep a function only if what it calls are globals of
its module, and does not notice an edit in another file; so for each learner a module is made of the loop's text with
that learner's functions imported, and its compiled loop kept in a folder named by a digest of all that the two import.
"""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from simbench import import_closure
from simbench.bandit import Bandit
from simbench.engine import batch_loop, round_loop
from simbench.engine.handover import CHARGED, DEPLOYED, require_policies
from simbench.engine.kept_kernels import keep
from simbench.engine.ledger import REDUCERS, loop_world, open_ledger
from simbench.engine.sealed import kernel_cache
from simbench.engine.snapshot import Snapshot
from simbench.errors import SimbenchError
from simbench.learners import RoundLearner
from simbench.tape import tape_buffer

PARTS = "from simbench.learners.kernels.constant import act, observe\n"
CODES = "REDUCERS = (-1,)  # no diagnostic\n"
CHUNK = 256  # rounds of tape read at a time: long enough to vectorise, short enough for the first-level cache


@functools.cache
def specialise(kernel_module: str, reducers: tuple[str, ...]) -> ModuleType:
    """Return the round loop with the parts of `kernel_module`, its compiled form kept on disk.

    Diagnostics at the end of which only the last value counts are not compiled in: worlds with any number of them, one
    per source, share a loop.
    """
    reducers = _folded(reducers)
    text = Path(round_loop.__file__).read_text()
    for line in (PARTS, CODES):
        if text.count(line) != 1:
            raise RuntimeError(f"{round_loop.__file__} no longer holds the line {line!r} once")
    if reducers:
        text = text.replace(CODES, f"REDUCERS = {tuple(REDUCERS[name] for name in reducers)!r}\n")
    text = text.replace(PARTS, f"from {kernel_module} import act, observe\n")
    return _made(round_loop, _loop_name(kernel_module, reducers), text, "advance", kernel_module)


def loop_name(world: Bandit, learner: RoundLearner[Any]) -> str | None:
    """Return the name of the compiled loop that plays `learner`, or None when it has no kernel."""
    kernel = learner.kernel(world)
    if kernel is None:
        return None
    return _loop_name(kernel.module, _folded(tuple(learner.named_diagnostics(world).values())))


def _folded(reducers: tuple[str, ...]) -> tuple[str, ...]:
    while reducers and reducers[-1] == "last":
        reducers = reducers[:-1]
    return reducers


def _loop_name(kernel_module: str, reducers: tuple[str, ...]) -> str:
    return "_".join(["simbench_loop", kernel_module.replace(".", "_"), *reducers])


@functools.cache
def batch_kernel() -> ModuleType:
    """Return `batch_loop`, its compiled form kept on disk."""
    return _made(batch_loop, "simbench_batch_loop", Path(batch_loop.__file__).read_text(), "draw_runs")


def _made(pattern: ModuleType, name: str, text: str, kernel: str, *further: str) -> ModuleType:
    """Return the module `name` of a text made of `pattern`, its `kernel` kept on disk.

    What is kept is named after the sources of the pattern and of the modules `further`, and what they import.
    """
    sources = frozenset({pattern.__name__, *further})
    module = ModuleType(name)
    sys.modules[name] = module  # numba looks a kept function's module up by its name; it must be there
    exec(compile(text, str(pattern.__file__), "exec"), vars(module))
    keep(getattr(module, kernel), kernel_cache(f"kernels-{import_closure.digest(sources)}"))
    return module


def no_kernel(learner: Any) -> SimbenchError:
    """Return the error of a learner that numba cannot play."""
    return SimbenchError(f"{type(learner).__name__} has no numba kernel; run it with --engine jax (or auto).")


def play(
    world: Bandit,
    learner: RoundLearner[Any],
    *,
    keys: np.ndarray,
    checkpoints: np.ndarray,
) -> Iterator[Snapshot]:
    """Yield one snapshot of the runs with tape `keys [B, 2]` per checkpoint; memory does not grow with rounds."""
    kernel = learner.kernel(world)
    if kernel is None:
        raise no_kernel(learner)
    reducers = tuple(learner.named_diagnostics(world).values())
    loop = specialise(kernel.module, reducers)
    priced = loop_world(world)
    ledgers = [open_ledger(world.prompts, world.responses, len(reducers)) for _ in keys]
    states = [kernel.fresh_state() for _ in keys]
    buffer = tape_buffer(CHUNK)
    played = 0
    for checkpoint in checkpoints:
        for key, state, ledger in zip(keys, states, ledgers, strict=True):
            loop.advance(played, int(checkpoint), key[0], key[1], priced, state, ledger, buffer)
        played = int(checkpoint)
        log_policy = np.stack([getattr(state, "deployed", state.log_policy) for state in states])
        policy = np.stack([state.policy for state in states])
        require_policies(learner, policy, CHARGED, f"after round {played}", log=False)
        yield Snapshot(
            iteration=played,
            round=played,
            labels=played,
            log_policy=require_policies(learner, log_policy, DEPLOYED, f"after round {played}"),
            mean_policy=np.stack([ledger.policy_sum for ledger in ledgers]) / played,
            regret=np.stack([ledger.regret for ledger in ledgers]),
            diagnostics=np.stack([ledger.diagnostics for ledger in ledgers]),
        )
