"""What many sources cost, and how sensitive transfer is to its constants.

Left: regret at a fixed T against the number of sources W, whose gaps run from .03 to .25; W = 0, self-transfer alone,
is written at the margin. Published bounds of the first phase grow like sqrt(W) and like W (thin lines, through the
point at four sources); the fitted exponent is that of TPO from there on. Right: regret at a fixed T against the scale c
of the optimism about sources, for shares alpha of online rounds; alpha = 1 is the online learner alone, c = 1 the
re-derivation's. Bars: bootstrap interval of the mean.
Source: huang2025, Theorem 4.4 and Algorithm 2; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.show.bands import mean_band, over
from simbench.show.style import DOUBLE_COLUMN, LOOKS, SMALL_FONT_SIZE, Look, new_figure
from simbench.verify.statistical.runs import LEVEL, run_matrix

STUDIES = ["transfer_sources", "transfer_constants"]
CLAIMS = ["transfer_price_of_many_sources"]

NUMBER = "environment.sources.number"
SCALE, SHARE = "learner.TPO.bonus_scale", "learner.TPO.share"
FIRST = 4  # sources, from which the exponent is read, as in the claim


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    figure = new_figure(width=DOUBLE_COLUMN, height=3.1)
    left, right = figure.subplots(1, 2)
    told = [
        draw_sources(left, _last(tables["transfer_sources"])),
        draw_constants(right, _last(tables["transfer_constants"])),
    ]
    # Neither panel has a corner that stays free at all sizes of a study.
    for ax, place, columns in ((left, "outside upper left", 2), (right, "outside upper right", 3)):
        handles, labels = ax.get_legend_handles_labels()
        figure.legend(handles, labels, loc=place, ncols=columns, handlelength=2.6)
    figure.supxlabel("; ".join(told) + f"; bars: {LEVEL:.0%} interval of the mean", fontsize=SMALL_FONT_SIZE)
    return figure


def draw_sources(ax: Any, table: pd.DataFrame) -> str:
    """Draw regret against W; return how many runs there are."""
    for learner, look in zip(("TPO", "TPO, theory"), (LOOKS[0], LOOKS[3]), strict=True):
        rows = table[table["learner"] == learner]
        points = _points(rows[rows[NUMBER] > 0], NUMBER)
        label = learner
        if learner == "TPO":
            late = points[points[:, 0] >= FIRST]
            label += rf": $W^{{{np.polyfit(np.log(late[:, 0]), np.log(late[:, 1]), 1)[0]:.2f}}}$"
            for power, style, name in ((0.5, ":", r"$\sqrt{W}$"), (1.0, "--", "$W$")):
                ends = np.array([late[0, 0], late[-1, 0]])
                ax.plot(ends, late[0, 1] * (ends / ends[0]) ** power, color="black", linewidth=0.6, linestyle=style,
                        label=name)  # fmt: skip
        _bars(ax, points, look, label)
        none = rows[rows[NUMBER] == 0]
        if learner == "TPO" and not none.empty:
            ax.text(0.02, 0.97, f"$W=0$: {none['regret'].mean():.0f}", transform=ax.transAxes, va="top",
                    fontsize=SMALL_FONT_SIZE)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="sources $W$", ylabel="regret (reward units)")
    shown = sorted({int(x) for x in table[NUMBER].unique() if x > 0})
    ax.set_xticks(shown, [str(x) for x in shown], minor=False)
    ax.minorticks_off()
    ax.set_title(f"after {int(table['round'].max()):,} labels")
    return f"left: {_count(table)}"


def draw_constants(ax: Any, table: pd.DataFrame) -> str:
    """Draw regret against c for every share; return how many runs there are."""
    scales = sorted(table[SCALE].unique())
    places = {scale: i for i, scale in enumerate(scales)}
    for look, (share, rows) in zip(LOOKS, table.groupby(SHARE), strict=False):
        points = _points(rows, SCALE)
        points[:, 0] = [places[x] for x in points[:, 0]]
        _bars(ax, points, look, rf"$\alpha={share:g}$")
    ax.set_xticks(range(len(scales)), [f"{scale:g}" for scale in scales])
    ax.set(xlabel="$c$, scale of the optimism about sources", yscale="log")
    ax.set_title(f"four sources, after {int(table['round'].max()):,} labels")
    return f"right: {_count(table)}"


def _last(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["round"] == table["round"].max()]


def _points(table: pd.DataFrame, axis: str) -> np.ndarray:
    """Return x, mean, low and high of the regret, one row per value of the grid."""
    rows = []
    for x, group in table.groupby(axis):
        band = mean_band(run_matrix(group, "regret")).iloc[0]
        rows.append((float(x), band["mean"], band["low"], band["high"]))
    return np.array(rows)


def _bars(ax: Any, points: np.ndarray, look: Look, label: str) -> None:
    x, mean, low, high = points.T
    ax.errorbar(x, mean, yerr=[mean - low, high - mean], color=look.color, linestyle=look.linestyle,
                marker=look.marker, elinewidth=0.8, label=label)  # fmt: skip


def _count(table: pd.DataFrame) -> str:
    runs = table[["instance", "run"]].drop_duplicates()
    return f"{len(runs)} runs, bars {over(runs['instance'].nunique())}"


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
