"""A study file: one question, one environment, learners on the same random tape, a grid, and smaller presets.

    question = "…"                      what the study asks, one sentence
    source = "huang2025, Theorem 4.4"   citations, joined by "; "
    environment = "rare_optimum"        a name, or an inline table with `family` and `parameters`
    [run]          rounds, instances, runs; seed = 0, block = 64, checkpoints_per_decade = 8, quantities = [...],
                   engine = "auto"
    [grid]         "environment.<parameter>", "environment.<table>.<parameter>", "learner.<label>.<parameter>" or
                   "run.rounds" = [values]
    [[learner]]    name, optional label, and the learner's own parameters
    [preset.<name>]   values of [run] to replace; preset.<name>.grid replaces lists of [grid]

A study averages over two axes that are never mixed: `instances` worlds, and `runs` replicates in each of them.
`block` runs are computed side by side; it is part of the study because another width may move the last bit.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from simbench.errors import SimbenchError, nearest
from simbench.named_files import read_toml
from simbench.study.complaint import complain

Whole = Annotated[int, Field(ge=1)]
MOST_ROUNDS = 10**12  # labels of a batch learner; a round learner has fewer rounds, see study.py
MOST_BLOCK = 2**16  # runs computed side by side
Engine = Literal["auto", "numba", "jax"]
Rounds = Annotated[int, Field(ge=1, le=MOST_ROUNDS)]
Text = Annotated[str, Field(min_length=1)]
Grid = dict[str, Annotated[list[Any], Field(min_length=1)]]

AS_WRITTEN = "full"  # what a study without a preset in force is called


class Record(BaseModel):
    """A table of the file: exactly these keys, exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RunSettings(Record):
    """How much is simulated.

    Args:
        rounds: labels per run, one per round; a batch learner pays for as many, in far fewer iterations.
        instances: worlds drawn from the environment.
        runs: replicates in each world.
        seed: names the study's randomness; another seed is another, independent study.
        block: runs computed side by side, at most; the last block of a study is padded to it.
        checkpoints_per_decade: log-spaced rounds at which policies are measured.
        quantities: what is measured there; None means the engine's default list.
        engine: which engine plays, where the command line does not say; "jax" saves a small preset minutes of numba's
            compiler.
    """

    rounds: Rounds
    instances: Whole
    runs: Whole
    seed: Annotated[int, Field(ge=0)] = 0
    block: Annotated[int, Field(ge=1, le=MOST_BLOCK)] = 64
    checkpoints_per_decade: Whole = 8
    quantities: Annotated[list[str], Field(min_length=1)] | None = None
    engine: Engine = "auto"


class PresetSettings(Record):
    """Values of [run] that a preset replaces, and lists of [grid]."""

    rounds: Rounds | None = None
    instances: Whole | None = None
    runs: Whole | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    block: Annotated[int, Field(ge=1, le=MOST_BLOCK)] | None = None
    checkpoints_per_decade: Whole | None = None
    quantities: Annotated[list[str], Field(min_length=1)] | None = None
    engine: Engine | None = None
    grid: Grid = {}


class LearnerEntry(BaseModel):
    """One [[learner]] table: which learner, under which label, with which parameters of its own."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: Text
    label: Annotated[str, Field(min_length=1, pattern=r"^[^.]+$")] | None = None

    @property
    def shown(self) -> str:
        """The label, which is the name unless the study gives another."""
        return self.label or self.name

    @property
    def parameters(self) -> dict[str, Any]:
        """The learner's own parameters as written."""
        return dict(self.model_extra or {})


class StudyFile(Record):
    """A study file as written."""

    question: Text
    source: Text
    environment: Text | dict[str, Any]
    run: RunSettings
    grid: Grid = {}
    learner: Annotated[list[LearnerEntry], Field(min_length=1)]
    preset: dict[str, PresetSettings] = {}


def read_study(path: Path) -> StudyFile:
    """Return the study written in `path`, its keys and types checked (names are checked by `load_study`).

    Raises `SimbenchError` naming the file, the key, the value, what is expected, and the nearest valid name.
    """
    tables = read_toml(path)
    _flatten_grids(tables)
    try:
        study = StudyFile.model_validate(tables)
    except pydantic.ValidationError as error:
        raise complain(path, StudyFile, error) from None
    _check_labels(path, study)
    _check_presets(path, study)
    return study


def _flatten_grids(tables: dict[str, Any]) -> None:
    # [grid] keys are quoted; unquoted ones arrive as nested tables and mean the same.
    presets = tables.get("preset")
    owners = [tables, *(presets.values() if isinstance(presets, dict) else [])]
    for owner in owners:
        if isinstance(owner, dict) and isinstance(owner.get("grid"), dict):
            owner["grid"] = _flat(owner["grid"])


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _check_labels(path: Path, study: StudyFile) -> None:
    seen: set[str] = set()
    for entry in study.learner:
        if entry.shown in seen:
            raise SimbenchError(
                f"{path}: two learners are labelled '{entry.shown}'; give one of them another `label`, "
                "labels tell learners apart in every result."
            )
        seen.add(entry.shown)


def _check_presets(path: Path, study: StudyFile) -> None:
    for name, preset in study.preset.items():
        if name == AS_WRITTEN or not re.fullmatch(r"[\w-]+", name):
            raise SimbenchError(
                f"{path}: a preset is called '{name}'; its name is made of letters, digits, _ and -, and is not "
                f"'{AS_WRITTEN}', which means the study as written."
            )
        for key in preset.grid:
            if key not in study.grid:
                raise SimbenchError(
                    f"{path}: preset.{name}.grid has '{key}', which [grid] does not sweep; a preset replaces lists "
                    f"that [grid] has. {nearest(key, study.grid)}"
                )
        if preset.rounds is not None and "run.rounds" in study.grid and "run.rounds" not in preset.grid:
            raise SimbenchError(
                f'{path}: preset.{name}.rounds is {preset.rounds}, but [grid] sweeps "run.rounds"; '
                f'write preset.{name}.grid."run.rounds" = [{preset.rounds}] instead.'
            )
