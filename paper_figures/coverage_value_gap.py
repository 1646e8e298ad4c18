"""Coverage of the optimum against the value gap: the lemma of [huang2025, Lemma 3.1], and how sharp it is.

Top: policies met by the learners (checkpoints of online DPO; the reference; the uniform policy) in worlds of one
R/beta. A policy's coverage excess Cov(pi*|pi) - 1 lies between kappa(e^{-2R/beta}) and kappa(e^{2R/beta}) times
gap/beta. Bottom: the two-sided form that holds with the policy's own density ratios, all worlds on one curve.
The counts of policies outside are printed; they must be zero, at a relative tolerance of 1e-9.
Source: huang2025, Lemma 3.1; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.show.scatter import (
    SMALLEST_DIVERGENCE,
    TOLERANCE,
    CoveragePoints,
    coverage_points,
    draw_coverage_by_value,
    draw_sharp_form,
)
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.study.study import load_study

STUDIES = ["coverage_value_gap"]
CLAIMS = ["coverage_from_value", "coverage_from_value_and_ratio", "value_from_coverage"]


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["coverage_value_gap"]
    study = load_study("coverage_value_gap")
    reward_bound = float(study.world(study.settings[0], 0).reward_bound)
    points = coverage_points(table)
    figure = new_figure(width=DOUBLE_COLUMN, height=5.0)
    axes = figure.subplot_mosaic([["first", "second", "third"], ["sharp"] * 3], height_ratios=[1.0, 1.15])
    look = looks(points.learner)
    top = [axes["first"], axes["second"], axes["third"]]
    for ax, beta in zip(top, _three(np.unique(points.beta)[::-1]), strict=True):
        draw_coverage_by_value(ax, points.select(points.beta == beta), reward_bound=reward_bound, look=look)
    top[0].set_ylabel(r"$\mathrm{Cov}(\pi^{\ast}|\pi)-1$")
    draw_sharp_form(axes["sharp"], points)
    axes["sharp"].legend(loc="upper left", markerscale=1.6)
    handles, labels = top[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, markerscale=1.6)
    figure.supxlabel(_caption(points), fontsize=SMALL_FONT_SIZE)
    return figure


def _caption(points: CoveragePoints) -> str:
    margin = f"outside: beyond a line by a factor of more than $1+{_power(TOLERANCE)}$"
    if not points.left_out:
        return f"distinct policies at checkpoints; {margin}"
    nearer = f"{points.left_out} nearer to the optimum than ${_power(SMALLEST_DIVERGENCE)}$ nats left out"
    return f"distinct policies at checkpoints, {nearer}; {margin}"


def _power(value: float) -> str:
    return f"10^{{{round(np.log10(value))}}}"


def _three(betas: np.ndarray) -> np.ndarray:
    """The largest, the middle and the smallest beta of the grid."""
    return betas[[0, (len(betas) - 1) // 2, -1]]


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
