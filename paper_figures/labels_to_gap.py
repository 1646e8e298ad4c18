"""Labels needed for a tenth of the reference's gap against R/beta: e^{R/beta} offline, about its root online.

On the ladder the optimum is uniform while the reference decays, so that Cov(pi*|ref) is about e^{R/beta}/A^2. Offline
labels show the top that rarely. A learner that plays what it has learned meets the next step from the last one, and an
unseen response is not believed bad but average, which is worth half of the way. Left: the mean gap over that of the
reference, offline thin, greedy thick; right: the first n from which it stays below a tenth, with the exponential rate
kappa of n ~ e^{kappa R/beta} fitted to the points, and the coverage itself. Bars: 95 % bootstrap interval over runs.
Source: xie2024; wu2025; zhao2025; zhu2023; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.quantities import measure
from simbench.show import marks
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.study.study import load_study
from simbench.verify.statistical.runs import LEVEL, RunMatrix, interval, resample_weights, run_matrix

STUDIES = ["labels_to_gap", "labels_to_gap_offline"]
CLAIMS: list[str] = []
BETA = "environment.beta"
SHARE = 0.1
RESAMPLES = 500


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = pd.concat([tables[name] for name in STUDIES], ignore_index=True)
    worlds = {beta: numbers for beta, numbers in _worlds().items() if (table[BETA] == beta).any()}
    look = looks(["offline", *table["learner"][table["learner"] != "offline"].unique()])
    figure = new_figure(width=DOUBLE_COLUMN, height=3.0)
    left, right = figure.subplots(1, 2)
    needed: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in look}
    for (learner, beta), rows in table.groupby(["learner", BETA], sort=False):
        if beta not in worlds:
            continue
        gap, _ = worlds[beta]
        matrix = run_matrix(rows, "value_gap", across="labels")
        ratio = matrix.values.mean(axis=0) / gap
        if learner in ("offline", "greedy"):
            marks.line(left, matrix.rounds, ratio, color=look[learner].color, linestyle=look[learner].linestyle,
                      linewidth=0.8 if learner == "offline" else 1.4)  # fmt: skip
        needed[learner].append((1.0 / beta, *labels_needed(matrix, SHARE * gap)))
    left.axhline(SHARE, color="black", linewidth=0.7, linestyle=":")
    low, high = 0.02, left.get_ylim()[1]
    left.set(xscale="log", yscale="log", ylim=(low, high), xlabel="labels $n$")
    left.set_ylabel("mean gap / gap of the reference")
    left.set_title(f"$R/\\beta$ from {1 / max(worlds):.3g} to {1 / min(worlds):.3g}, left to right")
    for name, points in needed.items():
        _draw_needed(right, name, np.array(sorted(points)), look[name])
    x = np.array(sorted(1.0 / beta for beta in worlds))
    coverage = np.array([worlds[beta][1] for beta in sorted(worlds, reverse=True)])
    right.plot(x, 100.0 * coverage, color="#777777", linestyle="--", linewidth=0.9,
               label=r"$100\,\mathrm{Cov}(\pi^{\ast}|\mathrm{ref})$")  # fmt: skip
    right.set(yscale="log", xlabel=r"$R/\beta$")
    right.set_ylabel(f"labels to {SHARE:.0%} of the reference's gap")
    right.set_title(r"$n\sim e^{\kappa R/\beta}$")
    right.legend(loc="upper left")
    runs = {name: int(table[table["learner"] == name].groupby(BETA)["run"].nunique().min()) for name in look}
    told = ", ".join(f"{name} {count}" for name, count in runs.items())
    figure.supxlabel(
        f"runs: {told}; bars: {LEVEL:.0%} bootstrap interval over runs; left, solid: offline, dashed: greedy; "
        "points not reached are left out",
        fontsize=SMALL_FONT_SIZE,
    )
    return figure


def labels_needed(matrix: RunMatrix, target: float) -> tuple[float, float, float]:
    """Return the labels from which the mean gap stays below `target`, and their bootstrap interval; nan if never.

    Between checkpoints the mean is taken to be linear in log-log coordinates.
    """
    weights = resample_weights(matrix.instance, resamples=RESAMPLES, purpose="labels to gap")
    resampled = np.array([crossing(matrix.rounds, curve, target) for curve in weights @ matrix.values])
    low, high = interval(np.where(np.isnan(resampled), np.inf, resampled), LEVEL)
    return crossing(matrix.rounds, matrix.values.mean(axis=0), target), float(low), float(high)


def crossing(x: np.ndarray, curve: np.ndarray, target: float) -> float:
    """Return where a positive curve falls below `target` for good, between points of a log-log polygon."""
    above = np.flatnonzero(curve > target)
    if above.size == 0:
        return float(x[0])
    last = int(above[-1])
    if last == curve.size - 1:
        return float("nan")
    here, there = np.log(curve[last]), np.log(curve[last + 1])
    share = (here - np.log(target)) / (here - there)
    return float(np.exp(np.log(x[last]) + share * (np.log(x[last + 1]) - np.log(x[last]))))


def growth_rate(ratio: np.ndarray, labels: np.ndarray) -> float:
    """Return kappa of the least-squares fit labels = c e^{kappa R/beta}."""
    return float(np.polyfit(ratio, np.log(labels), 1)[0])


def _draw_needed(ax: Any, name: str, points: np.ndarray, look: Any) -> None:
    points = points[np.isfinite(points).all(axis=1)]
    if points.size == 0:
        return
    label = name
    if len(points) > 2:
        label += rf": $\kappa={growth_rate(points[:, 0], points[:, 1]):.2f}$"
    errors = np.abs(points[:, 2:].T - points[:, 1])
    ax.errorbar(points[:, 0], points[:, 1], yerr=errors, color=look.color, linestyle=look.linestyle,
                marker=look.marker, elinewidth=0.9, label=label)  # fmt: skip


def _worlds() -> dict[float, tuple[float, float]]:
    """Return beta -> (gap, coverage) of the reference, for the worlds of both studies."""
    worlds = {}
    for name in STUDIES:
        study = load_study(name)
        for setting in study.settings:
            world = study.world(setting, 0)
            numbers = measure(world, world.log_ref, names=["value_gap", "coverage"])
            worlds[setting.values[BETA]] = (float(numbers["value_gap"]), float(numbers["coverage"]))
    return worlds


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
