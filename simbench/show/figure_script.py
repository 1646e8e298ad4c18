"""A figure script: a Python file that says which studies it reads, which claims it illustrates, and how to draw.

    \"\"\"First line: what the figure shows. … Source: citations.\"\"\"
    STUDIES = ["greedy_regret"]
    CLAIMS = []
    def draw(tables): ...        # {study: tidy table} -> matplotlib Figure

It lies in `paper_figures/`, is found by name, draws in memory only, and is runnable alone.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from simbench import named_files
from simbench.errors import SimbenchError
from simbench.python_file import run_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class FigureScript:
    """One entry of the registry figure -> studies -> claims."""

    name: str
    summary: str
    source: str
    studies: list[str]
    claims: list[str]
    draw: Callable[[dict[str, pd.DataFrame]], Any]


def load_figure(name: str | Path) -> FigureScript:
    """Return the figure called `name`, or the one in the script at a path.

    Raises `UnknownNameError` for an unknown name, and `SimbenchError` for a script that lacks one of its four parts.
    """
    file = named_files.find("paper_figures", name)
    module = _run(file)
    text = inspect.getdoc(module) or ""
    for part, kind in (("STUDIES", list), ("CLAIMS", list)):
        if not isinstance(getattr(module, part, None), kind):
            raise SimbenchError(f"figure script {file} has no {part}; it must be a list of names.")
    if not callable(getattr(module, "draw", None)):
        raise SimbenchError(f"figure script {file} has no function draw(tables).")
    cited = re.search(r"Source:\s*(.+?)\.?\s*\Z", text, flags=re.DOTALL)
    if not text or cited is None:
        raise SimbenchError(f"figure script {file} needs a docstring that ends in 'Source: …'.")
    return FigureScript(
        name=file.stem,
        summary=text.partition("\n")[0],
        source=" ".join(cited[1].split()),
        studies=list(module.STUDIES),
        claims=list(module.CLAIMS),
        draw=module.draw,
    )


def list_figures() -> list[FigureScript]:
    """Return every figure by name."""
    return [load_figure(name) for name in named_files.names("paper_figures")]


def _run(file: Path) -> Any:
    if file.suffix != ".py":
        raise SimbenchError(f"figure script {file} is not a Python file.")
    return run_file(f"simbench_figure_{file.stem}", file)
