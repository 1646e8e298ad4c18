"""One look for every figure: sizes and fonts of a printed page, colours that survive grey and colour blindness.

A series is told apart three times over, by lightness, by line style and by marker. The colours come in steps of CIE
lightness, so that a grey print keeps their order, and stay apart for the common forms of colour blindness (their
hues run from blue to yellow, never from red to green). Widths are those of a two-column paper.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from simbench.errors import SimbenchError

SINGLE_COLUMN = 3.4  # inches
DOUBLE_COLUMN = 7.0
PNG_DPI = 250

FONT_SIZE = 8.0  # points, at the printed size
SMALL_FONT_SIZE = 7.0

RC: Any = {
    "font.family": "STIXGeneral",  # ships with matplotlib: the same glyphs on every machine
    "mathtext.fontset": "stix",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": SMALL_FONT_SIZE,
    "ytick.labelsize": SMALL_FONT_SIZE,
    "legend.fontsize": SMALL_FONT_SIZE,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.4,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "figure.dpi": 120.0,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": PNG_DPI,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """How one series is drawn."""

    color: str
    linestyle: Any
    marker: str


LOOKS = (
    Look(color="#0b3c7f", linestyle="-", marker="o"),
    Look(color="#c2553f", linestyle=(0, (5, 1.6)), marker="s"),
    Look(color="#7fa3d3", linestyle=(0, (1.2, 1.2)), marker="^"),
    Look(color="#eecb66", linestyle=(0, (6, 1.5, 1.2, 1.5)), marker="D"),
    Look(color="#111111", linestyle=(0, (3, 1.2, 1, 1.2, 1, 1.2)), marker="v"),
)
"""Dark blue, brick, light blue, gold, black: at least 12 steps of CIE lightness between any two."""


WARNING = "#b3261e"


@contextmanager
def paper_style() -> Iterator[None]:
    """Open a scope in which matplotlib draws for paper; the user's own settings come back afterwards.

    Seaborn's theme of ticks at its paper context, under our own sizes and fonts.
    """
    import matplotlib
    import seaborn as sns

    with matplotlib.rc_context({**sns.axes_style("ticks"), **sns.plotting_context("paper"), **RC}):
        yield


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Give every name its own look, in order of first appearance.

    Raises `SimbenchError` when there are more names than looks: a sixth line belongs into another panel.
    """
    unique = list(dict.fromkeys(names))
    if len(unique) > len(LOOKS):
        raise SimbenchError(
            f"{len(unique)} series ({', '.join(unique)}) in one panel; at most {len(LOOKS)} can be told apart in grey, "
            "so split them over panels."
        )
    return dict(zip(unique, LOOKS, strict=False))


def new_figure(*, width: float, height: float) -> Any:
    """Return an empty matplotlib `Figure` of that size (inches), bound to no window and no global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
