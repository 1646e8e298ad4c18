"""DPO by stochastic gradients: one pass over fresh labels and many passes over few, the mean policy and the last one.

Until a data set has been read once its curve is that of one pass, label for label (dotted lines mark where that ends).
After it the mean policy stays at the data's own minimum, whose gap is about 1/n of its labels, while that of one pass
goes on falling like 1/n. The last policy keeps the noise of a constant step, fresh labels or not.
Source: rafailov2023; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.show import marks
from simbench.show.bands import mean_band
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.verify.statistical.runs import LEVEL, run_matrix

STUDIES = ["dpo_passes"]
CLAIMS = ["fresh_labels_beat_repeated_ones", "averaged_dpo_gap_falls_like_one_over_n"]

FRESH = "one pass"
BATCH = 8  # labels of a step in the study
PANELS = {"average_value_gap": "mean policy over steps", "value_gap": "last policy"}
FAINT = "#555555"


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["dpo_passes"]
    figure = new_figure(width=DOUBLE_COLUMN, height=2.9)
    axes = figure.subplots(1, 2, sharey=True)
    names = list(table["learner"].drop_duplicates())
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        for learner, look in looks(names).items():
            rows = table[table["learner"] == learner]
            band = mean_band(run_matrix(rows, column))
            marks.band(ax, band["round"], band["low"], band["high"], color=look.color, alpha=0.3)
            marks.line(ax, band["round"], band["mean"], color=look.color, linestyle=look.linestyle, marker=look.marker,
                    markevery=0.15, label=learner)  # fmt: skip
            if learner != FRESH:
                read = float(rows["labels"].iloc[0]) / BATCH
                ax.axvline(read, color=look.color, linestyle=":", linewidth=0.8)
        ax.set(xscale="log", yscale="log", xlabel=f"steps of {BATCH} labels")
        ax.set_title(title)
    _draw_rate(axes[0], table)
    axes[0].set_ylabel("gap (reward units)")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=len(names))
    matrix = run_matrix(table[table["learner"] == FRESH], "value_gap")
    counted = f"{matrix.runs} runs; worlds: {matrix.instances}; band: {LEVEL:.0%} interval of the mean"
    for ax, note in zip(axes, (counted, "dotted: the data set has been read once"), strict=True):
        ax.text(0.0, -0.24, note, transform=ax.transAxes, fontsize=SMALL_FONT_SIZE)
    return figure


def _draw_rate(ax: Any, table: pd.DataFrame) -> None:
    band = mean_band(run_matrix(table[table["learner"] == FRESH], "average_value_gap"))
    last = band.iloc[-1]
    steps = np.array([last["round"] / 30.0, last["round"]])
    ax.plot(steps, 0.5 * last["mean"] * last["round"] / steps, color=FAINT, linewidth=0.9)
    ax.annotate("$1/n$", (steps[0], 15.0 * last["mean"]), xytext=(-3, -2), textcoords="offset points", ha="right",
                va="top", fontsize=SMALL_FONT_SIZE)  # fmt: skip


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
