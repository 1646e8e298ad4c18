"""Every figure with any subset of its units missing: drawn as far as its data go and marked, or named and skipped."""

import functools

import numpy as np
import pandas as pd
import pytest

from simbench.engine import log_checkpoints
from simbench.engine.currencies import CURRENCIES
from simbench.show.figure_script import list_figures
from simbench.show.figures import draw_figures
from simbench.study.study import load_study

SCRIPTS = {script.name: script for script in list_figures() if script.studies}
FAST = ("needle", "optimism", "self_transfer", "slopes")


def with_holes(table, rng, share):
    """Return a table of which random units (setting, instance, learner, eight runs) are missing, never all."""
    place = [table[key] for key in ("setting", "instance", "learner")] + [table["run"] // 8]
    unit = table.groupby(place, sort=False).ngroup().to_numpy()
    total = unit.max() + 1
    gone = rng.uniform(size=total) < share
    gone[rng.integers(total)] = False
    part = table[~gone[unit]].copy()
    part.attrs = table.attrs | {"partial": True, "complete": False}
    part.attrs["units"] = {"total": int(total), "done": int((~gone).sum())}
    return part


@functools.cache
def made_up(name):
    """Return a table with the shape of a study's results and numbers out of thin air: gaps that fall like 1/n."""
    study, rng, frames = load_study(name, "quick"), np.random.default_rng(1), []
    marks = log_checkpoints(study.run.rounds, study.run.checkpoints_per_decade)
    for setting in study.settings:
        world = study.world(setting, 0)
        if setting.rounds != study.run.rounds:
            marks = log_checkpoints(setting.rounds, study.run.checkpoints_per_decade)
        for entry in study.learners:
            learner = study.learner(entry, setting)
            asked = study.run.quantities
            measured = [*asked, *(f"average_{one}" for one in asked), *learner.named_diagnostics(world)]
            for instance in range(min(study.run.instances, 3)):
                for run in range(min(study.run.runs, 16)):
                    gaps = {column: rng.uniform(1.0, 2.0) / marks for column in measured}
                    costs = {column: rng.uniform(1.0, 2.0) * np.log(1.0 + marks) for column in CURRENCIES}
                    where = {
                        "setting": setting.name,
                        "instance": instance,
                        "learner": entry.shown,
                        "run": run,
                    }
                    rows = {"round": marks, "labels": marks, "iteration": marks, **gaps, **costs}
                    frames.append(pd.DataFrame(rows).assign(**where, **setting.values))
    table = pd.concat(frames, ignore_index=True)
    table.attrs = {"study": name, "preset": study.preset, "partial": False}
    return table


def check(name, out, seed, share):
    rng = np.random.default_rng(seed)
    tables = {study: with_holes(made_up(study), rng, share) for study in SCRIPTS[name].studies}
    (drawn,) = draw_figures([name], tables=tables, out=out)
    assert drawn.partial
    assert f"units of {SCRIPTS[name].studies[0]}" in drawn.note
    assert bool(drawn.files) != ("cannot be drawn from a part" in drawn.note)
    return drawn


@pytest.mark.parametrize("name", FAST)
def test_half_of_the_units_missing(tmp_path, name):
    check(name, tmp_path, 0, 0.5)


@pytest.mark.long
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_any_units_missing(tmp_path, name, seed, share):
    check(name, tmp_path, seed, share)
