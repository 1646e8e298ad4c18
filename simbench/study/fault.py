"""A foreign error in words: its type, its message, and the innermost line outside the installed packages."""

import traceback
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def fault(error: BaseException) -> str:
    """Return what went wrong and where; in a plug-in, that is the user's own line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"


def is_foreign(error: BaseException) -> bool:
    """Return whether the error was raised outside simbench, by a user's own text."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not Path(frames[-1].filename).resolve().is_relative_to(_PACKAGE)
