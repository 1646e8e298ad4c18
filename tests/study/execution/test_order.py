"""The order of units: programs side by side, nothing lost."""

import dataclasses

from simbench.study.execution.order import side_by_side
from simbench.study.plan import make_plan
from simbench.study.study import load_study


def test_the_first_units_of_all_programs_come_first():
    unit = make_plan(load_study("greedy_even", "quick")).units[0]
    units = [dataclasses.replace(unit, id=f"{i}", program=program) for i, program in enumerate("aabac")]
    assert "".join(one.program for one in side_by_side(units)) == "abcaa"
    assert [one.id for one in side_by_side(units) if one.program == "a"] == ["0", "1", "3"]


def test_learners_that_share_a_loop_share_a_program():
    programs = {
        unit.spec["label"]: unit.program for unit in make_plan(load_study("greedy_regret", "quick")).units
    }
    assert programs["greedy, self"] == programs["greedy, reference"] != programs["reference"]
