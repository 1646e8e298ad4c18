"""Running a study: what the plan has, less what the store has, computed and stored unit by unit.

A run may be killed at any moment and repeated; what is done stays done. Numbers do not depend on how many workers
computed them, in which order, or after how many interruptions.
"""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from simbench.errors import FailedUnitsError
from simbench.study.execution.compute import Task, compute
from simbench.study.execution.order import side_by_side
from simbench.study.execution.progress import ProgressBar
from simbench.study.execution.workers import processes, spread
from simbench.study.plan import Plan, Unit
from simbench.study.stale import stale_note
from simbench.study.store import Store, StoreError, store_of

NAMED = 5  # failures that are told in full


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a run did.

    Attributes:
        folder: where the units lie.
        units: number of units in the plan.
        computed: how many of them this run computed.
        seconds: that they took, summed over workers.
    """

    folder: Path
    units: int
    computed: int
    seconds: float


def run_plan(plan: Plan, **options: Any) -> RunReport:
    """Compute the units of one plan that are missing; see `run_plans` for the options."""
    (report,) = run_plans([plan], **options)
    return report


def run_plans(
    plans: Sequence[Plan],
    *,
    out: str | Path = "results",
    workers: int | None = None,
    cluster: str | None = None,
    plugins: Sequence[str] = (),
    force: bool = False,
    notify: Callable[[str], None] = lambda sentence: None,
) -> list[RunReport]:
    """Compute the units of `plans` that are missing under `out`, and store each as it completes.

    Args:
        plans: studies, no two of the same name; their units are handed out together.
        out: the results folder.
        workers: local processes of one core each; None takes every core that this process may use.
        cluster: address of a Dask scheduler, instead of local workers.
        plugins: absolute paths of the user's Python files.
        force: recompute what exists, too.
        notify: called with sentences the user should see.

    Raises:
        FailedUnitsError: units failed, or learners could not be planned; all others are computed and stored.
        SimbenchError: a worker died, or results cannot be written.
        KeyboardInterrupt: with a sentence that says what is kept.
    """
    stores = {plan.study.name: store_of(plan, out) for plan in plans}
    todo: list[Unit] = []
    problems: list[str] = []
    for plan in plans:
        store = stores[plan.study.name]
        ahead = units_to_do(plan, store, force=force, notify=notify)
        if ahead:  # complete results may lie where nothing can be written
            store.open()
        todo += ahead
    computed: Counter[str] = Counter()
    seconds: dict[str, float] = defaultdict(float)
    if todo:
        work = spread(
            compute,
            (
                Task(unit=unit, plugins=tuple(plugins))
                for unit in _still_missing(side_by_side(todo), stores, force)
            ),
            workers=processes(workers, len(todo)),
            cluster=cluster,
            here=any(unit.spec["device"] != "cpu" for unit in todo),
        )
        one = plans[0].study
        title = f"{len(plans)} studies" if len(plans) > 1 else f"{one.name} ({one.preset})"
        with ProgressBar(title, units=len(todo), run_rounds=sum(unit.run_rounds for unit in todo)) as bar:
            try:
                with closing(work):  # type: ignore[type-var]
                    for outcome in work:
                        if outcome.content is None:
                            problems.append(outcome.problem)
                            continue
                        name = outcome.unit.spec["study"]
                        stores[name].write(outcome.unit, outcome.content)
                        computed[name] += 1
                        seconds[name] += outcome.seconds
                        bar.advance(outcome.unit.run_rounds)
            except StoreError as error:
                raise StoreError(f"{error} {_kept(plans, stores)}") from None
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"interrupted. {_kept(plans, stores)}") from None
    if problems or any(plan.failures for plan in plans):
        raise FailedUnitsError(_failures(plans, stores, problems))
    return [
        RunReport(
            folder=stores[plan.study.name].folder,
            units=len(plan.units),
            computed=computed[plan.study.name],
            seconds=seconds[plan.study.name],
        )
        for plan in plans
    ]


def units_to_do(
    plan: Plan, store: Store, *, force: bool = False, notify: Callable[[str], None] = lambda sentence: None
) -> list[Unit]:
    """Return the units of the plan that have no sound file, or all of them under `force`."""
    if force:
        return list(plan.units)
    states = {unit.id: store.state(unit) for unit in plan.units}
    corrupt = [unit for unit in plan.units if states[unit.id] == "corrupt"]
    if corrupt:
        names = ", ".join(store.path(unit).name for unit in corrupt[:3]) + (", …" if len(corrupt) > 3 else "")
        found = "1 damaged unit file" if len(corrupt) == 1 else f"{len(corrupt)} damaged unit files"
        notify(f"{found} in {store.folder} {'is' if len(corrupt) == 1 else 'are'} computed again: {names}")
    if stale := stale_note(plan, store):
        notify(stale)
    return [unit for unit in plan.units if states[unit.id] != "done"]


def _still_missing(todo: list[Unit], stores: Mapping[str, Store], force: bool) -> Iterator[Unit]:
    # Another process may run the same study and have finished a unit since.
    for unit in todo:
        if force or stores[unit.spec["study"]].state(unit) != "done":
            yield unit


def _failures(plans: Sequence[Plan], stores: Mapping[str, Store], problems: list[str]) -> str:
    """Say what failed, the first few by name, and what is kept."""
    unplanned = [failure for plan in plans for failure in plan.failures]
    counts = [
        ("1 unit" if len(problems) == 1 else f"{len(problems)} units") + " failed" if problems else "",
        (f"{len(unplanned)} could not be planned") if unplanned else "",
    ]
    named = [*unplanned, *problems]
    # one of each cause: the same learner fails in many units in the same way
    causes = list({_cause(sentence): sentence for sentence in reversed(named)}.values())[::-1]
    more = f"; and {len(causes) - NAMED} other causes" if len(causes) > NAMED else ""
    told = "; ".join(cause.rstrip(".") for cause in causes[:NAMED])
    return f"{' and '.join(filter(None, counts))}: {told}{more}. {_kept(plans, stores)}"


def _cause(sentence: str) -> tuple[str, str]:
    """Return the learner and the cause of a sentence `learner '…', setting …: cause`."""
    unit, _, cause = sentence.partition(": ")
    return unit.partition(", ")[0], cause


def _kept(plans: Sequence[Plan], stores: Mapping[str, Store]) -> str:
    done = sum(stores[plan.study.name].path(unit).exists() for plan in plans for unit in plan.units)
    of = f"study '{plans[0].study.name}'" if len(plans) == 1 else f"{len(plans)} studies"
    return (
        f"{done} of {sum(len(plan.units) for plan in plans)} units of {of} are done and kept; "
        "the same command goes on from there."
    )
