"""Every figure with any subset of its units missing: drawn as far as its data go and marked, or named and skipped."""

import numpy as np
import pytest

from simbench.errors import SimbenchError
from simbench.show.figure_script import list_figures
from simbench.show.figures import draw_figures
from simbench.show.reference import read_reference

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


def check(name, out, seed, share):
    rng = np.random.default_rng(seed)
    try:
        tables = {study: with_holes(read_reference(study), rng, share) for study in SCRIPTS[name].studies}
    except SimbenchError:
        pytest.skip("no reference results of its studies")
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
