"""The plan of a study: its units of work, in order, each named by everything that determines its numbers.

    unit = (setting of the grid, instance, learner, block of runs)

A unit's `spec` is a table of plain values: what is simulated (family, learner, their parameters with defaults
written out, seed, instance, runs, rounds), how (engine, device, block), by which sources (a digest of those of
simbench that its numbers depend on, and of a plug-in's where one takes part), with which packages, and the labels its
rows carry. Its name is the hash of that table. Hence what exists under a name is the result, a study that grows keeps
what it has, an edited kernel recomputes everything that it could have changed, and a new learner nothing.
"""

import dataclasses
from typing import Any

from simbench.bandit import Bandit
from simbench.engine import choose_engine, loop_name, quantities_of, runs_of
from simbench.errors import SimbenchError
from simbench.study.fault import fault, is_foreign
from simbench.study.provenance import canonical, digest, package_versions
from simbench.study.settings import Setting
from simbench.study.sources import sources_of
from simbench.study.spec import LearnerEntry
from simbench.study.study import Study


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unit:
    """One piece of work and of result.

    Attributes:
        id: hash of `spec`; the stem of the unit's file.
        spec: everything that determines the unit's rows, as plain values.
        given: the environment's table and the learner's parameters as the user wrote them, from which a worker builds
            both.
        program: names what is compiled for it, which units may share; where it is computed does not change it.
    """

    id: str
    spec: dict[str, Any]
    given: dict[str, Any]
    program: str

    @property
    def run_rounds(self) -> int:
        """The unit's size: runs times rounds."""
        return int(self.spec["runs"] * self.spec["rounds"])

    @property
    def sentence(self) -> str:
        """The unit in words."""
        first, last = self.spec["first_run"], self.spec["first_run"] + self.spec["runs"] - 1
        return (
            f"learner '{self.spec['label']}', setting {self.spec['setting']}, "
            f"instance {self.spec['instance']}, runs {first} to {last}"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A study and its units: settings, then instances, then learners, then blocks of runs.

    Attributes:
        study: what is planned.
        units: of all learners that could be planned.
        failures: sentences about learners that raised while they were planned, and have no units.
    """

    study: Study
    units: list[Unit]
    failures: tuple[str, ...] = ()


def make_plan(study: Study, *, engine: str = "auto") -> Plan:
    """Return the plan of `study` on `engine`.

    A learner whose own text raises has no units and a sentence in `failures`; the others are planned.

    Raises `SimbenchError` when a learner has no implementation for the engine.
    """
    units: list[Unit] = []
    failures: list[str] = []
    for setting in study.settings:
        family = study.family(setting)
        world = study.world(setting, 0)
        makers = []
        for entry in study.learners:
            try:
                makers.append(_maker(study, setting, entry, family, world, engine))
            except Exception as error:
                if isinstance(error, SimbenchError) and not is_foreign(error):
                    raise
                failures.append(f"learner '{entry.shown}', setting {setting.name}: {fault(error)}")
        for instance in range(study.run.instances):
            for entry, spec, runs, program in makers:
                units += _blocks(study, setting, entry, spec | {"instance": instance}, runs, program)
    return Plan(study=study, units=units, failures=tuple(failures))


def _maker(
    study: Study, setting: Setting, entry: LearnerEntry, family: Any, world: Bandit, engine: str
) -> tuple[LearnerEntry, dict[str, Any], int, str]:
    """Return what all units of a learner in a setting share: its entry, their table, its runs, its program."""
    learner = study.learner(entry, setting)
    try:
        wanted = study.run.engine if engine == "auto" else engine
        chosen = choose_engine(wanted, learner, world)
    except SimbenchError as error:
        if is_foreign(error):
            raise
        raise SimbenchError(f"{study.path}, learner '{entry.shown}': {error}") from None
    spec = _spec(study, setting, entry, family, learner, world, chosen)
    return entry, spec, runs_of(learner, study.run.runs), _program(study, entry, learner, world, chosen)


def _program(study: Study, entry: LearnerEntry, learner: Any, world: Bandit, engine: str) -> str:
    """Name the compiled program: one loop of the numba engine serves many learners, XLA compiles each by itself."""
    loop = loop_name(world, learner) if engine == "numba" else None
    return loop or f"{study.name}/{entry.shown}"


def _spec(
    study: Study,
    setting: Setting,
    entry: LearnerEntry,
    family: Any,
    learner: Any,
    world: Bandit,
    engine: str,
) -> dict[str, Any]:
    """Return the table that all units of a learner in a setting share."""
    try:
        quantities = list(quantities_of(learner, world, study.run.quantities))
    except SimbenchError as error:
        raise SimbenchError(f"{study.path}, learner '{entry.shown}': {error}") from None
    sources = sources_of(family, learner, quantities=quantities)
    return {
        "study": study.name,
        "environment": study.environment.name,
        "setting": setting.name,
        "grid": {key: canonical(value, key) for key, value in setting.values.items()},
        "world": canonical(
            study.environment.identity(setting.environment), f"family '{study.environment.family}'"
        ),
        "learner": entry.name,
        "label": entry.shown,
        "learner_parameters": canonical(learner, f"learner '{entry.shown}'"),
        "seed": study.run.seed,
        "rounds": setting.rounds,
        "block": min(_width(study), runs_of(learner, study.run.runs)),
        "checkpoints_per_decade": study.run.checkpoints_per_decade,
        "quantities": quantities,
        "engine": engine,
        "device": _device(engine),
        "sources": sources.simbench,
        "plugins": sources.plugins,
        "packages": package_versions(),
    }


def _device(engine: str) -> str:
    # The numba engine computes and measures on the CPU; JAX goes to its default device.
    if engine == "numba":
        return "cpu"
    import jax

    return str(jax.default_backend())


def _width(study: Study) -> int:
    # A study of few runs is computed at its own width: padding to a full block would cost many times more.
    return min(study.run.block, study.run.runs)


def _blocks(
    study: Study, setting: Setting, entry: LearnerEntry, spec: dict[str, Any], total: int, program: str
) -> list[Unit]:
    """Return the units of `total` runs."""
    given = {
        "environment": study.environment.table(setting.environment),
        "learner": entry.parameters | setting.learners.get(entry.shown, {}),
    }
    units = []
    for first in range(0, total, _width(study)):
        runs = min(_width(study), total - first)
        full = spec | {"first_run": first, "runs": runs}
        units.append(Unit(id=digest(full), spec=full, given=given, program=program))
    return units
