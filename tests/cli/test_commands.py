"""What commands print, and that `--json` is one JSON array and nothing else."""

import importlib
import json
import resource
import subprocess
import sys

import pytest

from simbench import named_files
from simbench.cli import claims
from simbench.cli.reproducing import WORKERS_IMPORT
from simbench.registry import everything
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from tests.study.conftest import QUICK_LEARNER

HEAVY = ("jax", "numba", "numpy", "pandas", "pyarrow", "scipy", "matplotlib", "pydantic", "joblib", "rich")


def rows(result):
    assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
    parsed = json.loads(result.stdout)
    assert isinstance(parsed, list)
    return parsed


def test_help_is_quick_and_imports_nothing_heavy():
    command = "from simbench.cli import app; app(['--help'], standalone_mode=False)"
    script = f"import sys; {command}; print(sorted(sys.modules))"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (
        before.ru_utime + before.ru_stime
    )  # of work, whatever the load
    assert seconds < 0.5
    for command in ("list", "run", "status", "figures", "speed", "new", "reproduce"):
        assert f"\n  {command} " in done.stdout
    loaded = set(done.stdout.splitlines()[-1].replace("'", "").strip("[]").split(", "))
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    "kind", ["environments", "modifiers", "experiments", "learners", "claims", "figures"]
)
def test_list_says_name_source_and_summary_of_everything(simbench, kind):
    listed = rows(simbench("list", kind, "--json"))
    assert all(set(row) == {"name", "source", "summary"} for row in listed)
    assert all(row["name"] and row["source"] and row["summary"] for row in listed)
    names = [row["name"] for row in listed]
    folder = {"figures": "paper_figures"}.get(kind, kind)
    if folder in named_files.SUFFIXES:
        assert names == named_files.names(folder)
    else:
        assert names == list(everything(kind.removesuffix("s")))
    text = simbench("list", kind).stdout
    assert all(name in text for name in names)


def test_list_without_a_kind_is_all_of_them(simbench):
    kinds = ["environments", "modifiers", "experiments", "learners", "claims", "figures"]
    everything_listed = rows(simbench("list", "--json"))
    assert everything_listed == [row for kind in kinds for row in rows(simbench("list", kind, "--json"))]
    assert [line[:-1] for line in simbench("list").stdout.splitlines() if not line.startswith(" ")] == kinds


@pytest.mark.parametrize("name", named_files.names("experiments"))
@pytest.mark.parametrize("preset", [None, "quick"])
def test_every_shipped_study_loads_and_has_units(name, preset):
    plan = make_plan(load_study(name, preset))
    assert plan.units
    assert preset is None or plan.study.has_preset


def test_run_then_status_then_run_again(write_study, simbench):
    write_study(QUICK_LEARNER)
    states = rows(simbench("status", "tiny", "--preset", "quick", "--json"))
    assert [set(row) for row in states] == [{"unit", "state"}] * 4
    assert {row["state"] for row in states} == {"missing"}
    first = simbench("run", "tiny", "--preset", "quick", "--workers", 1)
    assert first.exit_code == 0
    assert "tiny (quick): 4 units, 4 computed (" in first.stdout
    assert "results/tiny/quick/units" in first.stdout
    assert {row["state"] for row in rows(simbench("status", "tiny", "--preset", "quick", "--json"))} == {
        "done"
    }
    assert "4 units, 0 computed" in simbench("run", "tiny", "--preset", "quick", "--workers", 1).stdout
    assert (
        "4 units, 4 computed"
        in simbench("run", "tiny", "--preset", "quick", "--workers", 1, "--force").stdout
    )
    text = simbench("status", "tiny", "--preset", "quick").stdout
    assert "4 units, 4 done, 0 missing, 0 corrupt" in text
    assert "learner 'all alike', setting base, instance 0, runs 2 to 2" in text


def test_status_says_when_sources_have_changed(write_study, simbench, monkeypatch):
    write_study(QUICK_LEARNER)
    assert simbench("run", "tiny", "--preset", "quick", "--workers", 1).exit_code == 0
    monkeypatch.setattr("simbench.import_closure.digest", lambda roots: "0123456789abcdef")
    result = simbench("status", "tiny", "--preset", "quick")
    assert "0 done, 4 missing" in result.stdout
    assert "note: 4 units were computed by other sources of simbench" in result.stderr


def test_a_preset_that_is_lacking_is_noted(write_study, simbench):
    write_study(("instances = 2", "instances = 1"), QUICK_LEARNER)
    result = simbench("run", "tiny", "--preset", "paper", "--workers", 1)
    assert result.exit_code == 0
    assert "note: study 'tiny' has no preset 'paper' (it has quick); it runs as written." in result.stderr
    assert "tiny (full): 4 units" in result.stdout


def test_a_dry_run_computes_nothing(write_study, simbench, workplace):
    write_study(QUICK_LEARNER)
    result = simbench("run", "tiny", "--dry-run", "--workers", 1)
    assert result.exit_code == 0
    assert "tiny (full): 8 units, 0 done, 8 to do" in result.stdout
    assert "time    about" in result.stdout
    assert "memory  about" in result.stdout
    assert not (workplace / "results").exists()


