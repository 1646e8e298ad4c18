"""The runs that claims read: which units of which studies, played once for all claims, handed over as tables.

A claim names a study, perhaps some of its learners, perhaps some points of its grid; its controls may name others.
What they need together is planned, less what is stored is played, and every claim is handed the same table, with the
numbers of its own that depend on the world (`constants(world)`) as further columns. A claim that simulates is called
once for all claims that share its `simulate`.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from simbench.errors import FailedUnitsError, SimbenchError, UnknownNameError, nearest
from simbench.precision import float64
from simbench.study.execution.run import run_plan
from simbench.study.plan import Plan, Unit, make_plan
from simbench.study.study import Study, load_study
from simbench.study.table import plan_table
from simbench.verify.protocol import Claim
from simbench.verify.statistical import Statistical


@dataclasses.dataclass(kw_only=True)
class Evidence:
    """Runs at one preset, under one results folder; tables are kept while it lives.

    Attributes:
        preset: which preset's runs; a study that lacks it runs as written, and `notify` is told.
        out: the results folder.
        workers: local processes; None takes every core that this process may use.
        plugins: absolute paths of the user's Python files.
        seed: replaces that of every study, for an independent repetition; None keeps the studies' own.
        plans: of studies that the caller has made already, at that preset and seed.
        notify: called with sentences the user should see.
    """

    preset: str = "quick"
    out: str | Path = "results"
    workers: int | None = None
    plugins: Sequence[str] = ()
    seed: int | None = None
    plans: Sequence[Plan] = ()
    notify: Callable[[str], None] = lambda sentence: None

    def __post_init__(self) -> None:
        """Start with nothing known."""
        self._plans: dict[str, Plan] = {plan.study.name: plan for plan in self.plans}
        self._wanted: dict[str, dict[str, Unit]] = {}
        self._played: set[str] = set()
        self._tables: dict[Any, pd.DataFrame] = {}

    def require_known(self, claims: Iterable[Statistical]) -> None:
        """Note what these claims and their controls need.

        Raises `UnknownNameError` for a study, a learner's label or a grid key that does not exist, `SimbenchError` for
        a study that cannot run or has no such runs.
        """
        for reader in _readers(claims):
            if reader.study is not None:
                self._want(reader, reader.study)

    def gather(self, claims: Iterable[Statistical]) -> None:
        """Play what these claims and their controls need and the store lacks.

        Raises `SimbenchError` for what `require_known` refuses, and, once all others are played, when units fail.
        """
        claims = list(claims)
        self.require_known(claims)
        failures = []
        for name in sorted(
            {reader.study for reader in _readers(claims) if reader.study is not None} - self._played
        ):
            plan = self._wanted_plan(name)
            if plan.study.note:
                self.notify(plan.study.note)
            try:
                run_plan(plan, out=self.out, workers=self.workers, plugins=self.plugins, notify=self.notify)
            except FailedUnitsError as error:
                failures.append(f"study '{name}': {error}")
            self._played.add(name)
            self._tables.pop(name, None)
        if failures:
            raise FailedUnitsError(" ".join(failures))

    def table(self, claim: Statistical) -> pd.DataFrame:
        """Return the runs that `claim` reads, after `gather`."""
        if claim.study is None:
            return self._simulated(claim)
        if claim.study not in self._tables:
            self._tables[claim.study] = plan_table(self._wanted_plan(claim.study), self.out)
        table = self._tables[claim.study]
        if type(claim).constants is Claim.constants:
            return table
        return _with_constants(claim, table, self._plans[claim.study].study)

    def _want(self, claim: Statistical, name: str) -> None:
        if name not in self._plans:
            study = load_study(name, self.preset)
            if self.seed is not None:
                study = dataclasses.replace(study, run=study.run.model_copy(update={"seed": self.seed}))
            self._plans[name] = make_plan(study)
        plan = self._plans[name]
        _require_known(claim, plan.study)
        wanted = [unit for unit in plan.units if _speaks_of(claim, unit)]
        if not wanted:
            raise SimbenchError(
                f"claim '{claim.name}': study '{name}' ({plan.study.preset}) has no runs with "
                + ", ".join(f"{key} = {value}" for key, value in claim.where.items())
                + "."
            )
        known = self._wanted.setdefault(name, {})
        if not {unit.id for unit in wanted} <= set(known):
            self._played.discard(name)
        known.update({unit.id: unit for unit in wanted})

    def _wanted_plan(self, name: str) -> Plan:
        """Return the plan of a study, less the units that no claim asks for."""
        plan = self._plans[name]
        return dataclasses.replace(plan, units=[unit for unit in plan.units if unit.id in self._wanted[name]])

    def _simulated(self, claim: Statistical) -> pd.DataFrame:
        simulate: Any = claim.simulate
        key = getattr(simulate, "__func__", simulate)
        if key not in self._tables:
            with float64():
                table = simulate(preset=self.preset, seed=self.seed or 0)
            if not isinstance(table, pd.DataFrame):
                raise SimbenchError(
                    f"claim '{claim.name}': simulate(preset, seed) returns {type(table).__name__}; "
                    "it must return a pandas DataFrame."
                )
            self._tables[key] = table
        return self._tables[key]


def _readers(claims: Iterable[Statistical]) -> Iterator[Statistical]:
    """Yield the claims and all variants of them that are tested."""
    for claim in claims:
        yield claim
        yield from (claim.altered(control) for control in claim.controls)


def _require_known(claim: Statistical, study: Study) -> None:
    labels = [entry.shown for entry in study.learners]
    for label in claim.labels:
        if label not in labels:
            raise UnknownNameError(
                f"claim '{claim.name}': study '{study.name}' has no learner labelled '{label}'. "
                f"{nearest(label, labels)}"
            )
    for key in claim.where:
        if key not in study.settings[0].values:
            grid = study.settings[0].values
            raise UnknownNameError(
                f"claim '{claim.name}': study '{study.name}' does not sweep '{key}'. "
                + (nearest(key, grid) if grid else "It has no grid.")
            )


def _speaks_of(claim: Statistical, unit: Unit) -> bool:
    if claim.labels and unit.spec["label"] not in claim.labels:
        return False
    for key, wanted in claim.where.items():
        if unit.spec["grid"][key] not in (list(wanted) if isinstance(wanted, list | tuple) else [wanted]):
            return False
    return True


def _with_constants(claim: Statistical, table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Add the claim's constants in the world of each row as columns."""
    settings = {setting.name: setting for setting in study.settings}
    rows = []
    for setting, instance in table[["setting", "instance"]].drop_duplicates().itertuples(index=False):
        with float64():
            numbers = {
                key: float(value)
                for key, value in claim.constants(study.world(settings[setting], int(instance))).items()
            }
        rows.append({"setting": setting, "instance": instance} | numbers)
    constants = pd.DataFrame(rows)
    taken = set(constants.columns) & (set(table.columns) - {"setting", "instance"})
    if taken:
        raise SimbenchError(
            f"claim '{claim.name}': its constant '{min(taken)}' is a column of study '{study.name}'."
        )
    return table.merge(constants, on=["setting", "instance"], how="left", validate="many_to_one")
