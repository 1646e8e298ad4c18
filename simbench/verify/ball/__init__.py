"""Ball arithmetic: a claim's jaxpr interpreted over the reals, every number an enclosure.

Sound because of two things: each rule's output contains the exact result for every choice of inputs from its
balls (python-flint's `arb` does the numbers), and an undecided comparison is never guessed. See
`interpreter.py`.
"""

from simbench.verify.ball import (
    control_flow,
    elementwise,
    eliminations,
    linear_algebra,
    movement,
    quantities,
    reductions,
)
from simbench.verify.ball.extended import to_interval
from simbench.verify.ball.interpreter import (
    RULES,
    Undecided,
    UnknownPrimitiveError,
    enclose,
    working_precision,
)
from simbench.verify.ball.named import encloses, encloses_root

__all__ = [
    "RULES",
    "Undecided",
    "UnknownPrimitiveError",
    "control_flow",
    "elementwise",
    "eliminations",
    "enclose",
    "encloses",
    "encloses_root",
    "linear_algebra",
    "movement",
    "quantities",
    "reductions",
    "to_interval",
    "working_precision",
]
