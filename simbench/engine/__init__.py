"""Engines: run learners on the tape, round by round, many runs at once."""

from simbench.engine.checkpoints import log_checkpoints
from simbench.engine.digest import RESULT_PACKAGES, source_digest
from simbench.engine.run import BLOCK, DEFAULT_QUANTITIES, ENGINES, choose_engine, run_block

__all__ = [
    "BLOCK",
    "DEFAULT_QUANTITIES",
    "ENGINES",
    "RESULT_PACKAGES",
    "choose_engine",
    "log_checkpoints",
    "run_block",
    "source_digest",
]
