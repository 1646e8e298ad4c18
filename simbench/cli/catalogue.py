"""`list`: what there is, by name, with its source and one sentence."""

import inspect
import re
import sys
from typing import Annotated, Any

import typer

from simbench.cli.output import AsJson, Plugins, print_columns, print_json
from simbench.errors import SimbenchError, nearest

KINDS = ("environments", "modifiers", "experiments", "learners", "claims", "figures")
Row = dict[str, str]


def list_things(
    kind: Annotated[str | None, typer.Argument(metavar="|".join(KINDS), help="Default: all of them.")] = None,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """List environments, experiments, learners, …"""
    if kind is not None and kind not in KINDS:
        raise SimbenchError(f"there is no list of '{kind}'. {nearest(kind, KINDS)}")
    if plugin:
        from simbench.study.execution.plugins import load_plugins

        load_plugins(plugin)
    listings = {name: rows_of(name) for name in ([kind] if kind else KINDS)}
    if json:
        print_json([row for rows in listings.values() for row in rows])
        return
    for name, rows in listings.items():
        if len(listings) > 1:
            typer.echo(f"{name}:")
        if rows:
            print_columns(
                [("  " * (len(listings) > 1) + row["name"], row["summary"], row["source"]) for row in rows]
            )
        else:
            typer.echo("  none")


def rows_of(kind: str) -> list[Row]:
    """Return `{name, source, summary}` for everything of a kind, sorted by name."""
    if kind in ("environments", "experiments"):
        return [_file_row(kind, name) for name in _named_files(kind)]
    if kind == "figures":
        return _figure_rows()
    from simbench import registry

    things = registry.everything(kind.removesuffix("s"))
    return [_thing_row(name, thing) for name, thing in things.items()]


def _named_files(kind: str) -> list[str]:
    from simbench import named_files

    return named_files.names(kind)


def _file_row(kind: str, name: str) -> Row:
    from simbench import named_files

    table = named_files.read_toml(named_files.find(kind, name))
    summary = table.get("summary" if kind == "environments" else "question", "")
    return {"name": name, "source": str(table.get("source", "")), "summary": str(summary)}


def _figure_rows() -> list[Row]:
    from simbench.show import figures

    return [
        {"name": figure.name, "source": figure.source, "summary": figure.summary}
        for figure in figures.list_figures()
    ]


def _thing_row(name: str, thing: Any) -> Row:
    """Describe a registered class by its docstring; its source is its own, else what its module's lecture cites."""
    summary = (inspect.getdoc(thing) or "").partition("\n")[0]
    return {"name": name, "source": _source(thing), "summary": summary}


def _source(thing: Any) -> str:
    given = getattr(thing, "source", None)
    if isinstance(given, str):
        return given
    module = sys.modules.get(getattr(thing, "__module__", ""))
    for text in (inspect.getdoc(thing), getattr(module, "__doc__", None)):
        found = re.search(r"\bSource:\s*(.+?)\.?\s*(?:\n\s*\n|$)", text or "", flags=re.DOTALL)
        if found:
            return " ".join(found[1].split())
    return ""
