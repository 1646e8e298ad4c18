"""The blocks of TPO inside a kernel, whatever is fitted: whose round it is, what was chosen, what is worth most.

Arms are the sources 0 … W - 1 and pi_OFF, W; a round of the online learner chose none of them. The last W + 1
diagnostics of a state count rounds: of pi_OFF, then of each source.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simbench.learners.kernels.recipe import Rules
from simbench.quantities.values.value import TIE
from simbench.tape.kernel import inner

if TYPE_CHECKING:
    from simbench.learners.transfer.tpo import TPO

ONLINE = -1  # what was chosen in a round of the online learner; 0 … W - 1 are sources, W is pi_OFF


class Blocks(NamedTuple):
    """Rounds of a block, how many of them come first and are the online learner's, and what that learns from."""

    block: int
    online_rounds: int
    online_sees_all: bool
    refresh: Rules  # when pi_OFF is renewed; its other numbers are idle


def blocks(learner: "TPO") -> Blocks:
    """Return the numbers of a TPO's blocks."""
    schedule = learner.schedule()
    return Blocks(
        block=int(learner.block),
        online_rounds=learner.online_rounds,
        online_sees_all=learner.online_data == "all",
        refresh=Rules(
            loss=0,
            bonus=0,
            per_label=0.0,
            schedule=int(schedule.code or 0),
            period=int(schedule.period),
            offline=0,
            marks=np.array(schedule.marks, dtype=np.int64),
        ),
    )


@inner
def online_plays(blocks, round_index):
    """Return whether the round is the online learner's."""
    return round_index % blocks.block < blocks.online_rounds


@inner
def online_learns(blocks, round_index):
    """Return whether the online learner sees the label of the round."""
    return blocks.online_sees_all or online_plays(blocks, round_index)


@inner
def count_round(diagnostics, sources, chosen):
    """Enter what was chosen into the counts of pi_OFF and the sources."""
    if chosen == sources:
        diagnostics[diagnostics.shape[0] - 1 - sources] += 1.0
    elif chosen != ONLINE:
        diagnostics[diagnostics.shape[0] - sources + chosen] += 1.0


@inner
def pulls(diagnostics, sources, w):
    """Return N_w."""
    return diagnostics[diagnostics.shape[0] - sources + w]


@inner
def first_largest(values):
    """Return the first index within 1e-9 of the largest value; +inf equals +inf."""
    top = values[0]
    for i in range(1, values.shape[0]):
        top = max(top, values[i])
    first = 0
    while values[first] < top - TIE:
        first += 1
    return first


@inner
def copy_rows(rows, into, low, high):
    """Write rows low, …, high - 1 of one table `[S, A]` over those of another."""
    for s in range(low, high):
        for a in range(into.shape[1]):
            into[s, a] = rows[s, a]
