"""A regret curve: mean over runs, its interval, the spread of single runs, and the law it grows by.

The horizontal axis counts labels on a log scale, so that log T is a straight line, a plateau is flat, and linear
regret leaves the panel. What is written beside a learner is the growth law of the last decades, chosen and fitted by
`simbench.show.growth`; a law that the runs decide is drawn over the data.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from simbench.engine.currencies import CURRENCIES
from simbench.errors import SimbenchError
from simbench.quantities import MEASURED
from simbench.show import marks
from simbench.show.bands import SPREAD, mean_band, over
from simbench.show.growth import enough_for_law, growth_law
from simbench.show.growth_law import GrowthLaw
from simbench.show.style import Look, looks, paper_style
from simbench.verify.statistical.runs import LEVEL, RunMatrix, run_matrix


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
    """One learner's curve as drawn: its runs, its band, and its law when it is a cumulative regret."""

    learner: str
    matrix: RunMatrix
    band: pd.DataFrame
    law: GrowthLaw | None

    @property
    def label(self) -> str:
        """The learner, and how its regret grows."""
        return self.learner if self.law is None else f"{self.learner}: {self.law.latex()}"


def regret_curves(table: pd.DataFrame, column: str, *, decades: float = 2.0) -> list[Curve]:
    """Return the curve of every learner in a table of one setting, with growth laws for the regret currencies.

    A trace too short or with too few runs for a law has none.

    Args:
        table: tidy results of one setting.
        column: a regret currency, or any quantity.
        decades: how many decades of rounds the growth law is fitted to.

    Raises:
        SimbenchError: for a missing column, or a table of several settings.
    """
    one_setting(table)
    curves = []
    for learner in table["learner"].drop_duplicates():
        matrix = run_matrix(table[table["learner"] == learner], column)
        fits = column in CURRENCIES and enough_for_law(matrix, decades=decades)
        law = growth_law(matrix, decades=decades) if fits else None
        curves.append(Curve(learner=str(learner), matrix=matrix, band=mean_band(matrix), law=law))
    return curves


def one_setting(table: pd.DataFrame) -> None:
    """Raise `SimbenchError` when a table holds results of several settings."""
    settings = list(table["setting"].drop_duplicates()) if "setting" in table else []
    if len(settings) > 1:
        raise SimbenchError(
            f"the table holds {len(settings)} settings ({settings[0]}; {settings[1]}; …); select one of them first."
        )


def draw_curves(ax: Any, curves: list[Curve], *, spread: Collection[str] | None = None) -> list[Any]:
    """Draw bands, means and decided laws (thin, black); return the lines, one per curve.

    Args:
        ax: matplotlib axes.
        curves: what to draw.
        spread: learners whose pale band, the spread of single runs, is drawn; None means all.
    """
    look = looks(curve.learner for curve in curves)
    lines = []
    for curve in curves:
        shown = spread is None or curve.learner in spread
        lines.append(_draw_band(ax, curve.band, look[curve.learner], spread=shown))
        if curve.law is not None and curve.law.decided:
            _draw_law(ax, curve.law)
    ax.set_xscale("log")
    ax.set_xlabel("labels $T$")
    return lines


def _draw_band(ax: Any, band: pd.DataFrame, look: Look, *, spread: bool) -> Any:
    x = band["round"]
    if spread:
        marks.band(ax, x, band["spread_low"], band["spread_high"], color=look.color, alpha=0.13)
    marks.band(ax, x, band["low"], band["high"], color=look.color, alpha=0.35)
    return marks.line(ax, x, band["mean"], look=look, marker=look.marker, markevery=0.18)


def _draw_law(ax: Any, law: GrowthLaw) -> None:
    first, last = law.window
    rounds = np.geomspace(law.stop if law.shape == "stop" else first, last, 100)
    ax.plot(rounds, law(rounds), color="black", linewidth=0.6, zorder=3)


def axis_label(column: str) -> str:
    """Return a column's name and unit for an axis."""
    if column in CURRENCIES:
        return f"{CURRENCIES[column].title} ({_unit(CURRENCIES[column].gap)})"
    name = column.removeprefix("average_")
    if name in MEASURED:
        return f"{column.replace('_', ' ')} ({_unit(name)})"
    return column.replace("_", " ")


def _unit(quantity: str) -> str:
    unit = MEASURED[quantity].unit
    return {"reward": "reward units"}.get(unit, unit)


def band_caption(curves: list[Curve]) -> str:
    """Return the sentence that says what the bands are."""
    runs, instances = curves[0].matrix.runs, curves[0].matrix.instances
    return (
        f"{runs} runs in {instances} world{'s' if instances > 1 else ''}; dark band: {LEVEL:.0%} interval of the "
        f"mean {over(instances)}, pale band: central {SPREAD:.0%} of runs"
    )


def plot_trace(table: pd.DataFrame, column: str, ax: Any = None) -> Any:
    """Plot one column of a trace against the number of labels, a line per learner; return the axes.

    Args:
        table: what `Trace.to_pandas()` returns: one setting, any number of learners, instances and runs.
        column: a regret currency (drawn with its growth law), a quantity or a diagnostic.
        ax: matplotlib axes to draw into; None makes a new figure.

    Raises:
        SimbenchError: when the table has no such column or holds several settings.
    """
    import matplotlib.pyplot as plt

    with paper_style():
        curves = regret_curves(table, column)
        if ax is None:
            _, ax = plt.subplots(figsize=(4.5, 3.0))
        lines = draw_curves(ax, curves)
        ax.set_ylabel(axis_label(column))
        ax.legend(lines, [curve.label for curve in curves])
    return ax
