"""How near the hunter comes to the bound of [huang2025, Lemma 3.1], against uniform random search at equal cost.

Instances are the lemma's own: one prompt, A responses, R/beta in [2, 20], references down to e^-50, policies that mix
two Gibbs policies of rewards in [0, R]; the two-arm family that attains the bound is not handed to either search.
Plotted: 1 - (largest measured/theory so far) against the instances evaluated; the bound is attained at 0. Lines are
medians of three searches, bands their full range. Distances end at 1e-9, below which float64 is in doubt. The
hunter climbs from 128 fresh starts, a quarter of them on faces; its gradients are not charged for.
Source: huang2025, Lemma 3.1; simbench.
"""

from typing import Any

import numpy as np
import pandas as pd

from simbench.precision import float64
from simbench.show.style import DOUBLE_COLUMN, SMALL_FONT_SIZE, looks, new_figure
from simbench.verify import find_claim
from simbench.verify.domains import Instances, Mixture, Worlds
from simbench.verify.explore import SUSPICIOUS
from simbench.verify.hunter import ascend, random_search
from simbench.verify.sides import BATCH, Sides

STUDIES: list[str] = []
CLAIMS = ["coverage_from_value"]
HUNTER, RANDOM = "hunter (ascent from fresh starts)", "uniform random search"
RESPONSES = (2, 5, 10)
SEARCHES = 3
STEPS = 75


def draw(tables: dict[str, pd.DataFrame]) -> Any:
    figure = new_figure(width=DOUBLE_COLUMN, height=2.4)
    panels = figure.subplots(1, len(RESPONSES), sharey=True)
    evaluations = BATCH * np.arange(1, STEPS + 1)
    for ax, responses in zip(panels, RESPONSES, strict=True):
        found = shortfalls(responses)
        for name, look in looks(found).items():
            middle = np.median(found[name], axis=0)
            ax.step(evaluations, middle, where="post", label=name, color=look.color, linestyle=look.linestyle)
            low, high = found[name].min(axis=0), found[name].max(axis=0)
            ax.fill_between(evaluations, low, high, step="post", color=look.color, alpha=0.2, linewidth=0)
        reached = 1.0 - np.median(found[RANDOM][:, -1])
        ax.annotate(f"best ratio {reached:.2f}", (evaluations[-1], 1.0 - reached), xytext=(0, -4),
                    textcoords="offset points", ha="right", va="top", fontsize=SMALL_FONT_SIZE)  # fmt: skip
        ax.axhspan(SUSPICIOUS / 10, SUSPICIOUS, color="#eeeeee", zorder=0)
        ax.set(xscale="log", yscale="log", title=f"$A={responses}$")
        ax.set_xlim(1e2, 1.2e4)
    panels[0].set_ylim(SUSPICIOUS / 10, 3.0)
    panels[0].text(1.1e2, SUSPICIOUS / 10**0.55, "float64 in doubt", va="center", fontsize=SMALL_FONT_SIZE)
    panels[0].set_ylabel("1 − largest measured/theory")
    panels[1].set_xlabel("instances evaluated")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    figure.supxlabel(
        f"Lemma 3.1 on instances of its own ($S=1$, $R/\\beta\\in[2,20]$, mixtures of two Gibbs policies); "
        f"median and range of {SEARCHES} searches",
        fontsize=SMALL_FONT_SIZE,
    )
    return figure


def shortfalls(responses: int, *, searches: int = SEARCHES, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Return `[searches, steps]` of 1 - best ratio after each batch of evaluations, for both ways to search."""
    domain = Instances(Worlds(shapes=((1, responses),), ratio=(2.0, 20.0)), log_policy=Mixture())
    sides = Sides(find_claim("coverage_from_value"), domain, domain.shapes[0])
    with float64():
        sides.prepare_to_climb()
        hunted = np.stack([ascend(sides, steps=steps, wave=wave).trajectory for wave in range(searches)])
        blind = random_search(sides, evaluations=searches * steps * BATCH).ratios
    batches = np.fmax.reduce(blind.reshape(searches, steps, BATCH), axis=2)
    best = {HUNTER: hunted, RANDOM: np.fmax.accumulate(batches, axis=1)}
    return {name: np.maximum(1.0 - ratio, SUSPICIOUS) for name, ratio in best.items()}


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
