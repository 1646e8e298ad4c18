"""`reproduce`: every study, every claim, every figure, and what they say, from nothing."""

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simbench.cli.output import EngineName, Out, counted, duration, say

if TYPE_CHECKING:
    from simbench.show.figures import Drawn

RESULTS = Path("results")
SUMMARY = "SUMMARY.md"
# Another order than this process has: on a fresh machine each then compiles modules that the other needs later.
WORKERS_IMPORT = ("numba", "pandas", "pyarrow.parquet", "scipy.optimize", "simbench.study.execution.compute")


def reproduce(
    preset: Annotated[str, typer.Option(metavar="quick|paper", help="How much is simulated.")] = "quick",
    engine: EngineName = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Local processes; default: one per core.")
    ] = None,
    out: Out = RESULTS,
) -> None:
    """Run every study, judge every claim, draw every figure, sum up."""
    from simbench.study.execution.one_core import one_core

    start = time.perf_counter()
    with one_core():
        from simbench.study.execution.workers import Ahead, processes, start_importing

        local = processes(workers)
        start_importing(WORKERS_IMPORT, local)

        from simbench import named_files
        from simbench.cli.claims import catalogue, fails, judged, sentence
        from simbench.cli.summary import summarise, write_summary
        from simbench.show.figures import draw_figures
        from simbench.study.execution.run import run_plans
        from simbench.study.plan import make_plan
        from simbench.study.study import load_study
        from simbench.study.table import plan_table

        names = named_files.names("experiments")
        claims = catalogue()
        plans = [make_plan(load_study(name, preset), engine=engine) for name in names]
        paragraphs, tables = [], {}
        reports = run_plans(plans, out=out, workers=local, notify=say)
        # Studies are summed up while claims are judged.
        with closing(Ahead(judged(claims, preset=preset, workers=local, out=out, plans=plans))) as judging:
            for plan, report in zip(plans, reports, strict=True):
                tables[plan.study.name] = plan_table(plan, out)
                paragraphs.append(summarise(plan, report, tables[plan.study.name]))
                typer.echo(paragraphs[-1] + "\n")
            verdicts = list(judging)
        paragraphs.append(f"Claims\n  {sentence(verdicts)}")
        paragraphs += [str(verdict) for verdict in verdicts if not verdict.as_expected]
        typer.echo("\n\n".join(paragraphs[len(plans) :]) + "\n")
        drawn = draw_figures(out=out / "figures", tables=tables, workers=local)
        paragraphs.append(_figures(drawn))
        typer.echo(paragraphs[-1] + "\n")
    file = write_summary(out / SUMMARY, paragraphs)
    seconds = duration(time.perf_counter() - start)
    figures = counted(sum(bool(figure.files) for figure in drawn), "figure", "figures")
    judged_claims = counted(len(verdicts), "claim", "claims")
    typer.echo(
        f"{counted(len(plans), 'study', 'studies')}, {judged_claims} and {figures} in {seconds}; {file}"
    )
    if any(fails(verdict, strict=False) for verdict in verdicts):
        raise typer.Exit(1)


def _figures(drawn: "list[Drawn]") -> str:
    lines = ["Figures"]
    for figure in drawn:
        lines += [f"  {file}" for file in figure.files]
        if figure.note:
            lines.append(f"  note on {figure.name}: {figure.note}")
    return "\n".join(lines)
