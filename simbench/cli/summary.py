"""What a study found, in a few lines: the regret of every learner at the end, and the law by which it grew.

A batch learner pays for its labels under policies that are not what it deploys: of it, the gap after its last label is
told instead.
"""

from pathlib import Path

import pandas as pd

from simbench.cli.output import counted, duration
from simbench.errors import SimbenchError
from simbench.learners import BatchLearner
from simbench.show.bands import mean_band
from simbench.show.growth_law import number
from simbench.show.tables import law_rows, text_table
from simbench.study.execution.run import RunReport
from simbench.study.plan import Plan
from simbench.verify.statistical.runs import run_matrix
from simbench.whole_file import write_whole


def summarise(plan: Plan, report: RunReport, table: pd.DataFrame) -> str:
    """Return a paragraph and a table about one study: what was asked, how much was run, how regret grew, and where."""
    study, run = plan.study, plan.study.run
    axes = [
        counted(len(study.settings), "setting", "settings"),
        counted(run.instances, "world", "worlds"),
        counted(run.runs, "run", "runs"),
        counted(len(study.learners), "learner", "learners"),
    ]
    lines = [
        f"{study.name} ({study.preset}): {study.question}",
        f"  source   {study.source}",
        f"  size     {' x '.join(axes)}, {_rounds(plan)}",
        f"  time     {duration(report.seconds)} of computing; {report.computed} of {report.units} units computed now",
        f"  results  {report.folder}",
    ]
    if study.note:
        lines.append(f"  note     {study.note}")
    if table.attrs["partial"]:
        lines.append(f"  PARTIAL  {table.attrs['units']['done']} of {report.units} units")
    batch = _batch_learners(plan)
    for header, rows in (
        _laws(table[~table["learner"].isin(batch)]),
        _gaps(table[table["learner"].isin(batch)]),
    ):
        if rows:
            lines += ["", *(f"  {line}" for line in text_table(header, rows).splitlines())]
    return "\n".join(lines)


def write_summary(file: Path, paragraphs: list[str]) -> Path:
    """Write the paragraphs as a Markdown file of preformatted blocks; return it.

    Raises `SimbenchError` when it cannot be written.
    """
    blocks = "\n".join(f"```\n{paragraph}\n```\n" for paragraph in paragraphs)
    try:
        write_whole(file, f"# What was reproduced\n\n{blocks}".encode())
    except OSError as error:
        raise SimbenchError(f"{file} cannot be written: {error.strerror}.") from None
    return file


def _laws(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return the growth laws of the KL-regularised regret, setting by setting."""
    several = table["setting"].nunique() > 1
    header: list[str] = []
    rows: list[list[str]] = []
    for setting, part in table.groupby("setting", sort=False):
        header, laws = law_rows(part, currencies=["regret"])
        rows += [[*([str(setting)] if several else []), *law] for law in laws]
    if not rows:
        return [], []
    currency = header.index("currency") + several
    header = [*(["setting"] if several else []), *header]
    return _without(header, currency), [_without(row, currency) for row in rows]


def _batch_learners(plan: Plan) -> list[str]:
    study = plan.study
    return [
        entry.shown
        for entry in study.learners
        if isinstance(study.learner(entry, study.settings[0]), BatchLearner)
    ]


def _gaps(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return the value gap of every learner after its last label, setting by setting."""
    header = ["learner", "labels", "value gap after them"]
    rows: list[list[str]] = []
    if "value_gap" not in table:
        return header, rows
    several = table["setting"].nunique() > 1
    for (setting, learner), part in table.groupby(["setting", "learner"], sort=False):
        last = mean_band(run_matrix(part, "value_gap", across="labels")).iloc[-1]
        gap = f"{number(last['mean'])} [{number(last['low'])}, {number(last['high'])}]"
        rows.append([*([str(setting)] if several else []), str(learner), f"{last['round']:.0f}", gap])
    return [*(["setting"] if several else []), *header], rows


def _without(cells: list[str], index: int) -> list[str]:
    return [*cells[:index], *cells[index + 1 :]]


def _rounds(plan: Plan) -> str:
    rounds = sorted({setting.rounds for setting in plan.study.settings})
    return f"{rounds[0]} rounds" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]} rounds"
