"""`speed`: how fast the engines are on this machine, against the floor and against plain NumPy."""

from typing import Annotated

import typer

from simbench.cli.output import AsJson, print_columns, print_json


def speed(
    row: Annotated[
        list[str] | None, typer.Argument(metavar="[ROW]...", help="Rows to measure; default: all.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Measure how fast this machine plays."""
    from simbench.study.execution.one_core import one_core

    with one_core():
        from simbench.engine.speed import measure_speed

        rows = measure_speed(row or None)
    if json:
        print_json(rows)
        return
    header = ("name", "engine", "rate", "unit", "of the floor", "times naive")
    print_columns([header, *((r["name"], r["engine"], *_numbers(r)) for r in rows)])


def _numbers(row: dict[str, object]) -> tuple[str, str, str, str]:
    return f"{row['rate']:.3g}", str(row["unit"]), _ratio(row["floor_ratio"]), _ratio(row["naive_ratio"])


def _ratio(value: object) -> str:
    return "" if value is None else f"{value:.3g}"
