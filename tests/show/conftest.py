from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simbench.study.execution import one_core
from simbench.study.plan import make_plan
from simbench.study.store import store_of
from simbench.study.study import load_study
from simbench.study.unit_file import encode

STUDY = """
question = "Does a figure draw?"
source = "simbench"
environment = { family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 } }
[run]
rounds = 1000
instances = 2
runs = 4
block = 4
quantities = ["value_gap"]
[[learner]]
name = "reference"
[[learner]]
name = "uniform"
[preset.quick]
rounds = 100
"""

SCRIPT = '''"""A line per learner.

Source: simbench.
"""

from simbench.show.curves import draw_curves, regret_curves
from simbench.show.style import new_figure

STUDIES = ["small"]
CLAIMS = []


def draw(tables):
    figure = new_figure(width=3.0, height=2.0)
    draw_curves(figure.subplots(), regret_curves(tables["small"], "regret"))
    return figure


if __name__ == "__main__":
    from simbench.show.figures import main

    main(__file__)
'''

Fill = Callable[..., None]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one study and one figure script, to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(one_core, "_in_force", True)
    for kind, name, text in (("experiments", "small.toml", STUDY), ("paper_figures", "lines.py", SCRIPT)):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / name).write_text(text)
    return tmp_path


@pytest.fixture
def fill(workplace: Path) -> Fill:
    """Write results of the study's first `units` units: regret = (1 + unit) T, without playing a round."""

    def filled(units: int | None = None, preset: str | None = None) -> None:
        plan = make_plan(load_study("small", preset))
        store = store_of(plan, "results")
        store.open()
        marks = np.unique(
            np.round(10 ** np.linspace(0, np.log10(plan.units[0].spec["rounds"]), 20)).astype(int)
        )
        for number, unit in enumerate(plan.units[:units]):
            runs = unit.spec["runs"]
            round_ = np.tile(marks, runs)
            columns = {"run": np.repeat(np.arange(runs), marks.size)}
            columns |= dict.fromkeys(("iteration", "round", "labels"), round_)
            columns |= dict.fromkeys(("regret", "reward_regret", "argmax_regret"), (1.0 + number) * round_)
            columns["value_gap"] = np.ones(round_.size)
            store.write(unit, encode(unit, columns))

    return filled
