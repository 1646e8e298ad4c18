"""When to refit, inside a kernel: the twin of learners/parts/schedules.py."""

from simbench.learners.kernels.codes import EVERY
from simbench.tape.kernel import inner

NONE, ALL = -1, -2  # what `observe` returns when no row, or any row, of the slot-1 policy may have changed
WAIT, THIS_PROMPT, EVERYTHING = 0, 1, 2


@inner
def refit_due(rules, round_index):
    """Return whether to refit after this round: not at all, the label's prompt, or everything."""
    online = round_index - rules.offline
    if online < 0:
        return EVERYTHING if online == -1 else WAIT
    if rules.schedule == EVERY:
        if rules.period == 1:
            return THIS_PROMPT
        return EVERYTHING if (online + 1) % rules.period == 0 else WAIT
    low, high = 0, rules.marks.shape[0]
    while low < high:
        middle = (low + high) // 2
        if rules.marks[middle] < online + 1:
            low = middle + 1
        else:
            high = middle
    return EVERYTHING if low < rules.marks.shape[0] and rules.marks[low] == online + 1 else WAIT
