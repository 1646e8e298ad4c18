"""One figure drawn from the committed reference results, one from real rounds at a hundredth of the quick size."""

import re

import matplotlib.text
import pandas as pd
import pytest

from simbench.engine import log_checkpoints, run_block
from simbench.show.figure_script import load_figure
from simbench.show.reference import read_reference
from simbench.show.style import paper_style
from simbench.study.study import load_study


def small_table(name, *, rounds, runs, instances):
    """A study's quick preset shrunk and played."""
    study = load_study(name, "quick")
    frames = []
    for setting in study.settings:
        for instance in range(instances):
            world = study.world(setting, instance)
            for entry in study.learners:
                columns = run_block(
                    world, study.learner(entry, setting), rounds=rounds, runs=range(runs), instance=instance,
                    checkpoints=log_checkpoints(rounds, study.run.checkpoints_per_decade),
                    quantities=tuple(study.run.quantities), block=4,
                )  # fmt: skip
                labels = {
                    "setting": setting.name,
                    "instance": instance,
                    "learner": entry.shown,
                    **setting.values,
                }
                frames.append(pd.DataFrame(columns).assign(**labels))
    table = pd.concat(frames, ignore_index=True)
    table.attrs = {"study": name, "preset": study.preset, "partial": False}
    return table


def drawn_text(figure):
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def draw(name, table):
    with paper_style():
        figure = load_figure(name).draw({name: table})
        figure.canvas.draw()
    return figure


@pytest.fixture(scope="module")
def coverage_figure():
    return draw("coverage_value_gap", read_reference("coverage_value_gap"))


def test_coverage_value_gap_counts_nothing_outside(coverage_figure):
    text = drawn_text(coverage_figure)
    counts = [re.search(r"(\d+) of (\d+) (outside|policies)", line) for line in text]
    found = [(int(match[1]), int(match[2])) for match in counts if match]
    assert len(found) == 4
    assert all(outside == 0 and total > 0 for outside, total in found)
    assert found[-1][1] >= sum(total for _, total in found[:-1])


def test_greedy_regret_names_law_and_prediction():
    figure = draw("greedy_regret", small_table("greedy_regret", rounds=400, runs=3, instances=2))
    text = drawn_text(figure)
    assert sum("predicted slope" in line for line in text) == 2
    assert any("T^{1.00}" in line for line in text)  # the reference policy never learns
    assert any(line.startswith("6 runs in 2 worlds") for line in text)
    assert [ax.get_title() for ax in figure.axes] == [
        "KL-regularised regret", "reward regret", "temperature-zero regret",
    ]  # fmt: skip


def test_legends_stay_inside_the_page(coverage_figure):
    page = coverage_figure.bbox
    legends = [ax.get_legend() for ax in coverage_figure.axes if ax.get_legend()]
    for legend in [*coverage_figure.legends, *legends]:
        box = legend.get_window_extent()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0
        assert box.y1 <= page.y1
