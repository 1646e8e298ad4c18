"""Gaps against labels: 1/n in smooth classes, exactly 0 in a finite one, 1/sqrt(n) only where worlds change with n.

Top: offline maximum likelihood on fixed worlds, mean gap with its interval and the spread of runs; the exponent is
fitted over the last two decades (finite class: from 100 labels to the last point where a run errs), with its 98 %
interval. Guides are n^-1 and n^-1/2. Bottom: two arms c/sqrt(n) apart, at temperature zero. Left, the gap after the n
labels that a world is made for; right, sqrt(n) times the gap against c, beside c Phi(-c / (2 sqrt 2)), whose maximum is
0.340 sqrt(2) = 0.481: both responses come from the reference, so half of the labels compare an arm with itself.
Source: zhao2025; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from simbench.show import marks
from simbench.show.bands import SPREAD, mean_band, over, shown_population
from simbench.show.style import DOUBLE_COLUMN, LOOKS, SMALL_FONT_SIZE, Look, looks, new_figure
from simbench.theory.rates.minimax_rate import MADE_FOR, SEPARATION, WORST, at_their_labels, together
from simbench.verify.statistical.bootstrap import spread_of
from simbench.verify.statistical.exponents import LEAST_POINTS, Slope
from simbench.verify.statistical.population import units
from simbench.verify.statistical.protocol import ALPHA
from simbench.verify.statistical.runs import LEVEL, RunMatrix, interval, resample_weights, run_matrix

STUDIES = ["slopes", "slopes_finite", "close_arms"]
CLAIMS = [
    "tabular_gap_falls_like_one_over_n",
    "linear_gap_falls_like_one_over_n",
    "finite_gap_falls_faster_than_powers",
    "finite_class_errors_stop",
    "close_arms_fall_like_one_over_root_n",
    "close_arms_constant",
    "close_arms_constant_per_informative_label",
    "no_separation_beats_the_constant",
]
DECADES = 2.0
SMALLEST_N = 100.0  # from which the finite class is fitted
FAINT = "#777777"


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    smooth, finite, close = (tables[name] for name in STUDIES)
    matrices = {
        "tabular": _matrix(smooth[smooth["learner"] == "tabular"]),
        "linear": _matrix(smooth[smooth["learner"] == "linear"]),
        "finite": _matrix(finite[finite["learner"] == "offline"]),
    }
    figure = new_figure(width=DOUBLE_COLUMN, height=4.9)
    axes = figure.subplot_mosaic(
        [["tabular"] * 2 + ["linear"] * 2 + ["finite"] * 2, ["rate"] * 3 + ["constant"] * 3]
    )
    for (name, matrix), look in zip(matrices.items(), LOOKS, strict=False):
        _draw_class(axes[name], name, matrix, look)
    top = [axes[name] for name in matrices]
    low = 0.2 * min(ax.get_ylim()[0] for ax in top)  # room for the label below the steeper guide
    high = max(ax.get_ylim()[1] for ax in top)
    for ax in top:
        ax.set_ylim(low, high)
    top[0].set_ylabel(r"$J(\pi^{\ast})-J(\pi_n)$ (reward units)")
    read = at_their_labels(close)
    _draw_rate(axes["rate"], read)
    _draw_constant(axes["constant"], read)
    figure.supxlabel(_caption(matrices, read), fontsize=SMALL_FONT_SIZE)
    return figure


def fitted(matrix: RunMatrix, *, first: float) -> tuple[RunMatrix, float, tuple[float, float]]:
    """Return the runs from `first` labels on, their log-log slope and its 1 - 2 ALPHA interval.

    Points where the mean is zero are left out of the fit.
    """
    kept = matrix.rounds >= first * (1.0 - 1e-9)
    window = RunMatrix(rounds=matrix.rounds[kept], values=matrix.values[:, kept], instance=matrix.instance)
    spread = spread_of(Slope(), units(window, shown_population(matrix.instances)))
    return window, spread.exponent, spread.interval(ALPHA)


def _matrix(table: pd.DataFrame) -> RunMatrix:
    return run_matrix(table, "value_gap", across="labels")


def _draw_class(ax: Any, name: str, matrix: RunMatrix, look: Look) -> None:
    band = mean_band(matrix)
    positive = band["mean"] > 0.0
    band = band[positive]
    floor = band["mean"].min() / 30.0
    for kind, alpha in (("spread_", 0.15), ("", 0.4)):
        low, high = band[f"{kind}low"].clip(lower=floor), band[f"{kind}high"].clip(lower=floor)
        marks.band(ax, band["round"], low, high, color=look.color, alpha=alpha)
    marks.line(ax, band["round"], band["mean"], color=look.color, marker=look.marker, markersize=2.5)
    first = SMALLEST_N if name == "finite" else matrix.rounds[-1] / 10**DECADES
    window, slope, ends = fitted(matrix, first=first)
    seen = window.values.mean(axis=0) > 0.0
    if np.count_nonzero(seen) >= LEAST_POINTS:
        x, mean = window.rounds[seen], window.values.mean(axis=0)[seen]
        centre = np.exp(np.log(mean).mean() - slope * np.log(x).mean())
        ax.plot(x, centre * x**slope, color="black", linewidth=0.7, zorder=3)
    _draw_guides(ax, band)
    ax.set(xscale="log", yscale="log", xlabel="labels $n$")
    ax.set_title(f"{name}: {exponent_text(slope, ends)}")
    zero = int(np.count_nonzero(~positive))
    if zero:
        first_zero = matrix.rounds[np.flatnonzero(~positive)[0]]
        ax.text(
            0.04, 0.04, f"all gaps exactly 0\nat {zero} points from $n={_power(first_zero)}$ on:\nleft out of the fit",
            transform=ax.transAxes, ha="left", va="bottom", fontsize=SMALL_FONT_SIZE,
        )  # fmt: skip


def _draw_guides(ax: Any, band: pd.DataFrame) -> None:
    """Draw n^-1 and n^-1/2 from a point below the curve's shoulder."""
    x = np.array([band["round"].iloc[-1] / 10**DECADES, band["round"].iloc[-1]])
    start = float(np.interp(x[0], band["round"], band["mean"]))
    for power, label, factor, style in ((-1.0, "$n^{-1}$", 0.3, "--"), (-0.5, "$n^{-1/2}$", 3.0, ":")):
        y = factor * start * (x / x[0]) ** power
        ax.plot(x, y, color=FAINT, linewidth=0.9, linestyle=style, zorder=1.5)
        ax.annotate(
            label, (x[1], y[1]), xytext=(0, 8 if power > -1.0 else -3), textcoords="offset points", ha="right",
            va="bottom" if power > -1.0 else "top", fontsize=SMALL_FONT_SIZE, color="#444444",
        )  # fmt: skip


