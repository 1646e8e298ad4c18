"""`new`: a filled-in template that runs."""

from pathlib import Path
from typing import Annotated

import typer


def new(
    kind: Annotated[str, typer.Argument(metavar="claim|learner|family|environment|experiment|figure")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and _.")],
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="What a new experiment runs in.")
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Of a claim: instances, order, rate or probable. Of a learner: round, batch, collecting or iterative.",
        ),
    ] = None,
) -> None:
    """Write a filled-in template that runs."""
    from simbench.study.scaffold import scaffold

    written = scaffold(kind, name, folder=Path(), environment=environment, variant=variant)
    for file in written.files:
        typer.echo(f"wrote {file}")
    typer.echo(f"next: {written.command}")
