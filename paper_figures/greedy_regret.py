"""Regret of greedy online DPO in three currencies: log T, restless around a small mean, and bounded.

On a fixed world the KL-regularised gap is quadratic in the estimation error, whose square falls like 1/T, so greedy
learning pays log T [zhao2025; wu2025]. The likeliest response is right for good after finitely many labels, so the
regret at temperature zero is bounded [kang2026]. The reward regret has no sign: its mean is small, and single runs
wander ever further. A policy that never learns pays linearly in every currency.

Beside each fitted log law stands the slope that the Fisher information predicts (`predicted_slope`).
Source: wu2025; zhao2025; kang2026; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.bandit import Bandit
from simbench.engine.currencies import CURRENCIES, REGRETS
from simbench.precision import entry_point
from simbench.quantities import log_optimal
from simbench.show.curves import Curve, band_caption, draw_curves, regret_curves
from simbench.show.growth_law import number
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, new_figure
from simbench.study.study import Study, load_study

STUDIES = ["greedy_regret"]
CLAIMS: list[str] = []
BASELINES = ("reference", "uniform")


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["greedy_regret"]
    figure = new_figure(width=DOUBLE_COLUMN, height=3.0)
    for ax, column in zip(figure.subplots(1, 3), REGRETS, strict=True):
        curves = regret_curves(table, column)
        lines = draw_curves(ax, curves, spread=_learners(curves))
        predicted = _predictions(table) if column == "regret" else {}
        laws = [_law(curve, predicted) for curve in curves]
        ax.legend(lines, laws, loc="upper center", bbox_to_anchor=(0.5, -0.24), borderaxespad=0.0)
        ax.set_title(CURRENCIES[column].title)
        _leave_room(ax, curves)
    figure.axes[0].set_ylabel("cumulative regret (reward units)")
    figure.legend(lines, [curve.learner for curve in curves], loc="outside upper center", ncols=len(lines))
    figure.supxlabel(band_caption(curves), fontsize=SMALL_FONT_SIZE)
    return figure


def _law(curve: Curve, predicted: dict[str, str]) -> str:
    law = "" if curve.law is None else curve.law.latex()
    return law + predicted.get(curve.learner, "")


def _learners(curves: list[Curve]) -> list[str]:
    return [curve.learner for curve in curves if curve.learner not in BASELINES]


def _leave_room(ax: Any, curves: list[Curve]) -> None:
    """End the panel above the learners; a baseline leaves it, and its law says how fast."""
    bands = [curve.band for curve in curves if curve.learner not in BASELINES]
    low = min(0.0, *(band["spread_low"].min() for band in bands))
    high = max(band["spread_high"].max() for band in bands)
    ax.set_ylim(low - 0.03 * (high - low), high + 0.08 * (high - low))


def _predictions(table: pd.DataFrame) -> dict[str, str]:
    """The predicted slope of log T for each greedy learner, averaged over the study's worlds."""
    study = load_study("greedy_regret", table.attrs.get("preset"))
    notes: dict[str, str] = {}
    for entry in study.learners:
        if entry.name == "online_dpo":
            slopes = [_slope(study, entry.parameters["second"], int(i)) for i in table["instance"].unique()]
            notes[entry.shown] = f"  (predicted slope {number(float(np.mean(slopes)))})"
    return notes


def _slope(study: Study, second: str, instance: int) -> float:
    world = study.world(study.settings[0], instance)
    return predicted_slope(world, self_sampling=second == "self")


@entry_point
def predicted_slope(world: Bandit, *, self_sampling: bool) -> float:
    """Return the slope of E[regret] in log T for greedy Bradley-Terry maximum likelihood (reward units).

        (1 / 2 beta) sum_s tr( C_s I_s^+ ),      C_s = diag(pi*) - pi* pi*',
        I_s = sum_{a,b} pi*(a) q(b) sigma'(r_a - r_b) (e_a - e_b)(e_a - e_b)' ,    q = pi* or ref

    After n_s = rho_s T labels the error of the fit has covariance I_s^+ / n_s, and to second order the gap is
    (1 / 2 beta) sum_s rho_s Var_{pi*}(error); the rho_s cancel, and summing 1/T gives the log. Source: simbench.
    """
    optimum = np.exp(np.asarray(log_optimal(world)))
    total = 0.0
    for s in range(world.prompts):
        p, q = optimum[s], optimum[s] if self_sampling else np.exp(world.log_ref[s])
        win = 1.0 / (1.0 + np.exp(world.reward[s][None, :] - world.reward[s][:, None]))
        weight = np.outer(p, q) * win * (1.0 - win)
        weight = weight + weight.T
        information = np.diag(weight.sum(axis=1)) - weight
        total += float(np.trace((np.diag(p) - np.outer(p, p)) @ np.linalg.pinv(information, hermitian=True)))
    return total / (2.0 * float(world.beta))


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