def exponent_text(slope: float, ends: tuple[float, float]) -> str:
    """Return the exponent and its interval as matplotlib text."""
    return rf"$n^{{{slope:.2f}}}$ [{ends[0]:.2f}, {ends[1]:.2f}]".replace("-", "−")


def _draw_rate(ax: Any, read: pd.DataFrame) -> None:
    chosen = [c for c in (1.0, WORST, 4.0) if (read[SEPARATION] == c).any()]
    for c, look in looks(chosen).items():
        rows = read[read[SEPARATION] == c]
        matrix = run_matrix(together(rows), "value_gap", across=MADE_FOR)
        band = mean_band(matrix)
        marks.band(ax, band["round"], band["low"], band["high"], color=look.color, alpha=0.35)
        _, slope, ends = fitted(matrix, first=matrix.rounds[0])
        marks.line(ax, band["round"], band["mean"], color=look.color, linestyle=look.linestyle, marker=look.marker,
                label=f"$c={c:g}$: {exponent_text(slope, ends)}")  # fmt: skip
    x = np.array([read[MADE_FOR].min(), read[MADE_FOR].max()], dtype=float)
    ax.plot(x, 1.3 * x**-0.5, color=FAINT, linestyle=":", linewidth=0.9, label="$n^{-1/2}$")
    ax.plot(x, 3.0 / x, color=FAINT, linestyle="--", linewidth=0.9, label="$n^{-1}$")
    ax.set(xscale="log", yscale="log", xlabel="labels $n$ that the world is made for")
    ax.set_ylabel("gap after $n$ labels (reward units)")
    ax.set_title(r"two arms $c/\sqrt{n}$ apart")
    ax.set_ylim(bottom=ax.get_ylim()[0] / 60.0)  # room for the legend below the steeper line
    ax.legend(loc="lower left")


