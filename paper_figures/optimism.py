"""Regret over time with and without optimism: on the needle, and where every response has a free reward.

Left, a finite class on the needle: optimism pays more while it looks and nothing once it has found, while the mean of
greedy learning keeps climbing with the share of runs that are stuck; with the wrong sign most runs never look, which is
the cheapest at first and the dearest in the end. Right, a rare optimum and tabular rewards: no run is stuck for ever,
since the reference keeps drawing comparators, and optimism finds the optimum sooner. XPO takes its bonus from reference
draws, VPO from their expectation.
Source: xie2024; cen2024; simbench.
"""

from typing import Any

import pandas as pd

from simbench.show.curves import Curve, band_caption, draw_curves, regret_curves
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, new_figure

STUDIES = ["needle", "optimism"]
CLAIMS = ["optimism_saves_regret", "xpo_wrong_sign_loses", "vpo_as_good_as_xpo", "xpo_as_good_as_vpo"]

# What a learner is called in each study.
NAMES = {
    "needle": {
        "greedy": "greedy",
        "xpo, 6e-4": "XPO",
        "vpo, 6e-4": "VPO",
        "wrong sign, 1e-3": "XPO, wrong sign",
    },
    "optimism": {"greedy": "greedy", "xpo": "XPO", "vpo": "VPO", "wrong sign": "XPO, wrong sign"},
}
TITLES = {
    "needle": r"needle, finite class: $\alpha=6\cdot 10^{-4}$ ($-10^{-3}$)",
    "optimism": r"rare optimum, tabular: $\alpha=10^{-3}$ ($-10^{-3}$)",
}


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    figure = new_figure(width=DOUBLE_COLUMN, height=2.9)
    for ax, study in zip(figure.subplots(1, 2), STUDIES, strict=True):
        curves = named_curves(tables[study], study)
        lines = draw_curves(ax, curves, spread=())
        ax.set_title(TITLES[study])
        ax.set_ylim(bottom=0.0)
        ax.set_xlim(left=float(curves[0].matrix.rounds[-1]) / 100.0)  # before, all play the reference
        ax.text(
            0.0,
            -0.24,
            band_caption(curves).partition(", pale")[0].replace("dark band", "band"),
            transform=ax.transAxes,
            fontsize=SMALL_FONT_SIZE,
        )
    figure.axes[0].set_ylabel("cumulative regret (reward units)")
    figure.legend(lines, list(NAMES["needle"].values()), loc="outside upper center", ncols=len(lines))
    return figure


def named_curves(table: pd.DataFrame, study: str) -> list[Curve]:
    """Return the curves of the learners that are drawn, under their common names and without fitted laws."""
    names = NAMES[study]
    chosen = table[table["learner"].isin(list(names))].assign(learner=table["learner"].map(names))
    by_name = {curve.learner: curve for curve in regret_curves(chosen, "regret")}
    return [
        Curve(learner=name, matrix=by_name[name].matrix, band=by_name[name].band, law=None)
        for name in names.values()
        if name in by_name
    ]


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
