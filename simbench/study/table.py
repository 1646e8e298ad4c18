"""A study's results as one tidy table, in the order of its plan, saying whether anything is missing."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from simbench import named_files
from simbench.errors import SimbenchError
from simbench.study.plan import Plan, Unit, make_plan
from simbench.study.spec import AS_WRITTEN, read_study
from simbench.study.stale import stale_note
from simbench.study.store import State, folder_of, store_of
from simbench.study.study import Study, load_study


@dataclasses.dataclass(frozen=True, kw_only=True)
class UnitState:
    """A unit and what is known of its file."""

    unit: Unit
    state: State


def unit_states(plan: Plan, out: str | Path) -> list[UnitState]:
    """Return every unit of a plan with its state under the results folder `out`; each file is read and verified."""
    store = store_of(plan, out)
    return [UnitState(unit=unit, state=store.state(unit)) for unit in plan.units]


def load_table(
    study: str, preset: str | None = None, out: str | Path = "results", *, engine: str = "auto"
) -> pd.DataFrame:
    """Return the tidy table of a study: one row per (setting, instance, run, learner, checkpoint), in plan order.

    `attrs` says what it is: study, preset, note, and units = {total, done, missing, corrupt}; `complete` is True
    when no unit is missing, `partial` is its opposite.

    Args:
        study: name or path of the study.
        preset: which preset's results; one that the study lacks means the study as written. None means the
            study as written too, or, when nothing of that is there, the first preset with results.
        out: the results folder.
        engine: the engine that the results were computed with.

    Raises:
        SimbenchError: a bad study, or one of which nothing has been computed.
    """
    if preset is None:
        preset = _preset_with_results(study, out, engine)
    chosen = load_study(study, preset)
    if not folder_of(chosen.name, chosen.preset, out).is_dir():  # a plan takes a second to make
        raise _no_results(chosen, out)
    return plan_table(make_plan(chosen, engine=engine), out)


def _preset_with_results(study: str, out: str | Path, engine: str) -> str:
    path = named_files.find("experiments", study)
    for preset in (AS_WRITTEN, *read_study(path).preset):
        if not folder_of(path.stem, preset, out).is_dir():
            continue
        plan = make_plan(load_study(study, preset), engine=engine)
        store = store_of(plan, out)
        if any(store.path(unit).exists() for unit in plan.units):
            return preset
    return AS_WRITTEN


def plan_table(plan: Plan, out: str | Path) -> pd.DataFrame:
    """Return the table of a plan; see `load_table`."""
    store = store_of(plan, out)
    tables: list[pa.Table] = []
    counts = {"total": len(plan.units), "done": 0, "missing": 0, "corrupt": 0}
    for unit in plan.units:
        try:
            table = store.read(unit)
        except ValueError:
            counts["corrupt"] += 1
            continue
        counts["missing" if table is None else "done"] += 1
        if table is not None:
            tables.append(table.replace_schema_metadata(None))
    if not tables:
        raise _no_results(plan.study, out, stale_note(plan, store))
    frame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    frame.attrs = _attributes(plan, counts)
    return frame


def _no_results(study: Study, out: str | Path, stale: str | None = None) -> SimbenchError:
    option = f" --preset {study.preset}" if study.has_preset else ""
    folder = folder_of(study.name, study.preset, out)
    return SimbenchError(
        f"study '{study.name}' has no results in {folder}; run `simbench run {study.name}{option}` first."
        + (f" {stale}" if stale else "")
    )


def _attributes(plan: Plan, counts: dict[str, int]) -> dict[str, Any]:
    complete = counts["done"] == counts["total"] and not plan.failures
    return {
        "study": plan.study.name,
        "preset": plan.study.preset,
        "note": " ".join(filter(None, [plan.study.note, *plan.failures])),
        "units": counts,
        "complete": complete,
        "partial": not complete,
    }