def _draw_constant(ax: Any, read: pd.DataFrame) -> None:
    c = np.linspace(0.0, 1.15 * read[SEPARATION].max(), 300)
    limit = c * ndtr(-c / np.sqrt(8.0))
    ax.plot(c, limit, color="black", linewidth=0.9, label=r"$c\,\Phi(-c/2\sqrt{2})$")
    best = int(np.argmax(limit))
    ax.axhline(limit[best], color=FAINT, linewidth=0.7, linestyle=":")
    ax.annotate(
        rf"{limit[best]:.3f} per label $=\sqrt{{2}}\times${limit[best] / np.sqrt(2.0):.3f} per informative label",
        (c[-1], limit[best]), xytext=(0, 3), textcoords="offset points", ha="right", fontsize=SMALL_FONT_SIZE,
    )  # fmt: skip
    made_for = sorted(read[MADE_FOR].unique())
    shown = [made_for[0], made_for[len(made_for) // 2], made_for[-1]]
    for i, (n, look) in enumerate(looks(shown).items()):
        rows = read[read[MADE_FOR] == n]
        points = np.array([_constant(part, n) for _, part in rows.groupby(SEPARATION)])
        shift = 0.05 * (i - 1)  # side by side
        errors = np.abs(points[:, 2:].T - points[:, 1])
        ax.errorbar(
            points[:, 0] + shift, points[:, 1], yerr=errors, fmt=look.marker, color=look.color, markersize=4,
            elinewidth=0.9, markeredgecolor="black", markeredgewidth=0.3, label=f"$n={_power(n)}$",
        )  # fmt: skip
    ax.set(xlabel="separation $c$", ylim=(0.0, 1.25 * limit[best]), xlim=(0.0, c[-1]))
    ax.set_ylabel(r"$\sqrt{n}\times$ gap")
    ax.set_title("the constant")
    ax.legend(loc="lower right", ncols=2)


def _constant(rows: pd.DataFrame, labels: float) -> tuple[float, float, float, float]:
    """Return c, sqrt(n) times the mean gap, and its interval."""
    rows = together(rows)
    values = np.sqrt(labels) * rows["value_gap"].to_numpy()
    weights = resample_weights(rows["instance"].to_numpy(), resamples=1000, purpose="runs")
    low, high = interval(weights @ values, LEVEL)
    return float(rows[SEPARATION].iloc[0]), float(values.mean()), float(low), float(high)


def _power(value: float) -> str:
    exponent = np.log10(value)
    return f"10^{{{exponent:.0f}}}" if exponent == round(exponent) else f"{value:.0f}"


def _caption(matrices: dict[str, RunMatrix], read: pd.DataFrame) -> str:
    runs = "; ".join(f"{name} {m.runs}, {over(m.instances)}" for name, m in matrices.items())
    pairs = read.groupby([MADE_FOR, SEPARATION]).size().min()
    return (
        f"runs: {runs}; two arms {pairs} per point, over runs\nDark band and bars: {LEVEL:.0%} interval of the mean, "
        f"pale: central {SPREAD:.0%} of runs; brackets: {1 - 2 * ALPHA:.0%}"
    )


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
