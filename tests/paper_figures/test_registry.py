"""Every figure resolves to studies that exist and to claims that are registered, and draws their quick results."""

import pytest

from simbench import named_files, registry
from simbench.show.figure_script import load_figure
from simbench.study.study import load_study

FIGURES = named_files.names("paper_figures")


def test_there_are_figures():
    assert {"greedy_regret", "coverage_value_gap"} <= set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_resolves(name):
    figure = load_figure(name)
    assert figure.name == name
    assert figure.summary.endswith(".")
    assert figure.studies or figure.claims  # a figure without studies is drawn from claims
    for study in figure.studies:
        for preset in ("quick", "paper"):
            assert load_study(study, preset).preset == preset
    for claim in figure.claims:
        registry.lookup("claim", claim)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_cites_what_its_studies_cite(name):
    figure = load_figure(name)
    cited = {part.strip().partition(",")[0] for part in figure.source.split(";")}
    for study in figure.studies:
        assert {part.strip().partition(",")[0] for part in load_study(study).source.split(";")} <= cited
