"""Marks are what they were given: the same numbers on the axes, the axes' scales and labels as they were."""

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from simbench.show import marks
from simbench.show.style import LOOKS, new_figure, paper_style

X = np.array([1.0, 10.0, 100.0])
Y = np.array([3.0, 2.0, 5.0])


@pytest.fixture
def ax():
    with paper_style():
        axes = new_figure(width=3.0, height=2.0).subplots()
        axes.set(xscale="log", xlabel="labels", ylabel="gap")
        yield axes


def assert_axes_kept(ax):
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("labels", "gap")


def test_a_line_goes_through_its_points_in_order(ax):
    drawn = marks.line(ax, X[::-1], Y, look=LOOKS[1], label="one", marker="s", linewidth=2.0)
    np.testing.assert_array_equal(drawn.get_xdata(), X[::-1])
    np.testing.assert_array_equal(drawn.get_ydata(), Y)
    assert matplotlib.colors.same_color(drawn.get_color(), LOOKS[1].color)
    assert (drawn.get_marker(), drawn.get_linewidth(), drawn.get_label()) == ("s", 2.0, "one")
    assert_axes_kept(ax)


def test_lines_stay_themselves_when_others_are_drawn(ax):
    first = marks.line(ax, X, Y, look=LOOKS[0])
    second = marks.line(ax, X, Y + 1, look=LOOKS[1])
    assert list(ax.lines) == [first, second]
    np.testing.assert_array_equal(first.get_ydata(), Y)


def test_a_line_of_gaps_only_is_an_entry_of_the_legend(ax):
    drawn = marks.line(ax, X, [np.nan] * 3, look=LOOKS[0], label="nothing")
    assert ax.get_legend_handles_labels()[1] == ["nothing"]
    assert matplotlib.colors.same_color(drawn.get_color(), LOOKS[0].color)


@pytest.mark.parametrize(("low", "high"), [(Y - 1, Y + 1), (0.5, 2.5)])
def test_a_band_reaches_from_low_to_high(ax, low, high):
    drawn = marks.band(ax, X, low, high, color="#0b3c7f", alpha=0.3)
    corners = drawn.get_path().vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (np.min(low), np.max(high))
    assert (corners[:, 0].min(), corners[:, 0].max()) == (1.0, 100.0)
    assert_axes_kept(ax)


def test_bars_have_their_heights_and_colours():
    with paper_style():
        ax = new_figure(width=3.0, height=2.0).subplots()
        marks.bars(ax, ["a", "b"], [1.0, 2.0], colors=["#111111", "#7fa3d3"], errors=[[0.1, 0.1], [0.2, 0.2]])
    assert [bar.get_height() for bar in ax.patches] == [1.0, 2.0]
    assert matplotlib.colors.same_color(ax.patches[1].get_facecolor(), "#7fa3d3")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]


def test_an_ecdf_counts(ax):
    drawn = marks.ecdf(ax, [3.0, 1.0, 2.0, 2.0], look=LOOKS[0])
    values = dict(zip(drawn.get_xdata().tolist(), drawn.get_ydata().tolist(), strict=True))
    assert values == {1.0: 0.25, 2.0: 0.75, 3.0: 1.0}


def test_points_lie_where_they_are_put(ax):
    drawn = marks.points(ax, X, Y, color="black")
    np.testing.assert_array_equal(np.asarray(drawn.get_offsets()), np.column_stack([X, Y]))


def test_a_heat_map_writes_its_numbers():
    with paper_style():
        figure = new_figure(width=3.0, height=2.0)
        ax = figure.subplots()
        marks.heat_map(
            ax, pd.DataFrame([[0.25, 0.5]], index=["tpo"], columns=["x", "y"]), color="#0b3c7f", label="score"
        )
    assert {text.get_text() for text in ax.texts} == {"0.25", "0.50"}


def test_a_ramp_ends_at_its_colour():
    shades = marks.ramp("#0b3c7f", 3)
    assert len(shades) == 3
    assert matplotlib.colors.same_color(shades[-1], "#0b3c7f")
