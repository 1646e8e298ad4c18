"""Engines: run learners on the tape, round by round or batch by batch, many runs at once."""

from simbench.engine.batches import MOST_LABELS, run_batches
from simbench.engine.checkpoints import log_checkpoints
from simbench.engine.currencies import CURRENCIES, PAYOFFS
from simbench.engine.numba_engine import loop_name
from simbench.engine.rows import BLOCK, DEFAULT_QUANTITIES, UNASKED_QUANTITIES, quantities_of
from simbench.engine.run import ENGINES, LAST_ROUND, choose_engine, run_block
from simbench.engine.sealed import kernel_cache
from simbench.engine.steps import run_steps, runs_of

__all__ = [
    "BLOCK",
    "CURRENCIES",
    "DEFAULT_QUANTITIES",
    "ENGINES",
    "LAST_ROUND",
    "MOST_LABELS",
    "PAYOFFS",
    "UNASKED_QUANTITIES",
    "choose_engine",
    "kernel_cache",
    "log_checkpoints",
    "loop_name",
    "quantities_of",
    "run_batches",
    "run_block",
    "run_steps",
    "runs_of",
]
