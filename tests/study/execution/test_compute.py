"""Units of one world share it within a process."""

import numpy as np
import pytest

from simbench.study import kept
from simbench.study.execution import compute
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.worlds import Environment


def test_a_world_is_drawn_once_for_all_its_learners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compute, "_drawn", kept.KeptWorlds())
    units = make_plan(load_study("greedy_regret", "quick")).units
    worlds = {unit.id: compute._world_of(unit) for unit in units}
    places = {(unit.spec["setting"], unit.spec["instance"]) for unit in units}
    assert len({unit.spec["label"] for unit in units}) > 1
    assert len(compute._drawn) == min(len(places), kept.WORLDS) > 1
    first, *others = units
    for other in others:
        same = other.spec["world"] == first.spec["world"] and other.spec["instance"] == first.spec["instance"]
        assert (worlds[other.id] is worlds[first.id]) == same
        assert same == np.array_equal(worlds[other.id].reward, worlds[first.id].reward)


def test_few_and_small_worlds_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    units = make_plan(load_study("greedy_regret", "quick")).units
    for name, value, few in (("WORLDS", 1, 1), ("SMALL_WORLD", 8, 0)):
        with monkeypatch.context() as patch:
            patch.setattr(compute, "_drawn", kept.KeptWorlds())
            patch.setattr(kept, name, value)
            for unit in units:
                compute._world_of(unit)
            assert len(compute._drawn) == few


def test_a_plan_draws_the_world_of_a_setting_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    draw = Environment.draw
    monkeypatch.setattr(Environment, "draw", lambda self, **where: drawn.append(where) or draw(self, **where))
    study = load_study("coverage_value_gap", "quick")
    make_plan(study)
    assert len(drawn) == len(study.settings) > 1
