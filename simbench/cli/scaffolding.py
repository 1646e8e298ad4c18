"""`new`: a filled-in template that runs."""

from pathlib import Path
from typing import Annotated

import typer


def new(
    kind: Annotated[str, typer.Argument(metavar="claim|learner|environment|experiment")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and _.")],
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="What a new experiment runs in.")
    ] = None,
    about: Annotated[
        str | None,
        typer.Option("--kind", metavar="instances|order|rate|probable", help="What a new claim speaks of."),
    ] = None,
) -> None:
    """Write a filled-in template that runs."""
    from simbench.study.scaffold import scaffold

    written = scaffold(kind, name, folder=Path(), environment=environment, about=about)
    for file in written.files:
        typer.echo(f"wrote {file}")
    typer.echo(f"next: {written.command}")
