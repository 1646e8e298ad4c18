"""The commands, and the one place where errors become paragraphs.

Bad input (`SimbenchError`, a wrong option) ends in `error: …` on standard error and exit code 2. Units of a study that
failed end in the same with exit code 1, when all others are done. Ctrl-C ends in a sentence that says what is kept, and
exit code 130; SIGTERM likewise, and 143. Anything else is a defect of simbench and shows its traceback.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from simbench.cli import catalogue, claims, drawing, reproducing, scaffolding, speeding, studies
from simbench.cli.output import complain
from simbench.errors import SimbenchError
from simbench.study.execution import interrupts

T = TypeVar("T")


class Commands(TyperGroup):
    """The group of commands, with errors turned into paragraphs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what stands before the command's name."""
        return _paragraphs(lambda: super(Commands, self).parse_args(ctx, args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        return _paragraphs(lambda: super(Commands, self).invoke(ctx))


def _paragraphs(step: Callable[[], T]) -> T:
    try:
        result = step()
        interrupts.look()
        return result
    except SimbenchError as error:
        complain(str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as interrupt:
        typer.echo(str(interrupt) or "interrupted.", err=True)
        raise typer.Exit(interrupts.answered()) from None
    except Exception as error:
        # A wrong option or argument; typer carries its own copy of click, so its errors are known by their method.
        if not hasattr(error, "format_message") or type(error).__name__ == "NoArgsIsHelpError":
            raise
        complain(error.format_message())
    raise typer.Exit(2)


app = typer.Typer(
    cls=Commands,
    name="simbench",
    help="A laboratory for the theory of preference learning: worlds in which everything is known.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("list")(catalogue.list_things)
app.command("run")(studies.run)
app.command("status")(studies.status)
app.command("claims")(claims.claims)
app.command("explain")(claims.explain)
app.command("hunt")(claims.hunt)
app.command("figures")(drawing.figures)
app.command("speed")(speeding.speed)
app.command("new")(scaffolding.new)
app.command("reproduce")(reproducing.reproduce)
