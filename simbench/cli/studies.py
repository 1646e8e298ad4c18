"""`run` and `status`: studies computed, and what of them exists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simbench.cli.output import (
    AsJson,
    EngineName,
    Out,
    Plugins,
    Preset,
    duration,
    print_columns,
    print_json,
    say,
    size,
)
from simbench.errors import FailedUnitsError

if TYPE_CHECKING:
    from simbench.study.plan import Plan

RESULTS = Path("results")


def run(
    study: Annotated[list[str], typer.Argument(metavar="STUDY...", help="Names, or paths of study files.")],
    preset: Preset = None,
    engine: EngineName = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Local processes; default: one per core.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler to compute on.")
    ] = None,
    plugin: Plugins = None,
    out: Out = RESULTS,
    force: Annotated[bool, typer.Option("--force", help="Compute again what exists.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print units, time and memory; compute nothing.")
    ] = False,
) -> None:
    """Run studies: compute what is missing, keep what exists."""
    from simbench.study.execution.one_core import one_core

    with one_core():
        from simbench.study.execution.plugins import load_plugins
        from simbench.study.execution.run import run_plan
        from simbench.study.plan import make_plan
        from simbench.study.study import load_study

        plugins = load_plugins(plugin or ())
        plans = [make_plan(load_study(name, preset), engine=engine) for name in study]
        failures = []
        for plan in plans:
            if plan.study.note:
                say(plan.study.note)
            if dry_run:
                _forecast(plan, out, workers, plugins, force)
                continue
            try:
                report = run_plan(
                    plan, out=out, workers=workers, cluster=cluster, plugins=plugins, force=force, notify=say
                )
            except FailedUnitsError as error:
                failures.append(str(error))
                continue
            typer.echo(
                f"{plan.study.name} ({plan.study.preset}): {report.units} units, {report.computed} computed "
                f"({duration(report.seconds)} of computing); {report.folder}"
            )
    if failures:
        raise FailedUnitsError(" ".join(failures))


def _forecast(plan: "Plan", out: Path, workers: int | None, plugins: list[str], force: bool) -> None:
    from simbench.study.execution.estimate import estimate
    from simbench.study.execution.run import units_to_do
    from simbench.study.execution.workers import processes
    from simbench.study.store import store_of

    for failure in plan.failures:
        say(failure)
    todo = units_to_do(plan, store_of(plan, out), force=force, notify=say)
    total = len(plan.units)
    typer.echo(
        f"{plan.study.name} ({plan.study.preset}): {total} units, {total - len(todo)} done, {len(todo)} to do"
    )
    if todo:
        ahead = estimate(todo, workers=processes(workers, len(todo)), plugins=plugins)
        each = f"{size(ahead.memory)} for each of {ahead.workers} workers"
        typer.echo(
            f"  time    about {duration(ahead.seconds)} (measured here on a few rounds of each learner)"
        )
        typer.echo(f"  memory  about {size(ahead.memory * ahead.workers)}, {each}")


def status(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name, or path of a study file.")],
    preset: Preset = None,
    engine: EngineName = "auto",
    plugin: Plugins = None,
    out: Out = RESULTS,
    json: AsJson = False,
) -> None:
    """Say which units of a study are done."""
    from simbench.study.execution.plugins import load_plugins
    from simbench.study.plan import make_plan
    from simbench.study.stale import stale_note
    from simbench.study.store import store_of
    from simbench.study.study import load_study
    from simbench.study.table import unit_states

    load_plugins(plugin or ())
    plan = make_plan(load_study(study, preset), engine=engine)
    states = unit_states(plan, out)
    if stale := stale_note(plan, store_of(plan, out)):
        say(stale)
    if json:
        print_json([{"unit": state.unit.id, "state": state.state} for state in states])
        return
    if plan.study.note:
        say(plan.study.note)
    for failure in plan.failures:
        say(failure)
    counts = {name: sum(state.state == name for state in states) for name in ("done", "missing", "corrupt")}
    typer.echo(
        f"{plan.study.name} ({plan.study.preset}): {len(states)} units, "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
    )
    print_columns([(state.unit.id[:12], state.state, state.unit.sentence) for state in states])
