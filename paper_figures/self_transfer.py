"""What is distilled from a learner's data, beside what the learner was on average: high and low coverability.

Left and middle: the mean gap of pi_OFF (solid) and of the average policy that gathered the data (dashed), for classes
of one size whose coverability C_cov is 2.3 and 11.3. In the left panel the class holds a reward whose policy is .03
short of pi* and the safest before any label; in the middle none that is good before the data say so. Right: both at the
last T against the coverability: the online learner pays for it; what is distilled does where it starts from nothing.
Bands and bars: interval of the mean. Source: huang2025, Theorem 3.2; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.show import marks
from simbench.show.bands import mean_band, over
from simbench.show.style import DOUBLE_COLUMN, LOOKS, SMALL_FONT_SIZE, new_figure
from simbench.verify.statistical.runs import LEVEL, run_matrix

STUDIES = ["self_transfer"]
CLAIMS = [
    "self_transfer_ignores_coverability",
    "greedy_self_transfer_ignores_coverability",
    "self_transfer_from_nothing_ignores_coverability",
]

PLACES = "environment.places"
NUMBER = "environment.sources.number"
LEARNER = "XPO, distilled"
STARTS = {1: "a safe reward in the class", 0: "none in the class"}
COLUMNS = {
    "value_gap": (r"$\pi_{\mathrm{OFF}}$", "-"),
    "average_value_gap": ("average policy", (0, (4, 1.5))),
}


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["self_transfer"]
    table = table[table["round"] >= 10]
    figure = new_figure(width=DOUBLE_COLUMN, height=2.7)
    left, middle, right = figure.subplots(1, 3)
    ends = table[PLACES].min(), table[PLACES].max()
    mine = table[table["learner"] == LEARNER]
    for ax, (number, title) in zip((left, middle), STARTS.items(), strict=True):
        for places, look in zip(ends, LOOKS, strict=False):
            rows = mine[(mine[NUMBER] == number) & (mine[PLACES] == places)]
            for column, (name, style) in COLUMNS.items() if len(rows) else ():
                band = mean_band(run_matrix(rows, column))
                marks.band(ax, band["round"], band["low"], band["high"], color=look.color, alpha=0.2)
                marks.line(ax, band["round"], band["mean"], color=look.color, linestyle=style,
                        label=rf"{name}, {places} places")  # fmt: skip
        ax.set(xscale="log", xlabel="labels $T$", ylim=(0, 0.8))
        ax.set_title(title)
    left.set_ylabel(r"$J(\pi^{\ast})-J(\pi)$ (reward units)")
    left.legend(loc="upper right")
    last = mine[mine["round"] == mine["round"].max()]
    for look, (number, label) in zip(LOOKS, {1: "safe", 0: "none safe"}.items(), strict=False):
        for column, (name, style) in COLUMNS.items():
            points = []
            for places, rows in last[last[NUMBER] == number].groupby(PLACES):
                band = mean_band(run_matrix(rows, column)).iloc[0]
                points.append((places, band["mean"], band["low"], band["high"]))
            if not points:
                continue
            x, mean, low, high = np.array(points).T
            right.errorbar(x, mean, yerr=[mean - low, high - mean], color=look.color, linestyle=style,
                           marker=look.marker, elinewidth=0.8, label=f"{name}, {label}")  # fmt: skip
    right.set(xlabel=r"places $\approx C_{\mathrm{cov}}$", ylim=(0, 0.8))
    right.set_title(f"after {int(last['round'].max()):,} labels")
    right.legend(loc="upper left")
    runs = last[["instance", "run"]].drop_duplicates()
    figure.supxlabel(
        f"{len(runs)} runs of XPO, 252 or 253 rewards; bands and bars: {LEVEL:.0%} interval of the mean "
        f"{over(runs['instance'].nunique())}",
        fontsize=SMALL_FONT_SIZE,
    )
    return figure


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
