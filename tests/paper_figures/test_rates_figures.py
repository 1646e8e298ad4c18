"""The figures of rates on made-up runs: exponents and labels that are known."""

import sys

import matplotlib.text
import numpy as np
import pandas as pd
import pytest

from simbench.show.figure_script import load_figure
from simbench.show.style import paper_style
from simbench.verify.statistical.runs import RunMatrix


def runs_of(curve, x, *, runs=60, learner="", **values):
    noise = np.exp(0.05 * np.random.default_rng(1).standard_normal((runs, 1)))
    return pd.DataFrame(
        {
            "instance": 0, "run": np.repeat(np.arange(runs), x.size), "learner": learner, "setting": "base",
            "round": np.tile(np.arange(1, x.size + 1), runs), "labels": np.tile(x, runs),
            "value_gap": (noise * curve).ravel(), **values,
        }
    )  # fmt: skip


def drawn_text(name, tables):
    with paper_style():
        figure = load_figure(name).draw(tables)
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


@pytest.mark.thorough
def test_slopes_writes_the_exponents():
    x = np.unique(np.round(10 ** np.arange(0, 6.1, 0.5)).astype(int))
    smooth = pd.concat([runs_of(2.0 / x, x, learner="tabular"), runs_of(3.0 / (x + 1), x, learner="linear")])
    finite = runs_of(np.where(x > 9999, 0.0, 1e3 * x**-2.5), x, learner="offline")
    close = [
        runs_of(0.3 / np.sqrt(n) * np.ones(3), np.array([100, 10_000, 1_000_000]), runs=640, **{
            "environment.labels": n, "environment.separation": c,
        })
        for n in (100, 10_000, 1_000_000) for c in (1.0, 2.1)
    ]  # fmt: skip
    text = drawn_text("slopes", {"slopes": smooth, "slopes_finite": finite, "close_arms": pd.concat(close)})
    assert sum("n^{−1.00}" in line for line in text) == 2
    assert any(line.startswith("finite: $n^{−2.5") for line in text)
    assert any("exactly 0" in line and "5 points" in line for line in text)
    assert sum("n^{−0.50}" in line for line in text) == 2


@pytest.mark.parametrize("target", [0.5, 0.03])
def test_labels_needed_of_a_power_law(target):
    load_figure("labels_to_gap")
    figure = sys.modules["simbench_figure_labels_to_gap"]
    x = np.geomspace(1, 1e4, 17)
    assert figure.crossing(x, 1.0 / x, target) == pytest.approx(1.0 / target)
    assert np.isnan(figure.crossing(x, 1.0 / x, 1e-6))
    matrix = RunMatrix(rounds=x, values=np.tile(1.0 / x, (5, 1)), instance=np.zeros(5, dtype=int))
    assert figure.labels_needed(matrix, target) == pytest.approx((1.0 / target,) * 3)


def test_growth_rate_of_an_exponential():
    load_figure("labels_to_gap")
    ratio = np.array([2.0, 4.0, 8.0])
    assert sys.modules["simbench_figure_labels_to_gap"].growth_rate(ratio, 7 * np.exp(0.8 * ratio)) == (
        pytest.approx(0.8)
    )
