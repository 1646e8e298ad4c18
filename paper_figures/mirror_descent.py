"""Mirror descent on known games: how fast the last policy and the mean one reach the equilibrium; too long a step.

Left, a line per game at one strength of regularisation: the last policy's exploitability falls geometrically to
rounding, that of the mean policy by powers of the number of steps, and with a step far beyond beta/L^2 it need not fall
at all. Right, a point per game and strength, in both payoffs: the factor per step against the one of the linearised
game, the square of its spectral radius.
Source: sokota2023; ye2024; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.precision import float64
from simbench.quantities import log_odds_payoff, preference_payoff
from simbench.show import marks
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.theory.games.sokota2023 import local_factor, solved
from simbench.worlds import make

STUDIES = ["mirror_descent"]
CLAIMS = ["mirror_descent_contracts"]

WORLD = "cyclic_games"
BETA = "environment.beta"
SHOWN = 0.5  # the strength of regularisation of the left panel
LOG_ODDS, LONG, PREFERENCE = "mirror_descent", "step 8", "P - 1/2"
LAST, MEAN, TOO_LONG = "last policy", "mean policy", "last policy, step 8"
WINDOW = (1e-20, 1e-6)  # of exploitability: small enough to be linear, large enough to be no rounding
FLOOR = 1e-24
PAYOFFS = {LOG_ODDS: log_odds_payoff, PREFERENCE: preference_payoff}
COLUMN = {LOG_ODDS: "exploitability_log_odds", PREFERENCE: "exploitability_preference"}


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["mirror_descent"]
    figure = new_figure(width=DOUBLE_COLUMN, height=2.7)
    left, right = figure.subplots(1, 2)
    _draw_steps(left, table[table[BETA] == SHOWN])
    _draw_factors(right, factors(table))
    note = f"a line per game; right, a point per game and $\\beta$; {table['instance'].nunique()} games"
    left.text(0.0, -0.24, note, transform=left.transAxes, fontsize=SMALL_FONT_SIZE)
    return figure


def factors(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per payoff and game, the factor per step of exploitability that was measured, and the predicted one."""
    rows = []
    solvers = table[table["learner"].isin(list(PAYOFFS))]
    for (learner, beta, instance), part in solvers.groupby(["learner", BETA, "instance"]):
        gap = part[COLUMN[learner]].to_numpy()
        kept = (gap > WINDOW[0]) & (gap < WINDOW[1])
        if kept.sum() < 3:
            continue
        slope = np.polyfit(part["round"].to_numpy()[kept], np.log(gap[kept]), 1)[0]
        world = make(WORLD, instance=int(instance), beta=float(beta))
        with float64():
            payoff = np.asarray(PAYOFFS[learner](world))
        predicted = local_factor(world, payoff, *solved(world, payoff))
        rows.append({"learner": learner, "measured": float(np.exp(slope)), "predicted": predicted})
    return pd.DataFrame(rows, columns=["learner", "measured", "predicted"])


def _draw_steps(ax: Any, table: pd.DataFrame) -> None:
    shown = {LAST: (LOG_ODDS, ""), MEAN: (LOG_ODDS, "average_"), TOO_LONG: (LONG, "")}
    for name, look in looks(shown).items():
        learner, prefix = shown[name]
        for number, (_, part) in enumerate(table[table["learner"] == learner].groupby("instance")):
            gap = part[f"{prefix}exploitability_log_odds"].clip(lower=FLOOR)
            marks.line(ax, part["round"], gap, color=look.color, linestyle=look.linestyle, linewidth=0.8, alpha=0.7,
                    label=None if number else name)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="exploitability (reward units)")
    ax.set_title(rf"log-odds, $\beta={SHOWN}$")
    ax.legend(loc="lower left")


def _draw_factors(ax: Any, found: pd.DataFrame) -> None:
    names = {LOG_ODDS: "log-odds", PREFERENCE: "$P-1/2$"}
    for learner, look in looks(names).items():
        part = found[found["learner"] == learner]
        ax.plot(1.0 - part["predicted"], 1.0 - part["measured"], linestyle="", marker=look.marker, color=look.color,
                markersize=4, markeredgecolor="black", markeredgewidth=0.3, label=names[learner])  # fmt: skip
    every = 1.0 - found[["measured", "predicted"]].to_numpy()
    low, high = (0.8 * every.min(), 1.25 * every.max()) if every.size else (0.01, 1.0)
    ax.plot([low, high], [low, high], color="black", linewidth=0.7)
    ax.set(xscale="log", yscale="log", xlabel="predicted: 1 - square of the spectral radius")
    ax.set_ylabel("1 - factor of exploitability per step")
    ax.set_title("known rate")
    ax.legend(loc="upper left")


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
