"""The figures on optimism, drawn from made-up runs: what they count and what they show."""

import sys

import matplotlib.text
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from simbench.show.figure_script import load_figure
from simbench.show.style import paper_style
from simbench.study.study import load_study

ROUNDS = [1, 10, 100, 6000]


def made_up(study_name, runs=12, stuck=3):
    """Every learner the same: `stuck` of `runs` runs end with a gap of one, the others with none."""
    frames = []
    for number, entry in enumerate(load_study(study_name, "quick").learners):
        for run in range(runs):
            regret = (1 + number + run) * np.sqrt(ROUNDS)
            gap = np.full(len(ROUNDS), 1.0 if run < stuck else 0.0)
            frame = pd.DataFrame({"round": ROUNDS, "labels": ROUNDS, "regret": regret, "value_gap": gap})
            frames.append(frame.assign(setting="base", instance=0, run=run, learner=entry.shown))
    table = pd.concat(frames, ignore_index=True)
    table.attrs = {"study": study_name, "preset": "quick", "partial": False}
    return table


def drawn(name, *studies):
    with paper_style():
        figure = load_figure(name).draw({study: made_up(study) for study in studies})
        figure.canvas.draw()
    return figure


def test_needle_shows_every_run_and_counts_the_stuck():
    figure = drawn("needle", "needle")
    top, bottom = figure.axes
    learners = load_study("needle").learners
    marks = sum(len(one.get_offsets()) for one in top.collections if isinstance(one, PathCollection))
    assert marks == 12 * len(learners)
    texts = [text.get_text() for text in bottom.findobj(matplotlib.text.Text)]
    assert texts.count("25 %") == len(learners)
    labels = [tick.get_text() for tick in bottom.get_xticklabels()]
    assert "$0$\ngreedy" in labels
    assert "$-10^{-3}$\nwrong sign" in labels
    assert "$6\\cdot 10^{-4}$\nVPO" in labels


def test_optimism_draws_the_same_learners_in_both_worlds():
    figure = drawn("optimism", "needle", "optimism")
    for ax in figure.axes:
        assert len(ax.get_lines()) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "greedy", "XPO", "VPO", "XPO, wrong sign",
    ]  # fmt: skip


def test_strips_are_wide_where_runs_crowd():
    load_figure("needle")
    strip_offsets = sys.modules["simbench_figure_needle"].strip_offsets
    values = np.concatenate([np.linspace(0.0, 0.001, 50), [1.0, 2.0]])
    offsets = strip_offsets(values)
    assert offsets[:50].min() == pytest.approx(-1.0)
    assert offsets[:50].max() == pytest.approx(1.0)
    np.testing.assert_array_equal(offsets[50:], 0.0)
