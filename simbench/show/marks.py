"""What figures are made of: lines, bands, bars, points and step curves, drawn by seaborn on axes of our own.

    marks.line(ax, rounds, mean, look=look, label="tpo")
    marks.band(ax, rounds, low, high, color=look.color, alpha=0.35)

Every number is computed before it is drawn: seaborn is handed columns and aggregates nothing. An axis keeps the scale
that it has, linear or logarithmic. What needs more than a mark (laws, guides, stacks, annotations) is matplotlib's.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from simbench.show.style import Look


def line(
    ax: Any,
    x: Any,
    y: Any,
    *,
    look: Look | None = None,
    color: Any = "black",
    linestyle: Any = "-",
    marker: str = "",
    label: str | None = None,
    **options: Any,
) -> Any:
    """Draw a line through points `x [n]`, `y [n]` in their order, and return it.

    Args:
        ax: matplotlib axes.
        look: colour and line style of a series; or `color`, `linestyle` by themselves. Markers only if asked for.
        label: in the legend of the axes.
        options: of matplotlib's line: linewidth, markersize, alpha, zorder.
    """
    import seaborn.objects as so

    if look is not None:
        color, linestyle = look.color, look.linestyle
    before = len(ax.lines)
    _plot(ax, so.Path(color=color, linestyle=linestyle, marker=marker or "none"), x=x, y=y)
    if len(ax.lines) == before:  # nothing but gaps
        ax.plot([], [], color=color, linestyle=linestyle)
    drawn = ax.lines[-1]
    import matplotlib as mpl

    settings = {"linewidth": mpl.rcParams["lines.linewidth"], "markersize": mpl.rcParams["lines.markersize"]}
    drawn.set(**settings | options, label=label)
    if marker:
        drawn.set(marker=marker, markerfacecolor=color, markeredgecolor=color)
    return drawn


def band(ax: Any, x: Any, low: Any, high: Any, *, color: Any, alpha: float, label: str | None = None) -> Any:
    """Fill between `low` and `high`, `[n]` or one number each, over `x [n]`, without an edge; return what was drawn."""
    import seaborn.objects as so

    _plot(ax, so.Band(color=color, alpha=alpha, edgewidth=0), x=x, ymin=low, ymax=high)
    drawn = ax.patches[-1]
    drawn.set(label=label, linewidth=0)
    return drawn


def bars(
    ax: Any,
    names: Sequence[str],
    heights: Any,
    *,
    colors: Sequence[Any],
    width: float = 0.8,
    errors: Any = None,
) -> None:
    """Draw one bar per name, in its colour; `errors [2, n]` reach below and above its height."""
    import seaborn.objects as so

    heights = np.asarray(heights, dtype=float)
    for i, (height, color) in enumerate(zip(heights, colors, strict=True)):
        _plot(ax, so.Bar(color=color, alpha=1.0, edgewidth=0, width=width), x=[float(i)], y=[height])
    if errors is not None:
        low, high = heights - np.asarray(errors)[0], heights + np.asarray(errors)[1]
        _plot(ax, so.Range(color="black", linewidth=0.9), x=np.arange(len(heights)), ymin=low, ymax=high)
    ax.set_xticks(range(len(heights)), names)


def points(
    ax: Any, x: Any, y: Any, *, color: Any, marker: str = "o", size: float = 3.5, **options: Any
) -> Any:
    """Draw points `x [n]`, `y [n]` and return them; `size` is the diameter in points."""
    import seaborn.objects as so

    _plot(ax, so.Dot(color=color, marker=marker, pointsize=size, edgewidth=0), x=x, y=y)
    drawn = ax.collections[-1]
    drawn.set(**options)
    return drawn


def ecdf(ax: Any, values: Any, *, look: Look, label: str | None = None) -> Any:
    """Draw the share of `values [n]` that are at most x, as a step curve from 0 to 1, and return it."""
    ordered = np.sort(np.asarray(values, dtype=float))
    share = np.arange(1, len(ordered) + 1) / len(ordered)
    drawn = line(
        ax, np.concatenate([ordered[:1], ordered]), np.concatenate([[0.0], share]), look=look, label=label
    )
    drawn.set_drawstyle("steps-post")
    return drawn


def heat_map(ax: Any, table: pd.DataFrame, *, color: str, label: str, text: str = ".2f") -> None:
    """Draw a table as cells shaded from white to `color`, each with its number; `label` names the shade."""
    import seaborn as sns

    sns.heatmap(
        table, ax=ax, cmap=ramp(color), annot=True, fmt=text, linewidths=0.4, cbar_kws={"label": label},
        annot_kws={"fontsize": "x-small"},
    )  # fmt: skip


def ramp(color: str, steps: int | None = None) -> Any:
    """Return shades from nearly white to `color`: a list of `steps` of them, the lightest first, or a colour map."""
    import seaborn as sns

    return (
        sns.light_palette(color, as_cmap=True) if steps is None else sns.light_palette(color, steps + 1)[1:]
    )


def _plot(ax: Any, mark: Any, **columns: Any) -> None:
    """Draw a mark from columns on `ax`, whose scales and labels stay as they are."""
    import seaborn.objects as so

    scales = {axis: getattr(ax, f"get_{axis}scale")() for axis in "xy"}
    labels = {axis: getattr(ax, f"get_{axis}label")() for axis in "xy"}
    arrays = np.broadcast_arrays(*(np.asarray(column, dtype=float) for column in columns.values()))
    frame = pd.DataFrame(dict(zip(columns, arrays, strict=True)))
    plot = so.Plot(frame, **{name: name for name in columns}).add(mark, legend=False)
    given = {
        axis: so.Continuous(trans=None if scale == "linear" else scale) for axis, scale in scales.items()
    }
    with warnings.catch_warnings():
        # Seaborn 0.13 on pandas 3.
        warnings.filterwarnings("ignore", message="The copy keyword is deprecated")
        plot.scale(**given).label(**labels).on(ax).plot()
    for axis, scale in scales.items():
        if getattr(ax, f"get_{axis}scale")() != scale:
            getattr(ax, f"set_{axis}scale")(scale)
