"""Claims about runs held against a tiny real study: online DPO and a policy that never learns, forty rounds."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from simbench import registry
from simbench.cli.app import app
from simbench.errors import SimbenchError, UnknownNameError
from simbench.study.evidence import Evidence
from simbench.study.judge import judge, judge_all, judge_family
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.verify import Altered, Identity, Instance, Order, Probable, claim, family, find_claim

DOCS = Path(__file__).resolve().parents[2] / "docs" / "claims_about_runs.md"
PRESET = ("rounds = 20\ninstances = 1", "rounds = 20\ninstances = 2\nruns = 50\nblock = 50")
USERS = '''import simbench as sb


@sb.claim("learning_pays", source="me, Theorem 2")
class LearningPays(sb.Order):
    """E R_T(online DPO) <= E R_T(uniform), T = 20.

    Paired by world and run. Control: the order reversed.
    """

    study = "tiny"
    population = "worlds"
    smaller, larger = "online_dpo", "all alike"
    controls = (sb.Altered("the order reversed", smaller="all alike", larger="online_dpo"),)
'''


@pytest.fixture(autouse=True)
def tiny(write_study, monkeypatch):
    """The tiny study with 100 pairs at its quick preset; claims defined here are forgotten."""
    monkeypatch.setitem(registry._things, "claim", registry.everything("claim"))
    return write_study(PRESET)


def define(kind=Order, *, name="test_judge_order", statement="Learning pays.", **body):
    if kind is Order:
        reversed_ = Altered("reversed", smaller="all alike", larger="online_dpo")
        body = {
            "smaller": "online_dpo",
            "larger": "all alike",
            "study": "tiny",
            "population": "worlds",
            "controls": (reversed_,),
        } | body
    return claim(name, source="me")(
        type("Mine", (kind,), {"__doc__": statement, "__qualname__": name, **body})
    )


def files(workplace):
    return {file.stem: file.stat().st_mtime_ns for file in (workplace / "results").rglob("*.parquet")}


def test_what_claims_need_is_played_once_and_kept(workplace):
    first, second = define(), define(name="test_judge_second", factor=2.0)
    verdicts = list(judge_all([first, second], workers=1))
    assert [verdict.name for verdict in verdicts] == ["test_judge_order", "test_judge_second"]
    assert {verdict.verdict for verdict in verdicts} == {"consistent"}
    assert {verdict.instances["pairs"] for verdict in verdicts} == {100}
    kept = files(workplace)
    assert set(kept) == {unit.id for unit in make_plan(load_study("tiny", "quick")).units}
    again = judge(first, workers=1)
    assert files(workplace) == kept
    assert again.detail["effect"] == verdicts[0].detail["effect"]


def test_only_the_learners_that_are_spoken_of_are_played(workplace):
    one = define(
        Probable, delta=0.5, learner="all alike", study="tiny", violates=lambda self, rows: False, controls=()
    )
    assert "100 runs; at least 300" in judge(one, workers=1).problem
    units = [unit for unit in make_plan(load_study("tiny", "quick")).units if unit.id in files(workplace)]
    assert {unit.spec["label"] for unit in units} == {"all alike"}
    judge(define(), workers=1)
    assert len(files(workplace)) == 2 * len(units)


def test_another_seed_is_another_study(workplace):
    judge(define(), workers=1)
    kept = files(workplace)
    here, there = (next(judge_all([define()], workers=1, seed=seed)) for seed in (None, 7))
    assert here.detail["effect"] != there.detail["effect"]
    assert len(files(workplace)) == 2 * len(kept)


def test_constants_of_the_world_are_columns():
    class Bound(Order):
        study, smaller, larger = "tiny", "online_dpo", "all alike"

        def constants(self, world):
            return {"best": world.reward.max(), "beta": world.beta}

    evidence = Evidence(workers=1)
    evidence.gather([Bound()])
    table = evidence.table(Bound())
    study = load_study("tiny", "quick")
    for instance, rows in table.groupby("instance"):
        world = study.world(study.settings[0], int(instance))
        assert set(rows["best"]) == {float(np.max(world.reward))}
        assert set(rows["beta"]) == {1.0}
    Bound.constants = lambda self, world: {"regret": 0.0}
    with pytest.raises(SimbenchError, match="constant 'regret' is a column of study 'tiny'"):
        evidence.table(Bound())


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"study": "tinyy"}, "Did you mean 'tiny'"),
        ({"smaller": "online_dp"}, "study 'tiny' has no learner labelled 'online_dp'.*'online_dpo'"),
        ({"where": {"environment.beta": 1.0}}, "does not sweep 'environment.beta'. It has no grid"),
        ({"controls": (Altered("gone", smaller="nobody"),)}, "no learner labelled 'nobody'"),
        ({"controls": (Altered("gone", learner="uniform"),)}, "no attribute 'learner'"),
    ],
)
def test_names_are_checked_before_anything_is_played(workplace, body, complaint):
    with pytest.raises(UnknownNameError, match=complaint):
        list(judge_all([define(), define(name="test_judge_bad", **body)], workers=1))
    assert files(workplace) == {}


def test_a_grid_is_narrowed_before_it_is_played(write_study, workplace):
    entry = '[[learner]]\nname = "online_dpo"'
    write_study(PRESET, (entry, f'[grid]\n"environment.beta" = [0.5, 1.0, 2.0]\n\n{entry}'))
    verdict = judge(define(where={"environment.beta": [1.0, 2.0]}), workers=1)
    assert verdict.detail["settings"] == 2
    played = [
        unit.spec["grid"]
        for unit in make_plan(load_study("tiny", "quick")).units
        if unit.id in files(workplace)
    ]
    assert {grid["environment.beta"] for grid in played} == {1.0, 2.0}
    with pytest.raises(SimbenchError, match=r"has no runs with environment\.beta = 3"):
        judge(define(where={"environment.beta": 3}), workers=1)


def test_a_preset_that_a_study_lacks_is_told(write_study):
    write_study(PRESET, ("runs = 3\nblock = 2", "runs = 13\nblock = 13"))
    told = []
    list(judge_all([define()], preset="paper", workers=1, notify=told.append))
    assert any("has no preset 'paper'" in sentence for sentence in told)
    with pytest.raises(UnknownNameError, match="quick"):
        judge(define(), preset="quik")


class Drawn:
    calls = 0

    def simulate(self, preset, seed):
        """Runs that break a bound of one with probability .05."""
        Drawn.calls += 1
        u = np.random.default_rng(np.random.PCG64(seed + 5)).random(400)
        return pd.DataFrame({"instance": 0, "run": np.arange(400), "round": 1, "use": 20 * u / 19})


class AtMostOne(Drawn, Probable):
    """P(use <= 1) >= .9."""

    population = "worlds"
    delta = 0.1
    controls = (Altered("half of it", constant=0.5),)

    def measured(self, rows):
        return rows["use"]

    def theory(self, rows):
        return 1.0


def test_a_simulation_is_shared_and_judged_between_deterministic_claims():
    @family(x=(0.0, 1.0))
    def points(x):
        return Instance(world=None, x=x)

    square = claim("test_judge_square", source="me")(
        type("Square", (Identity,), {"__doc__": "x x = x^2.", "domain": points, "controls": (),
             "measured": lambda self, i: i.x * i.x, "theory": lambda self, i: i.x**2})
    )  # fmt: skip
    first = claim("test_judge_drawn", source="me")(
        type("First", (AtMostOne,), {"__doc__": "P(use <= 1) >= .9."})
    )
    second = claim("test_judge_drawn_2", source="me")(type("Second", (AtMostOne,), {"__doc__": "The same."}))
    Drawn.calls = 0
    verdicts = list(judge_all([first, square, second], workers=1))
    assert [verdict.kind for verdict in verdicts] == ["probable", "identity", "probable"]
    assert [verdict.verdict for verdict in verdicts] == ["consistent", "inconclusive", "consistent"]
    assert Drawn.calls == 1


def test_a_simulation_returns_a_table():
    broken = define(AtMostOne, simulate=lambda self, preset, seed: [1, 2])
    with pytest.raises(SimbenchError, match="it must return a pandas DataFrame"):
        judge(broken)


def test_a_misprint_is_judged_with_its_correction():
    define()
    misprint = claim("test_judge_misprint", source="me", expected="violated", corrected_by="test_judge_order")(
        type("Misprint", (Order,), {"__doc__": "Learning costs.", "study": "tiny", "smaller": "all alike",
             "larger": "online_dpo", "population": "worlds"})
    )  # fmt: skip
    (verdict,) = judge_family([misprint()], Evidence(workers=1))
    assert verdict.verdict == "violated"
    assert verdict.as_expected
    assert "test_judge_order holds on its runs" in str(verdict)


def test_the_example_of_the_docs_names_what_there_is(workplace):
    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    assert len(block.splitlines()) <= 30
    (workplace / "docs.py").write_text(block)
    registry.load_plugin("docs.py")
    Evidence().require_known([find_claim("learning_pays")])


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_users_claim_of_thirty_lines_in_a_folder_of_its_own(workplace):
    assert len(USERS.splitlines()) <= 30
    (workplace / "mine.py").write_text(USERS)
    judged = run("claims", "mine.py::LearningPays", "--workers", 1, "--json", "--out", "elsewhere")
    assert judged.exit_code == 0, judged.output
    (row,) = json.loads(judged.stdout)
    assert row == row | {
        "name": "learning_pays", "source": "me, Theorem 2", "kind": "order", "verdict": "consistent",
        "expected": "consistent", "tightness": None, "alpha": 0.01,
        "controls": [{"name": "the order reversed", "refuted": True}],
    }  # fmt: skip
    assert set(row) - {"seconds"} == {
        "name",
        "source",
        "kind",
        "verdict",
        "expected",
        "tightness",
        "controls",
        "alpha",
    }
    assert list((workplace / "elsewhere/tiny/quick/units").iterdir())
    table = run("claims", "--plugin", "mine.py", "--workers", 1, "--out", "elsewhere")
    assert "1 claim: 1 consistent; all as expected" in table.stdout
    (listed,) = [
        row for row in json.loads(run("list", "claims", "--json").stdout) if row["name"] == "learning_pays"
    ]
    assert listed["summary"] == "E R_T(online DPO) <= E R_T(uniform), T = 20."
    told = run("explain", "mine.py::learning_pays").stdout
    assert "claims      regret of 'online_dpo' <= that of 'all alike' (last)" in told
    hunted = run("hunt", "mine.py::learning_pays")
    assert hunted.exit_code == 2
    assert "only claims about instances are hunted" in hunted.stderr
    assert len(hunted.stderr.strip().splitlines()) == 1
