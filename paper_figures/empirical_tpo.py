"""Empirical TPO against three baselines, beside the published table, and which arms it pulls.

Left: the rate at which empirical TPO's policy beats each baseline's after each iteration, in the synthetic analogue
(interval of the mean, over worlds) and as published for T5 summarisation (95 % intervals, three seeds). The two share
their order, not their scale. Right: which share of the prompts of an iteration each arm got in the synthetic analogue;
the null arm, which asks no source, takes over as the policy outgrows the sources.
Source: huang2025, Table 1; simbench.
"""

from typing import Any

import pandas as pd

from simbench.show import marks
from simbench.show.bands import mean_band, over
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.verify.statistical.runs import run_matrix

STUDIES = ["empirical_tpo"]
CLAIMS = [
    "empirical_tpo_beats_no_transfer",
    "empirical_tpo_beats_worst_source",
    "empirical_tpo_as_good_as_best_source",
]

AGAINST = {"none": "no transfer", "worst": "worst source", "best": "best source"}
PUBLISHED = {  # per cent and half-width of the 95 % interval, iterations 1 to 3 (huang2025, Table 1)
    "none": ((52.1, 1.2), (53.3, 1.6), (54.0, 1.2)),
    "worst": ((53.1, 1.1), (54.5, 1.3), (53.3, 1.5)),
    "best": ((49.5, 0.9), (49.1, 0.4), (50.6, 0.3)),
}
CORRELATIONS = (0.0, 0.3, 0.6, 0.9)
ARM_COLORS = ("#f2f2f2", "#c9d4e3", "#8ea3c4", "#2f4b7c", "#d9a441")
HATCHES = ("", "", "", "", "////")


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["empirical_tpo"]
    played = table[table["learner"] == "tpo"]
    figure = new_figure(width=DOUBLE_COLUMN, height=2.7)
    ours, theirs, arms = figure.subplots(1, 3)
    lines = [_drawn(ours, theirs, played, arm, look) for arm, look in looks(AGAINST).items()]
    ours.set_title(f"synthetic (ours), band {over(played['instance'].nunique())}")
    theirs.set_title("published: T5 summarisation")
    for ax in (ours, theirs):
        ax.axhline(50.0, color="black", linewidth=0.6, linestyle=":")
        ax.set_xticks([1, 2, 3], ["1", "2", "3"])
        ax.set_xlim(0.7, 3.3)
        ax.set_xlabel("iteration")
    ours.set_ylabel("win rate of empirical TPO (%)")
    theirs.set_ylim(48.0, 57.0)
    figure.legend(lines, [f"against {name}" for name in AGAINST.values()], loc="outside upper left", ncols=3)
    _stack(arms, played)
    return figure


def _drawn(ours: Any, theirs: Any, played: pd.DataFrame, arm: str, look: Any) -> Any:
    percent = played.assign(percent=100.0 * played[f"win_rate_against_{arm}"])
    band = mean_band(run_matrix(percent, "percent", across="round"))
    drawn = {"color": look.color, "linestyle": look.linestyle, "marker": look.marker}
    line = marks.line(ours, band["round"], band["mean"], look=look, marker=look.marker)
    marks.band(ours, band["round"], band["low"], band["high"], color=look.color, alpha=0.25)
    shift = {"none": -0.06, "worst": 0.0, "best": 0.06}[arm]
    values, widths = zip(*PUBLISHED[arm], strict=True)
    theirs.errorbar([i + shift for i in (1, 2, 3)], values, widths, capsize=2, elinewidth=0.8, **drawn)
    return line


def _stack(ax: Any, played: pd.DataFrame) -> None:
    columns = [f"pulls_source_{w}" for w in range(len(CORRELATIONS))] + ["pulls_null"]
    pulls = played.groupby("iteration")[columns].mean()
    shares = 100.0 * pulls.div(pulls.sum(axis=1), axis=0)
    names = [rf"source, $\rho={c:g}$" for c in CORRELATIONS] + ["null arm"]
    below = pd.Series(0.0, index=shares.index)
    for column, name, color, hatch in zip(columns, names, ARM_COLORS, HATCHES, strict=True):
        ax.bar(
            shares.index,
            shares[column],
            bottom=below,
            color=color,
            hatch=hatch,
            label=name,
            edgecolor="black",
            linewidth=0.5,
            width=0.7,
        )
        below = below + shares[column]
    ax.set_title("synthetic (ours): arms")
    ax.set_xticks(list(shares.index))
    ax.set_xlabel("iteration")
    ax.set_ylabel("share of prompts (%)")
    ax.set_ylim(0, 100)
    ax.grid(visible=False)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles[::-1],
        labels[::-1],
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=SMALL_FONT_SIZE,
        handlelength=1.2,
    )


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
