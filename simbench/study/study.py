"""A study ready to be planned: the file, a preset applied, and every name in it resolved.

`load_study` refuses at once what could only fail later: unknown names, parameters out of range in any point of the
grid, worlds that cannot be drawn.
"""

import dataclasses
from pathlib import Path
from typing import Any

from simbench import named_files
from simbench.bandit import Bandit
from simbench.engine import LAST_ROUND
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.learners import BatchLearner
from simbench.quantities import MEASURED
from simbench.registry import configure, everything
from simbench.study.fault import fault
from simbench.study.kept import KeptWorlds
from simbench.study.settings import Setting, expand
from simbench.study.spec import AS_WRITTEN, LearnerEntry, PresetSettings, RunSettings, StudyFile, read_study
from simbench.worlds import Environment, environment_from_table, load_environment

MOST_UNITS = 100_000  # of a study: planned in seconds, and as many files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """A study with its preset applied.

    Attributes:
        name: the file's name without its ending.
        path: the file.
        preset: the preset that is in force, "full" for the study as written.
        note: what the user should know about the preset, or "".
        question: what the study asks.
        source: citations, joined by "; ".
        environment: the environment that every setting starts from.
        run: how much is simulated.
        settings: the points of the grid.
        learners: the learners as written.
        kept: worlds drawn lately.
    """

    name: str
    path: Path
    preset: str
    note: str
    question: str
    source: str
    environment: Environment
    run: RunSettings
    settings: list[Setting]
    learners: list[LearnerEntry]
    kept: KeptWorlds = dataclasses.field(default_factory=KeptWorlds, repr=False, compare=False)

    @property
    def has_preset(self) -> bool:
        """Whether a preset is in force."""
        return self.preset != AS_WRITTEN

    def family(self, setting: Setting) -> Any:
        """Return the environment's family in this setting."""
        return self.environment.build(setting.environment)

    def world(self, setting: Setting, instance: int) -> Bandit:
        """Return world `instance` of this setting."""
        return self.kept.get(
            f"{setting.name}/{instance}",
            lambda: self.environment.draw(
                instance=instance, seed=self.run.seed, overrides=setting.environment
            ),
        )

    def learner(self, entry: LearnerEntry, setting: Setting) -> Any:
        """Return a learner with its parameters in this setting."""
        values = entry.parameters | setting.learners.get(entry.shown, {})
        where = f"{self.path}, learner '{entry.shown}'"
        if entry.name not in everything("learner"):
            raise UnknownNameError(
                f"{where}: no learner is called '{entry.name}'. {nearest(entry.name, everything('learner'))} "
                "(A learner of your own comes with --plugin FILE.)"
            )
        return configure("learner", entry.name, values, where)


def load_study(name: str, preset: str | None = None) -> Study:
    """Return the study called `name` under `preset`; one that it lacks means as written, and `note` says so.

    Raises `SimbenchError` naming file, key and value for anything that cannot run.
    """
    path = named_files.find("experiments", name)
    file = read_study(path)
    applied, note = _preset(file, path.stem, preset)
    overrides = {} if applied is None else applied.model_dump(exclude_none=True, exclude={"grid"})
    run = file.run.model_copy(update=overrides)
    grid = file.grid | ({} if applied is None else applied.grid)
    study = Study(
        name=path.stem,
        path=path,
        preset=AS_WRITTEN if applied is None or preset is None else preset,
        note=note,
        question=file.question,
        source=file.source,
        environment=_environment(path, file.environment),
        run=run,
        settings=expand(path, grid, labels=[entry.shown for entry in file.learner], rounds=run.rounds),
        learners=file.learner,
    )
    _require_plannable(study)
    _check(study)
    return study


def _preset(file: StudyFile, name: str, preset: str | None) -> tuple[PresetSettings | None, str]:
    if preset is None or preset == AS_WRITTEN:
        return None, ""
    if preset in file.preset:
        return file.preset[preset], ""
    known = f"it has {', '.join(file.preset)}" if file.preset else "it has none"
    return None, f"study '{name}' has no preset '{preset}' ({known}); it runs as written."


def _environment(path: Path, written: str | dict[str, Any]) -> Environment:
    if not isinstance(written, str):
        return environment_from_table(written, f"{path}, environment")
    try:
        return load_environment(written)
    except UnknownNameError as error:
        raise UnknownNameError(f"{path}: environment: {error}") from None


def _require_plannable(study: Study) -> None:
    """Raise `SimbenchError` for a study of more than MOST_UNITS units, before any is made."""
    run = study.run
    blocks = -(-run.runs // min(run.block, run.runs))
    units = len(study.settings) * run.instances * len(study.learners) * blocks
    if units > MOST_UNITS:
        raise SimbenchError(
            f"{study.path}: the study has {units} units ({len(study.settings)} settings x {run.instances} instances x "
            f"{len(study.learners)} learners x {blocks} blocks of runs); it may have at most {MOST_UNITS}."
        )


def _check(study: Study) -> None:
    for name in study.run.quantities or ():
        if name not in MEASURED:
            raise UnknownNameError(
                f"{study.path}: run.quantities: no quantity is called '{name}'. {nearest(name, MEASURED)}"
            )
    for setting in study.settings:
        for entry in study.learners:
            try:
                learner = study.learner(entry, setting)
            except SimbenchError:
                raise
            except Exception:
                continue  # the learner's own fault: the plan names it, and the others are computed
            if setting.rounds > LAST_ROUND and not isinstance(learner, BatchLearner):
                raise SimbenchError(
                    f"{study.path}: run.rounds is {setting.rounds}; it must be at most {LAST_ROUND} for learner "
                    f"'{entry.shown}' (only a batch learner takes more labels)."
                )
        try:
            study.world(setting, 0)
        except SimbenchError as error:
            raise SimbenchError(f"{study.path}, setting {setting.name}: {error}") from None
        except Exception as error:
            raise SimbenchError(f"{study.path}, setting {setting.name}: {fault(error)}") from None
