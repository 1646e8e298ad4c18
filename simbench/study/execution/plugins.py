"""A user's Python files, loaded once per process: where a study is read, and again in every worker."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from simbench.registry import UnfitClaimWarning, load_plugin

_loaded: dict[str, bytes] = {}


def load_plugins(paths: Sequence[str | Path]) -> list[str]:
    """Load each file unless this process has it already in its present form; return the absolute paths.

    Raises `SimbenchError` naming the file that is missing, is not Python, or fails while loading.
    """
    absolute = [str(Path(path).resolve()) for path in paths]
    for path in absolute:
        content = Path(path).read_bytes() if Path(path).is_file() else b""
        if _loaded.get(path) != content:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnfitClaimWarning)  # `claims` says it in a sentence
                load_plugin(path)
            _loaded[path] = content
    return absolute
