import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from simbench.errors import SimbenchError
from simbench.show.bands import mean_band
from simbench.show.curves import axis_label, band_caption, draw_curves, plot_trace, regret_curves
from simbench.show.style import new_figure
from tests.show.synthetic import law_matrix, tidy

SLOW = law_matrix(lambda t: 8.0 * np.log1p(t), noise=0.5, runs=32, instances=2)
FAST = law_matrix(lambda t: 0.1 * t, noise=0.5, runs=32, instances=2)
TABLE = pd.concat(
    [
        tidy(SLOW, learner="greedy", value_gap=SLOW.values),
        tidy(FAST, learner="reference", value_gap=FAST.values),
    ]
)


def test_curves_hold_bands_and_laws():
    slow, fast = regret_curves(TABLE, "regret")
    assert [slow.learner, fast.learner] == ["greedy", "reference"]
    pd.testing.assert_frame_equal(slow.band, mean_band(SLOW))
    assert (slow.law.law, fast.law.law) == ("log", "power")
    assert slow.label == f"greedy: {slow.law.latex()}"


def test_quantities_have_no_law():
    assert [curve.law for curve in regret_curves(TABLE, "value_gap")] == [None, None]


def test_settings_are_not_mixed():
    with pytest.raises(SimbenchError, match="2 settings"):
        regret_curves(pd.concat([TABLE, TABLE.assign(setting="other")]), "regret")


def test_lines_are_means_and_laws():
    curves = regret_curves(TABLE, "regret")
    ax = new_figure(width=3.0, height=2.0).subplots()
    lines = draw_curves(ax, curves, spread=["greedy"])
    for line, curve in zip(lines, curves, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve.band["mean"])
    fitted = [line for line in ax.lines if line not in lines]
    for line, curve in zip(fitted, curves, strict=True):
        np.testing.assert_allclose(line.get_ydata(), curve.law(line.get_xdata()))
        assert line.get_xdata()[-1] == pytest.approx(curve.law.window[1])
    assert len(ax.patches) == 3  # two intervals and one spread
    assert ax.get_xscale() == "log"


def test_plot_trace_draws_into_the_given_axes_and_leaves_the_style_alone():
    before = dict(mpl.rcParams)
    ax = new_figure(width=3.0, height=2.0).subplots()
    assert plot_trace(TABLE.drop(columns="setting"), "regret", ax) is ax
    assert ax.get_ylabel() == "KL-regularised regret (reward units)"
    assert [text.get_text().partition(":")[0] for text in ax.get_legend().get_texts()] == [
        "greedy",
        "reference",
    ]
    assert dict(mpl.rcParams) == before


def test_plot_trace_makes_a_figure():
    import matplotlib.pyplot as plt

    ax = plot_trace(TABLE, "value_gap")
    assert ax.figure.number in plt.get_fignums()
    plt.close(ax.figure)


def test_a_single_run_is_drawn_without_a_law():
    single = TABLE[(TABLE["run"] == 0) & (TABLE["instance"] == 0)]
    assert [curve.law for curve in regret_curves(single, "regret")] == [None, None]


@pytest.mark.parametrize(
    ("column", "label"),
    [
        ("argmax_regret", "temperature-zero regret (reward units)"),
        ("value_gap", "value gap (reward units)"),
        ("average_coverage", "average coverage (ratio)"),
        ("kl_ref", "kl ref (nats)"),
        ("unsolved_fits", "unsolved fits"),
    ],
)
def test_axis_labels_carry_units(column, label):
    assert axis_label(column) == label


def test_caption_counts_runs_and_worlds():
    assert band_caption(regret_curves(TABLE, "regret")).startswith("32 runs in 2 worlds;")
