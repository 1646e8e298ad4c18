"""How much optimism finds a needle: the final regret of every run, and the share of runs still stuck, per alpha.

A mean hides what happens. Without optimism most runs find the needle and a part never looks again, so the runs form two
clusters; with the wrong sign nearly all lie in the upper one; a little optimism empties it at the price of some
exploration; too much moves all runs up, because the bonus outgrows the evidence. Top: one mark per run (at most
SHOWN of them), hollow where the run is stuck (its last policy further from pi* than half of what the reference is),
means with bootstrap intervals. Bottom: the share of stuck runs with exact binomial intervals.
Source: xie2024; cen2024; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from simbench.precision import entry_point
from simbench.quantities import value_gap
from simbench.show import marks
from simbench.show.bands import mean_band
from simbench.show.style import DOUBLE_COLUMN, FONT_SIZE, LOOKS, SMALL_FONT_SIZE, new_figure
from simbench.study.study import Study, load_study
from simbench.verify.statistical.runs import LEVEL, run_matrix

STUDIES = ["needle"]
CLAIMS = [
    "xpo_wrong_sign_loses",
    "optimism_saves_regret",
    "optimism_frees_stuck_runs",
    "optimism_leaves_few_stuck",
    "too_much_optimism_is_linear",
]
SHOWN = 300  # runs drawn per learner
WIDTH = 0.36  # half of a strip
FREE, STUCK = LOOKS[0].color, LOOKS[1].color


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["needle"]
    study = load_study("needle", table.attrs.get("preset"))
    limit = 0.5 * reference_gap(study)
    figure = new_figure(width=DOUBLE_COLUMN, height=3.9)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 1.0])
    there = set(table["learner"])
    names = {
        entry.shown: _name(entry.name, entry.parameters) for entry in study.learners if entry.shown in there
    }
    for place, learner in enumerate(names):
        rows = table[table["learner"] == learner]
        last = rows[rows["round"] == rows["round"].max()].sort_values(["instance", "run"])
        stuck = (last["value_gap"] > limit).to_numpy()
        _strip(top, place, last["regret"].to_numpy(), stuck)
        _mean(top, place, rows)
        _share(bottom, place, int(stuck.sum()), stuck.size)
    _dress(figure, top, bottom, list(names.values()), table, study)
    return figure


@entry_point
def reference_gap(study: Study) -> float:
    """Return J(pi*) - J(ref) in the study's world (reward units)."""
    world = study.world(study.settings[0], 0)
    return float(value_gap(world, world.log_ref))


def strip_offsets(values: np.ndarray, *, bins: int = 60) -> np.ndarray:
    """Return a horizontal place in [-1, 1] for each of `values [N]`: wide where values crowd, never random."""
    edges = np.linspace(values.min(), values.max() + 1e-12, bins + 1)
    box = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, bins - 1)
    counts = np.bincount(box, minlength=bins)
    offsets = np.zeros(values.size)
    for one in np.flatnonzero(counts):
        members = np.flatnonzero(box == one)
        places = np.linspace(-1.0, 1.0, members.size) if members.size > 1 else np.zeros(1)
        offsets[members] = places * counts[one] / counts.max()
    return offsets


def _strip(ax: Any, place: int, regret: np.ndarray, stuck: np.ndarray) -> None:
    regret, stuck = regret[:SHOWN], stuck[:SHOWN]
    x = place + WIDTH * strip_offsets(np.sqrt(regret))
    ax.scatter(x[~stuck], regret[~stuck], s=4.0, color=FREE, alpha=0.55, linewidths=0, zorder=2)
    ax.scatter(x[stuck], regret[stuck], s=7.0, facecolors="none", edgecolors=STUCK, linewidths=0.6, zorder=2)


def _mean(ax: Any, place: int, rows: pd.DataFrame) -> None:
    band = mean_band(run_matrix(rows, "regret")).iloc[-1]
    marks.band(ax, [place - 0.45, place + 0.45], band["low"], band["high"], color="black", alpha=0.18)
    ax.plot([place - 0.45, place + 0.45], [band["mean"]] * 2, color="black", linewidth=1.2, zorder=4)
    ax.annotate(
        f"{band['mean']:.0f}",
        (place, 1.0),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
    )


def _share(ax: Any, place: int, count: int, total: int) -> None:
    tail = (1.0 - LEVEL) / 2.0
    low = float(special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, total - count, 1.0 - tail)) if count < total else 1.0
    share = count / total
    ax.bar(place, share, width=0.62, color="#f3ddd7", edgecolor=STUCK, linewidth=0.8)
    ax.plot([place, place], [low, high], color="black", linewidth=0.9)
    digits = 0 if share > 0.1 else 1
    ax.annotate(
        f"{100 * share:.{digits}f} %",
        (place, high),
        xytext=(0, 1.5),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL_FONT_SIZE,
    )


def _name(learner: str, parameters: dict[str, Any]) -> str:
    alpha = float(parameters.get("alpha", 0.0))
    if alpha == 0.0:
        return "$0$\ngreedy"
    return f"{_power(alpha)}\n" + ("wrong sign" if alpha < 0.0 else learner.upper())


def _power(alpha: float) -> str:
    exponent = int(np.floor(np.log10(abs(alpha)) + 1e-9))
    digit = round(alpha / 10.0**exponent)
    factor = {1: "", -1: "-"}.get(digit, rf"{digit}\cdot ")
    return rf"${factor}10^{{{exponent}}}$"


def _dress(figure: Any, top: Any, bottom: Any, names: list[str], table: pd.DataFrame, study: Study) -> None:
    top.set_yscale("function", functions=(np.sqrt, np.square))
    top.set_ylim(0.0, 1.08 * float(table["regret"].max()))
    top.set_yticks([0, 100, 250, 500, 1000, 1500, 2000, 2500])
    top.set_title("mean:", loc="left", fontsize=FONT_SIZE, x=-0.045, pad=2.5)
    top.set_ylabel("final regret (reward units)")
    top.grid(axis="x", visible=False)
    bottom.grid(axis="x", visible=False)
    bottom.set_ylim(0.0, 1.3)
    bottom.set_yticks([0.0, 0.5, 1.0], ["0", "50 %", "100 %"])
    bottom.set_ylabel("stuck runs")
    bottom.set_xticks(range(len(names)), names)
    bottom.set_xlabel(r"weight of the bonus per label, $\alpha$ (nats)")
    handles = [
        top.scatter([], [], s=8.0, color=FREE, linewidths=0, label="a run"),
        top.scatter([], [], s=10.0, facecolors="none", edgecolors=STUCK, linewidths=0.8, label="a stuck run"),
        top.plot(
            [],
            [],
            color="black",
            linewidth=1.2,
            label=f"mean of all runs, with {LEVEL:.0%} interval over runs",
        )[0],
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    runs = int(
        table.groupby("learner").apply(lambda rows: len(rows[["instance", "run"]].drop_duplicates())).min()
    )
    shown = "" if runs <= SHOWN else f", the first {SHOWN} drawn"
    figure.supxlabel(
        f"{runs} runs per weight{shown}; $T={study.run.rounds}$; stuck: the last policy's gap is above half of "
        "the reference's",
        fontsize=SMALL_FONT_SIZE,
    )


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
