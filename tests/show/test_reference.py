"""The committed reference results: whole, small, what the studies say, and what the code computes."""

import numpy as np
import pytest

from simbench.show.reference import FOLDER, keep, read_reference, reference_folders
from simbench.study.execution.run import run_plan
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.study.table import load_table

(SHIPPED,) = reference_folders()[-1:]
FILES = sorted(SHIPPED.glob("*/*.parquet"))


def test_they_are_there_and_small():
    assert {file.parent.name for file in FILES} >= {"greedy_regret", "coverage_value_gap"}
    assert sum(file.stat().st_size for file in FILES) < 2e6


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_they_hold_what_the_study_plans(file):
    study = load_study(file.parent.name, file.stem)
    table = read_reference(file.parent.name, file.stem)
    assert table.attrs["complete"]
    assert (table.attrs["study"], table.attrs["preset"]) == (study.name, study.preset)
    assert set(table["setting"]) == {setting.name for setting in study.settings}
    assert set(table["learner"]) == {entry.shown for entry in study.learners}
    assert set(table["instance"]) == set(range(study.run.instances))
    assert set(table["run"]) == set(range(study.run.runs))
    last = table.groupby(["setting", "instance", "learner", "run"])["round"].max()
    assert len(last) == len(study.settings) * len(study.learners) * study.run.instances * study.run.runs
    assert set(last) == {setting.rounds for setting in study.settings}
    assert set(study.run.quantities) <= set(table.columns)


@pytest.mark.thorough
def test_they_are_what_the_code_computes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_plan(make_plan(load_study("coverage_value_gap", "quick")), workers=1)
    computed = load_table("coverage_value_gap", "quick")
    kept = read_reference("coverage_value_gap", "quick")
    assert list(kept.columns) == list(computed.columns)
    for name in kept.columns:
        if kept[name].dtype.kind == "f":
            np.testing.assert_allclose(computed[name], kept[name], rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            assert (computed[name] == kept[name]).all(), name
    file = keep("coverage_value_gap", "quick", tmp_path / "results", tmp_path / FOLDER)
    assert file == tmp_path / FOLDER / "coverage_value_gap" / "quick.parquet"
    np.testing.assert_array_equal(read_reference("coverage_value_gap", "quick")["regret"], computed["regret"])
