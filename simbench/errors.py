"""Errors a person can act on: one sentence, no traceback, exit code 2 on the command line."""

import difflib
from collections.abc import Iterable


class SimbenchError(ValueError):
    """Bad input or a refused request. The message names the file or key, the value, and what is allowed."""

    exit_code = 2  # of the command line


class UnknownNameError(SimbenchError):
    """A name that nothing is registered under; the message offers the nearest valid one."""


class FailedUnitsError(SimbenchError):
    """Some units of a study failed; all others were computed and are kept. The message names the failures."""

    exit_code = 1


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a sentence that offers the valid name closest to `name`, or lists all when none is close."""
    known = sorted(allowed)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(known)}." if known else "None are known."
