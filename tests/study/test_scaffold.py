"""Templates: what `new` writes is a study that loads, and nothing is overwritten."""

import numpy as np
import pytest

import simbench as sb
from simbench.errors import SimbenchError
from simbench.show.figures import draw_figures
from simbench.study.execution.plugins import load_plugins
from simbench.study.execution.run import run_plan
from simbench.study.judge import judge
from simbench.study.plan import make_plan
from simbench.study.scaffold import scaffold
from simbench.study.study import load_study
from simbench.worlds import make


def test_a_new_learner_comes_with_its_study(workplace):
    written = scaffold("learner", "borda_tilt", folder=workplace)
    assert [file.relative_to(workplace).as_posix() for file in written.files] == [
        "borda_tilt.py",
        "experiments/borda_tilt.toml",
    ]
    assert written.command == "simbench run borda_tilt --preset quick --plugin borda_tilt.py"
    load_plugins([workplace / "borda_tilt.py"])
    engines = {unit.spec["label"]: unit.spec["engine"] for unit in make_plan(load_study("borda_tilt")).units}
    assert engines == {"borda_tilt": "jax", "online_dpo": "numba", "reference": "numba"}


@pytest.mark.parametrize("protocol", ["batch", "collecting", "iterative"])
def test_a_new_learner_of_another_protocol_learns(workplace, protocol):
    """What the template's learner deploys after 500 labels is better than the reference, on the mean of four runs."""
    name = f"my_{protocol}"
    scaffold("learner", name, folder=workplace, variant=protocol)
    load_plugins([workplace / f"{name}.py"])
    assert {unit.spec["label"] for unit in make_plan(load_study(name)).units} == {
        name,
        "mirror_descent" if protocol == "iterative" else "offline_mle",
        "reference",
    }
    world = make("small_random")
    trace = sb.simulate(world, [name], rounds=500, runs=4).to_pandas()
    assert trace["value_gap"].iloc[-1] < sb.measure(world, world.log_ref, ["value_gap"])["value_gap"]
    assert trace["labels"].iloc[-1] == (0 if protocol == "iterative" else 500)


def test_a_new_family_draws_worlds(workplace):
    scaffold("family", "my_family", folder=workplace)
    load_plugins([workplace / "my_family.py"])
    world = make("my_family", instance=1)
    assert world.log_ref.shape == (3, 6)
    assert not np.array_equal(world.reward, make("my_family", instance=2).reward)
    with pytest.raises(SimbenchError, match=r"rare_mass is 1\.5; it must be below 1"):
        make("my_family", rare_mass=1.5)


def test_a_new_figure_is_drawn(workplace):
    scaffold("figure", "my_figure", folder=workplace)
    study = workplace / "experiments" / "my_figure.toml"
    study.write_text(study.read_text().replace('"online_dpo"', '"uniform"').replace("= 500", "= 20"))
    run_plan(make_plan(load_study("my_figure", "quick")), workers=1)
    drawn = draw_figures(["my_figure"], preset="quick")
    assert {file.suffix for file in (workplace / "results" / "figures").iterdir()} == {".pdf", ".png"}
    assert drawn


def test_a_new_environment_and_the_experiment_that_it_asks_for(workplace):
    first = scaffold("environment", "my_world", folder=workplace)
    assert float(make("my_world").beta) == 0.5
    assert first.command == "simbench new experiment my_world_study --environment my_world"
    second = scaffold("experiment", "my_world_study", folder=workplace, environment="my_world")
    assert second.command == "simbench run my_world_study --preset quick"
    study = load_study("my_world_study", "quick")
    assert study.environment.name == "my_world"
    assert len(study.settings) == 3


@pytest.mark.parametrize("about", ["order", "rate", "probable"])
def test_a_new_claim_about_runs_is_judged_as_it_is(workplace, about):
    name = f"my_{about}"
    written = scaffold("claim", name, folder=workplace, variant=about)
    assert written.command == f"simbench claims {name}.py::{name}"
    plugins = load_plugins([workplace / f"{name}.py"])
    verdict = judge(name, workers=1, plugins=plugins)
    assert verdict.kind == about
    assert verdict.verdict == "consistent", verdict
    assert all(control.refuted for control in verdict.controls)


def test_nothing_is_overwritten(workplace):
    for kind in ("learner", "environment", "experiment"):
        scaffold(kind, f"my_{kind}", folder=workplace)
        with pytest.raises(SimbenchError, match="exists already"):
            scaffold(kind, f"my_{kind}", folder=workplace)
    before = {file: file.read_text() for file in workplace.rglob("*.*")}
    (workplace / "occupied.py").write_text("mine")
    with pytest.raises(SimbenchError, match=r"occupied\.py exists already"):
        scaffold("learner", "occupied", folder=workplace)
    assert not (workplace / "experiments" / "occupied.toml").exists()
    assert all(file.read_text() == text for file, text in before.items())


@pytest.mark.parametrize(
    ("kind", "name", "environment", "words"),
    [
        ("lerner", "a", None, "Did you mean 'learner'"),
        ("learner", "two words", None, "no name for a learner"),
        ("learner", "../up", None, "no name for a learner"),
        ("learner", "", None, "no name for a learner"),
        ("environment", "1st", None, "no name for a environment"),
        ("learner", "online_dpo", None, "learner 'online_dpo' exists already"),
        ("environment", "random_tabular", None, "environment 'random_tabular' exists already"),
        ("experiment", "a", "random_tabulr", "Did you mean 'random_tabular'"),
        ("learner", "a", "random_tabular", "a new learner has none"),
        ("figure", "slopes", None, "figure 'slopes' exists already"),
        ("family", "two_arms", None, "family 'two_arms' exists already"),
    ],
)
def test_bad_requests_are_one_sentence(workplace, kind, name, environment, words):
    with pytest.raises(SimbenchError, match=words):
        scaffold(kind, name, folder=workplace, environment=environment)
    assert list(workplace.iterdir()) == []


def test_a_kind_that_there_is_not_is_one_sentence(workplace):
    with pytest.raises(SimbenchError, match=r"no learner is of kind 'bach'\. Did you mean 'batch'"):
        scaffold("learner", "a", folder=workplace, variant="bach")
    with pytest.raises(SimbenchError, match="a new figure has one kind only"):
        scaffold("figure", "a", folder=workplace, variant="round")


def test_a_folder_that_cannot_be_written_to_is_one_sentence(workplace):
    (workplace / "environments").write_text("")
    with pytest.raises(SimbenchError, match="cannot be written"):
        scaffold("environment", "a", folder=workplace)
