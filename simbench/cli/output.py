"""What commands print: one JSON array and nothing else, or columns for a person; complaints on standard error."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON array on standard output and nothing else.")
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="A Python file of your own; may be repeated."),
]
Preset = Annotated[str | None, typer.Option(metavar="NAME", help="quick, paper, or what the study has.")]
EngineName = Annotated[str, typer.Option(metavar="auto|numba|jax", help="Which implementation computes.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The results folder.")]


def print_json(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as one JSON array; numbers that JSON lacks (nan, inf) become null."""
    typer.echo(json.dumps([{key: _plain(value) for key, value in row.items()} for row in rows], indent=1))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with aligned columns, the last one unbounded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def say(sentence: str) -> None:
    """Print a remark on standard error, so that standard output stays what was asked for."""
    typer.echo(f"note: {sentence}", err=True)


def complain(message: str) -> None:
    """Print an error as one paragraph on standard error."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)


def duration(seconds: float) -> str:
    """Write seconds as a person would: 0.4 s, 12 s, 3 min, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def counted(count: int, one: str, many: str) -> str:
    """Write a count with its noun."""
    return f"{count} {one if count == 1 else many}"


def size(count: float) -> str:
    """Write bytes as a person would: 310 MB, 2.4 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{math.ceil(count / 1e6)} MB"
