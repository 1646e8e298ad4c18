"""Transfer with four sources of unknown quality: regret, what is played, and how well the data cover pi*.

Left: regret against T, both axes logarithmic, for the best source's gap Delta_min = .01, .03 and .1 (light to dark),
and T = 1/Delta_min^2 where the second phase begins; for Delta_min = .03 also the online learner alone (XPO), the best
source for ever, which TPO is not told, and TPO with the constants of the proof, whose bonus of 5 sqrt(2 L / N_w) reward
units hides every difference between sources until N_w is in the ten thousands. Thin: what the proof guarantees at
Delta_min = .03, T Delta_min + 4 c_R sqrt(2 L W T); it says something once it is below T R, the most that can be lost.
Middle: what TPO has played so far, at Delta_min = .03; the online learner's share is fixed. Right: Cov(pi*|mean of the
policies played); 1 is perfect.
Source: huang2025, Theorem 4.4; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.errors import SimbenchError
from simbench.show import marks
from simbench.show.bands import mean_band, over
from simbench.show.style import DOUBLE_COLUMN, LOOKS, SMALL_FONT_SIZE, new_figure
from simbench.study.study import load_study
from simbench.verify.statistical.runs import LEVEL, run_matrix

STUDIES = ["transfer"]
CLAIMS = ["transfer_cuts_early_regret", "transfer_outgrows_its_best_source", "transfer_regret_flattens"]

GAP = "environment.sources.gap"
SHOWN = 0.03  # the gap that the other learners and panels are drawn for
OTHERS = {"XPO": LOOKS[1], "best source": LOOKS[4], "TPO, theory": LOOKS[3]}
SHADES = {0.01: "#7fa3d3", 0.03: "#0b3c7f", 0.1: "#04142e"}
FIRST = 30  # rounds; before, curves are straight lines of slope one


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    table = tables["transfer"]
    table = table[table["round"] >= FIRST]
    figure = new_figure(width=DOUBLE_COLUMN, height=3.1)
    left, middle, right = figure.subplots(1, 3)
    draw_regret(left, table)
    shown = table[table[GAP] == SHOWN]
    draw_choices(middle, shown[shown["learner"] == "TPO"])
    draw_coverage(right, shown)
    runs = shown[shown["learner"] == "TPO"][["instance", "run"]].drop_duplicates()
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, handlelength=2.6)
    figure.supxlabel(
        f"{len(runs)} runs; bands: {LEVEL:.0%} interval of the mean {over(runs['instance'].nunique())}",
        fontsize=SMALL_FONT_SIZE,
    )
    return figure


def draw_regret(ax: Any, table: pd.DataFrame) -> None:
    """Draw TPO for every gap, and the others for one."""
    for gap, color in SHADES.items():
        _line(ax, table, "TPO", gap, "regret", color, "-", rf"TPO, $\Delta_{{\min}}={gap:g}$")
        end = gap**-2
        if table["round"].min() < end <= table["round"].max():
            ax.axvline(end, color=color, linewidth=0.7, linestyle=":")
            ax.text(end, 0.02, r" $\Delta_{\min}^{-2}$", color=color, fontsize=SMALL_FONT_SIZE,
                    transform=ax.get_xaxis_transform())  # fmt: skip
    for learner, look in OTHERS.items():
        _line(ax, table, learner, SHOWN, "regret", look.color, look.linestyle, learner)
    ax.set(xscale="log", yscale="log", xlabel="labels $T$", ylabel="regret (reward units)")
    ax.set_title(rf"regret; others at $\Delta_{{\min}}={SHOWN:g}$")
    rounds = np.sort(table["round"].unique()).astype(float)
    ax.plot(rounds, guarantee(rounds), color="black", linewidth=0.6, label="re-derived bound on TPO, theory")
    ax.plot(
        rounds, rounds, color="#777777", linewidth=0.6, linestyle=(0, (1, 2)), label="$T R$: vacuous above"
    )


def guarantee(rounds: np.ndarray) -> np.ndarray:
    """Return T Delta_min + 4 c_R sqrt(2 log(2MW/delta) W T), delta = 0.1, in the world of the study."""
    study = load_study("transfer")
    setting = next(one for one in study.settings if one.values[GAP] == SHOWN)
    world = study.world(setting, 0)
    if world.reward_class is None or world.sources is None:
        raise SimbenchError("the environment of study 'transfer' has no finite class, or no sources.")
    members, sources, bound = len(world.reward_class), len(world.sources), float(world.reward_bound)
    constant = 2.0 + np.exp(bound) + np.exp(-bound)
    confidence = np.log(2.0 * members * sources / 0.1)
    return np.asarray(rounds * SHOWN + 4.0 * constant * np.sqrt(2.0 * confidence * sources * rounds))


def draw_choices(ax: Any, rows: pd.DataFrame) -> None:
    """Stack the shares of rounds that the online learner, each source and pi_OFF have had so far."""
    sources = sorted((c for c in rows if c.startswith("pulls_") and c != "pulls_off" and rows[c].notna().any()),
                     key=lambda name: int(name.removeprefix("pulls_")))  # fmt: skip
    mean = rows.groupby("round")[[*sources, "pulls_off"]].mean()
    rounds = mean.index.to_numpy(dtype=float)
    shares = [mean[name].to_numpy() / rounds for name in [*sources, "pulls_off"]]
    names = [
        *(f"source {int(name.removeprefix('pulls_')) + 1}" for name in sources),
        r"$\pi_{\mathrm{OFF}}$",
        "online",
    ]
    shares.append(1.0 - np.sum(shares, axis=0))
    blues = np.linspace(0.25, 0.8, len(sources))
    colors = [
        *((1 - 0.95 * (1 - b), 1 - 0.65 * (1 - b), 1 - 0.35 * (1 - b)) for b in blues),
        "#eecb66",
        "#c2553f",
    ]
    ax.stackplot(rounds, shares, colors=colors, linewidth=0.4, edgecolor="white")
    bottom = 0.0
    last = rounds[-1]
    for name, share in zip(names, shares, strict=True):
        height = float(share[-1])
        if height > 0.05:
            dark = name.startswith("source 1") or name == "online"
            ax.text(last, bottom + height / 2, f"{name} ", ha="right", va="center", fontsize=SMALL_FONT_SIZE,
                    color="white" if dark else "black")  # fmt: skip
        elif float(share[0]) > 0.05:
            first = float(np.sum([s[0] for s in shares[: names.index(name)]]))
            ax.text(rounds[0], first + float(share[0]) / 2, f" {name}", ha="left", va="center",
                    fontsize=SMALL_FONT_SIZE)  # fmt: skip
        bottom += height
    ax.set(
        xscale="log",
        xlim=(rounds[0], last),
        ylim=(0, 1),
        xlabel="labels $T$",
        ylabel="share of rounds so far",
    )
    ax.set_title("what TPO has played")


def draw_coverage(ax: Any, table: pd.DataFrame) -> None:
    """Draw the coverage of pi* by the mean policy."""
    _line(ax, table, "TPO", SHOWN, "average_coverage", SHADES[SHOWN], "-", "TPO")
    _line(ax, table, "XPO", SHOWN, "average_coverage", OTHERS["XPO"].color, OTHERS["XPO"].linestyle, "XPO")
    _line(ax, table, "TPO, theory", SHOWN, "average_coverage", OTHERS["TPO, theory"].color,
          OTHERS["TPO, theory"].linestyle, "TPO, theory")  # fmt: skip
    ax.axhline(1.0, color="black", linewidth=0.6)
    ax.set(xscale="log", yscale="log", xlabel="labels $T$")
    ax.set_ylabel(r"$\mathrm{Cov}(\pi^{\ast}|\overline{\pi}_T)$ (ratio)")
    ax.set_title("coverage of the optimum")


def _line(
    ax: Any, table: pd.DataFrame, learner: str, gap: float, column: str, color: str, style: Any, label: str
) -> None:
    rows = table[(table["learner"] == learner) & (table[GAP] == gap)]
    if rows.empty:
        return
    band = mean_band(run_matrix(rows, column))
    marks.band(ax, band["round"], band["low"], band["high"], color=color, alpha=0.25)
    marks.line(ax, band["round"], band["mean"], color=color, linestyle=style, label=label)


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
