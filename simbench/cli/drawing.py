"""`figures`: the figures of the paper, drawn from stored results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simbench.cli.output import AsJson, Preset, print_json, say
from simbench.errors import SimbenchError

if TYPE_CHECKING:
    from simbench.show.figures import Drawn

REFERENCE = "reference"


def figures(
    name: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all.")] = None,
    source: Annotated[
        str, typer.Option("--from", metavar="reference|DIR", help="The results to draw from.")
    ] = "results",
    preset: Preset = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where PDF and PNG go.")] = Path("results/figures"),
    json: AsJson = False,
) -> None:
    """Draw figures from stored results."""
    from simbench.show.figures import draw_figures

    shipped = source == REFERENCE
    if not shipped and not Path(source).is_dir():
        raise SimbenchError(
            f"--from {source} is no folder of results; run a study first, or use --from reference."
        )
    results = Path("results") if shipped else Path(source)
    drawn = draw_figures(name or None, results=results, out=out, preset=preset, from_reference=shipped)
    if json:
        print_json([figure_row(figure) for figure in drawn])
        return
    for figure in drawn:
        for file in figure.files:
            typer.echo(str(file))
        if figure.note:
            say(f"{figure.name}: {figure.note}")


def figure_row(figure: "Drawn") -> dict[str, object]:
    """Return a drawn figure as plain values."""
    return {
        "name": figure.name,
        "files": [str(file) for file in figure.files],
        "studies": figure.studies,
        "partial": figure.partial,
        "note": figure.note,
    }