def test_a_damaged_unit_is_noted_and_computed_again(write_study, simbench, workplace):
    write_study(QUICK_LEARNER)
    simbench("run", "tiny", "--preset", "quick", "--workers", 1)
    file = sorted((workplace / "results/tiny/quick/units").iterdir())[0]
    file.write_bytes(file.read_bytes()[:100])
    states = {
        row["unit"]: row["state"] for row in rows(simbench("status", "tiny", "--preset", "quick", "--json"))
    }
    assert states.pop(file.stem) == "corrupt"
    assert set(states.values()) == {"done"}
    again = simbench("run", "tiny", "--preset", "quick", "--workers", 1)
    assert (
        f"note: 1 damaged unit file in results/tiny/quick/units is computed again: {file.name}"
        in again.stderr
    )
    assert "4 units, 1 computed" in again.stdout


FIGURE = '''
"""Final regret of the tiny study. Source: simbench."""
STUDIES = ["tiny"]
CLAIMS = []

def draw(tables):
    from simbench.show.style import new_figure
    figure = new_figure(width=3.0, height=2.0)
    figure.subplots().plot(tables["tiny"]["round"], tables["tiny"]["regret"])
    return figure
'''


@pytest.fixture
def figure(workplace):
    (workplace / "paper_figures").mkdir()
    (workplace / "paper_figures" / "tiny_regret.py").write_text(FIGURE.lstrip())


def test_figures_are_drawn_from_results_and_say_when_they_are_partial(
    write_study, figure, simbench, workplace
):
    write_study(QUICK_LEARNER)
    run_plan(make_plan(load_study("tiny", "quick")), workers=1)
    (drawn,) = rows(simbench("figures", "tiny_regret", "--json"))
    assert [workplace / file for file in drawn["files"]] == sorted((workplace / "results/figures").iterdir())
    assert drawn["partial"] is False
    assert simbench("figures", "tiny_regret", "--out", "elsewhere").stdout.split() == [
        "elsewhere/tiny_regret.pdf",
        "elsewhere/tiny_regret.png",
    ]
    next((workplace / "results/tiny/quick/units").iterdir()).unlink()
    (drawn,) = rows(simbench("figures", "tiny_regret", "--json"))
    assert drawn["partial"] is True
    assert "3 of 4 units" in simbench("figures", "tiny_regret").stderr


def test_reproduce_runs_draws_and_sums_up(write_study, figure, simbench, workplace, monkeypatch):
    write_study(QUICK_LEARNER)
    mine = {"experiments": ["tiny"], "paper_figures": ["tiny_regret"]}
    monkeypatch.setattr(named_files, "names", lambda kind: mine[kind])
    monkeypatch.setattr(claims, "catalogue", list)  # judging has tests of its own
    result = simbench("reproduce", "--preset", "quick", "--workers", 1)
    assert result.exit_code == 0, result.stderr
    for words in ("tiny (quick): Does it run?", "reference", "all alike", "regret at the end", "growth law",
                  "results/tiny/quick/units", "results/figures/tiny_regret.pdf",
                  "1 study, 0 claims and 1 figure in"):  # fmt: skip
        assert words in result.stdout
    summary = (workplace / "results/SUMMARY.md").read_text()
    assert "tiny (quick): Does it run?" in summary
    assert "results/figures/tiny_regret.pdf" in summary


def test_new_says_what_to_run_next(simbench, workplace):
    result = simbench("new", "environment", "my_world")
    assert result.stdout.splitlines() == [
        "wrote environments/my_world.toml",
        "next: simbench new experiment my_world_study --environment my_world",
    ]
    listed = {row["name"] for row in rows(simbench("list", "environments", "--json"))}
    assert "my_world" in listed


def test_a_plug_in_is_listed(simbench, workplace):
    assert simbench("new", "learner", "shown_by_plugin").exit_code == 0
    listed = {
        row["name"]: row
        for row in rows(simbench("list", "learners", "--json", "--plugin", "shown_by_plugin.py"))
    }
    assert listed["shown_by_plugin"]["summary"] == "Tilt the reference by Borda scores."


def test_speed_prints_its_rows(simbench, monkeypatch):
    """The rows are the engine's; the timing itself is tested where it is made."""
    row = {"name": "floor/tape/10x10", "engine": "numba", "rate": 1e7, "unit": "rounds/s", "floor_ratio": 1.0,
           "naive_ratio": None}  # fmt: skip
    monkeypatch.setattr(
        "simbench.engine.speed.measure_speed", lambda names: [row | {"name": name} for name in names]
    )
    assert rows(simbench("speed", "floor/tape/10x10", "--json")) == [row]
    assert "floor/tape/10x10" in simbench("speed", "floor/tape/10x10").stdout


@pytest.mark.parametrize("module", WORKERS_IMPORT)
def test_what_workers_import_ahead_exists(module):
    assert importlib.import_module(module).__name__ == module
