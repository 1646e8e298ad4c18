"""Figures from results: PDF and PNG, the same bytes from the same numbers, and marked when results are partial."""

import argparse
import dataclasses
import io
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from simbench import named_files
from simbench.errors import SimbenchError
from simbench.show.figure_script import FigureScript, list_figures, load_figure
from simbench.show.reference import read_reference, reference_folders
from simbench.show.style import PNG_DPI, WARNING, paper_style
from simbench.study.execution.workers import spread
from simbench.study.fault import fault
from simbench.study.table import load_table
from simbench.whole_file import write_whole

__all__ = ["Drawn", "draw_figures", "list_figures", "main"]

# No dates and no versions: the file depends on what is drawn alone.
METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "png": {"Software": None},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawn:
    """A figure that was drawn, or not for want of results.

    Attributes:
        name: of the figure.
        files: PDF and PNG; empty when nothing was drawn, for want of results or of those among them that it needs.
        studies: whose results it shows; none for a figure drawn from claims.
        claims: which claims it illustrates.
        partial: whether results are missing, as the figure itself says.
        note: what the reader should know, or "".
    """

    name: str
    files: list[Path]
    studies: list[str]
    claims: list[str]
    partial: bool
    note: str


def draw_figures(
    names: list[str] | None = None,
    *,
    results: Path = Path("results"),
    out: Path = Path("results/figures"),
    preset: str | None = None,
    from_reference: bool = False,
    tables: Mapping[str, pd.DataFrame] | None = None,
    workers: int = 1,
) -> list[Drawn]:
    """Draw figures into `out`, each as PDF and PNG.

    Args:
        names: which figures (names or paths of scripts); None means all, leaving out those without results.
        results: the results folder that studies were run into; a folder of reference results means `from_reference`.
        out: folder for the files.
        preset: which preset's results.
        from_reference: draw the committed reference results instead.
        tables: draw from these tables of studies, by name, and read nothing.
        workers: processes that draw, each a figure at a time; 1 draws here.

    Raises:
        SimbenchError: an unknown figure, a named figure whose study has no results, or no results at all.
    """
    scripts = [load_figure(name) for name in (named_files.names("paper_figures") if names is None else names)]
    shipped = [folder.resolve() for folder in reference_folders()]
    from_reference = from_reference or results.resolve() in shipped

    def table_of(study: str) -> pd.DataFrame:
        if tables is None:
            return _table(study, preset, results, from_reference)
        if study not in tables:
            raise SimbenchError(
                f"there is no table of study '{study}'; there are {', '.join(sorted(tables))}."
            )
        return tables[study]

    ready: list[tuple[FigureScript, dict[str, pd.DataFrame] | None, str]] = []
    for script in scripts:
        try:
            read = {study: table_of(study) for study in script.studies}
        except SimbenchError as error:
            if names is not None:
                raise
            ready.append((script, None, str(error)))
        else:
            ready.append((script, read, ""))
    notes = [note for _, read, note in ready if read is None]
    # A figure without studies is drawn from claims; it does not make up for results that are missing everywhere.
    if not ready or (notes and not any(read for _, read, _ in ready)):
        raise SimbenchError(notes[0] if notes else "there are no figures in paper_figures.")
    tasks = [(script.name, read, out) for script, read, _ in ready if read is not None]
    if workers == 1:
        drawn = {script.name: _draw(script, read, out) for script, read, _ in ready if read is not None}
    else:
        drawn = {figure.name: figure for figure in spread(_draw_by_name, tasks, workers=workers)}
    return [
        _drawn(script, files=[], partial=False, note=note) if read is None else drawn[script.name]
        for script, read, note in ready
    ]


def _draw_by_name(task: tuple[str, dict[str, pd.DataFrame], Path]) -> Drawn:
    name, tables, out = task
    return _draw(load_figure(name), tables, out)


def _table(study: str, preset: str | None, results: Path, from_reference: bool) -> pd.DataFrame:
    return read_reference(study, preset) if from_reference else load_table(study, preset, results)


def _draw(script: FigureScript, tables: dict[str, pd.DataFrame], out: Path) -> Drawn:
    holes = [_hole(table) for table in tables.values() if table.attrs.get("partial", False)]
    notes = [table.attrs["note"] for table in tables.values() if table.attrs.get("note")]
    files: list[Path] = []
    with paper_style():
        try:
            with warnings.catch_warnings():
                if holes:
                    warnings.simplefilter("ignore")  # means of nothing, panels without marks
                figure = script.draw(tables)
                if holes:
                    _mark(figure, "\n".join(["PARTIAL RESULT", *holes]))
                    figure.canvas.draw()
        except Exception as error:
            if not holes:
                raise
            # What a figure needs may be just what is missing.
            notes.append(f"it cannot be drawn from a part of its results ({fault(error)}):")
        else:
            files = save(figure, out / script.name)
    return _drawn(script, files=files, partial=bool(holes), note=" ".join([*notes, *holes]))


def _mark(figure: Any, text: str) -> None:
    """Write across the whole figure, over everything, whatever its layout."""
    figure.text(
        0.5, 0.5, text, rotation=20.0, ha="center", va="center", fontsize=22, fontweight="bold", color=WARNING,
        alpha=0.4, zorder=100, in_layout=False,
    )  # fmt: skip


def _hole(table: pd.DataFrame) -> str:
    units = table.attrs["units"]
    return f"{units['done']} of {units['total']} units of {table.attrs['study']}"


def _drawn(script: FigureScript, *, files: list[Path], partial: bool, note: str) -> Drawn:
    return Drawn(
        name=script.name,
        files=files,
        studies=script.studies,
        claims=script.claims,
        partial=partial,
        note=note,
    )


def save(figure: Any, stem: Path) -> list[Path]:
    """Write `stem`.pdf and `stem`.png without dates or versions; return both.

    Raises `SimbenchError` when the folder cannot be written to; files that were there are then as they were.
    """
    files = [stem.parent / f"{stem.name}.{suffix}" for suffix in METADATA]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        contents = []
        for suffix, metadata in METADATA.items():
            sink = io.BytesIO()
            figure.savefig(sink, format=suffix, dpi=PNG_DPI, metadata=metadata)
            contents.append(sink.getvalue())
            # The layout stands; finding it again takes a quarter of the time.
            figure.set_layout_engine("none")
        for file, content in zip(files, contents, strict=True):
            write_whole(file, content)
    except OSError as error:
        raise SimbenchError(f"figures cannot be written to {stem.parent}: {error.strerror}.") from None
    return files


def main(script: str) -> None:
    """Draw one figure script from the command line: what `python paper_figures/<name>.py` does."""
    parser = argparse.ArgumentParser(description=load_figure(Path(script)).summary)
    parser.add_argument("--results", type=Path, default=Path("results"), help="where studies were run into")
    parser.add_argument("--out", type=Path, default=Path("results/figures"), help="folder for PDF and PNG")
    parser.add_argument("--preset", help="which preset's results")
    parser.add_argument(
        "--from", dest="origin", choices=["reference"], help="draw the committed reference results"
    )
    given = parser.parse_args()
    try:
        drawn = draw_figures(
            [script],
            results=given.results,
            out=given.out,
            preset=given.preset,
            from_reference=given.origin is not None,
        )
    except SimbenchError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    for figure in drawn:
        print(*figure.files, sep="\n")
        if figure.note:
            print(figure.note, file=sys.stderr)
