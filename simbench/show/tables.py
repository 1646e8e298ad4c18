"""Tables for a terminal and for Markdown: the numbers of a figure, with their intervals, in words."""

import math
from collections.abc import Collection, Sequence

import pandas as pd

from simbench.engine.currencies import CURRENCIES
from simbench.errors import SimbenchError
from simbench.show.curves import regret_curves
from simbench.show.growth_law import GrowthLaw, number

Rows = Sequence[Sequence[str]]


def text_table(header: Sequence[str], rows: Rows) -> str:
    """Return columns aligned with spaces, two between columns, a rule under the header."""
    _check(header, rows)
    widths = [max(len(line[i]) for line in (header, *rows)) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def markdown_table(header: Sequence[str], rows: Rows) -> str:
    """Return a GitHub-flavoured Markdown table; a vertical bar in a cell is escaped."""
    _check(header, rows)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def law_rows(
    table: pd.DataFrame, *, currencies: Collection[str] = tuple(CURRENCIES), decades: float = 2.0
) -> tuple[list[str], list[list[str]]]:
    """Return header and rows that say how every learner's regret grows, in each currency that the table has.

    Args:
        table: tidy results of one setting.
        currencies: columns to fit, all of them by default.
        decades: how many decades of rounds the laws are fitted to.
    """
    header = ["learner", "currency", "regret at the end", "growth law", "exponent p of dR/dlog T", "R^2"]
    rows = []
    for column, currency in CURRENCIES.items():
        if column not in table.columns or column not in currencies:
            continue
        for curve in regret_curves(table, column, decades=decades):
            last = curve.band.iloc[-1]
            height = f"{number(last['mean'])} [{number(last['low'])}, {number(last['high'])}]"
            rows.append([curve.learner, currency.title, height, *_law_cells(curve.law)])
    return header, rows


def _law_cells(law: GrowthLaw | None) -> list[str]:
    if law is None:
        return ["too few runs or rounds", "-", "-"]
    low, high = law.free_exponent_interval
    exponent = "-" if math.isnan(low) else f"{law.free_exponent:.2f} [{low:.2f}, {high:.2f}]"
    fit = "-" if math.isnan(law.r_squared) else f"{law.r_squared:.4f}"
    return [law.sentence(), exponent, fit]


def _check(header: Sequence[str], rows: Rows) -> None:
    for row in rows:
        if len(row) != len(header):
            raise SimbenchError(f"a row of {len(row)} cells under a header of {len(header)}: {list(row)}.")
