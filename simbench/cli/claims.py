"""`claims`, `explain`, `hunt`: judge statements, spell one out in a world, and search a counter-example to it."""

import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simbench.cli.output import (
    AsJson,
    Out,
    Plugins,
    complain,
    counted,
    duration,
    print_columns,
    print_json,
    say,
)
from simbench.errors import SimbenchError

if TYPE_CHECKING:
    from simbench.study.plan import Plan
    from simbench.verify import Claim, Verdict

CERTIFICATES = Path("certificates")
RESULTS = Path("results")


def claims(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE.py::CLAIM]...", help="Default: the catalogue.")
    ] = None,
    preset: Annotated[str, typer.Option(metavar="quick|paper", help="How hard they are tried.")] = "quick",
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Claims judged at a time; processes that play studies.")
    ] = 2,
    out: Out = RESULTS,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count an inconclusive verdict as a failure.")
    ] = False,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Judge claims; exit 1 if a verdict is not the expected one or a control is not refuted."""
    from simbench import registry
    from simbench.study.execution.one_core import one_core

    with one_core():
        load(plugin)
        chosen = [find(name) for name in names] if names else catalogue(plugin)
        files = [*(plugin or ()), *(Path(name.partition("::")[0]) for name in names or () if "::" in name)]
        verdicts = list(judged(chosen, preset=preset, workers=workers, out=out, plugins=files))
    if json:
        print_json([row(verdict) for verdict in verdicts])
    elif names:
        typer.echo("\n\n".join(str(verdict) for verdict in verdicts))
    else:
        print_table(verdicts)
    unfit = [failure for file in files for failure in registry.failures(file)]
    for failure in unfit:
        complain(failure.why)
    if unfit:
        raise typer.Exit(2)
    if any(fails(verdict, strict=strict) for verdict in verdicts):
        raise typer.Exit(1)


def notation_of(claim: Any) -> list[tuple[str, str]]:
    """Return the (symbol, meaning) rows of what a claim of the catalogue writes without saying what it is."""
    from simbench.theory.notation import used

    if not type(claim).__module__.startswith("simbench.theory."):
        return []
    return [(f"  {symbol}", meaning) for symbol, meaning in used(inspect.getdoc(type(claim)) or "")]


def explain(
    name: Annotated[str, typer.Argument(metavar="CLAIM|FILE.py::CLAIM")],
    world: Annotated[
        str | None, typer.Option(metavar="NAME", help="Give the constants as numbers in this environment.")
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Spell a claim out: statement, source, controls, and its constants as numbers in a world."""
    load(plugin)
    claim = find(name)
    typer.echo(f"{claim.name}  [{claim.source}]  {claim.kind}, expected {claim.expected}\n")
    typer.echo(inspect.getdoc(type(claim)) or "")
    details = [("control", control.name) for control in claim.controls]
    if claim.corrected_by:
        details.append(("corrected by", claim.corrected_by))
    details += claim.described() + notation_of(claim)
    if details:
        typer.echo("")
        print_columns(details)
    if world is not None:
        typer.echo(f"\nin {world}:")
        print_columns([(key, f"{value:.6g}") for key, value in constants(claim, world).items()])


def hunt(
    name: Annotated[str | None, typer.Argument(metavar="CLAIM|FILE.py::CLAIM")] = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="How long to search.")] = 10.0,
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check a certificate again, at twice its precision.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where a certificate is written.")] = CERTIFICATES,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Search a counter-example and prove it (exit 1 when it did); or replay a certificate."""
    load(plugin)
    if (name is None) == (replay is None):
        raise SimbenchError("hunt takes either the name of a claim or --replay FILE.")
    if replay is not None:
        from simbench.verify.certificate import confirms
        from simbench.verify.certificate import replay as replay_certificate

        proof = replay_certificate(replay)
        if json:
            print_json(
                [
                    {
                        "certificate": str(replay),
                        "confirmed": True,
                        "confirms": confirms(replay),
                        "precision": proof.precision,
                    }
                ]
            )
        else:
            typer.echo(
                f"{replay}: confirmed at {proof.precision} bits; the margin is at least {proof.margin[0]}\n"
                f"  {confirms(replay)}"
            )
        return
    from simbench.verify.certificate import save
    from simbench.verify.hunting import hunt as hunt_claim

    quarry = hunt_claim(find(str(name)), seconds=budget)
    file, unsaved = None, None
    if quarry.certificate:
        try:
            file = save(quarry.certificate, out / f"{quarry.name}.json")
        except OSError as error:  # the proof is told all the same
            unsaved = SimbenchError(
                f"the certificate cannot be saved to {out}: {error.strerror or error}; --out names another folder."
            )
    if json:
        print_json([quarry.to_json() | {"certificate": None if file is None else str(file)}])
    else:
        typer.echo(str(quarry))
        if file is not None:
            again = f"simbench hunt --replay {file}{_plugin_of(str(name))}"
            typer.echo(f"  certificate: {file}   (check it again: {again})")
    if unsaved is not None:
        raise unsaved
    if quarry.certificate:
        raise typer.Exit(1)


def find(name: str) -> "Claim":
    """Return the claim called NAME, or the class or claim CLAIM of a user's FILE.py::CLAIM."""
    from simbench import registry
    from simbench.verify import find_claim

    if "::" not in name:
        return find_claim(name)
    file, _, wanted = name.partition("::")
    load([Path(file)])
    own = {
        label: thing
        for label, thing in registry.everything("claim").items()
        if _defined_in(thing, Path(file)) and wanted in (label, thing.__name__)
    }
    unfit = [failure.why for failure in registry.failures(file) if wanted in (failure.name, failure.cls)]
    if unfit:
        raise SimbenchError(f"{file}: {unfit[0]}")
    if not own:
        raise SimbenchError(
            f"{file} defines no claim '{wanted}'; write FILE.py::NAME with a class or claim of that file."
        )
    return find_claim(next(iter(own)))


def load(plugins: Sequence[Path] | None) -> None:
    """Load a user's files, if any."""
    if plugins:
        from simbench.study.execution.plugins import load_plugins

        load_plugins(plugins)


def catalogue(plugins: Sequence[Path] | None = None) -> "list[Claim]":
    """Return every claim of the catalogue, or, when plug-ins are given, those that they define."""
    from simbench import registry
    from simbench.verify import find_claim

    load(plugins)
    known = registry.everything("claim")
    if plugins:
        known = {
            name: thing for name, thing in known.items() if any(_defined_in(thing, file) for file in plugins)
        }
        unfit = [failure.why for file in plugins for failure in registry.failures(file)]
        if not known and unfit:
            raise SimbenchError(unfit[0])
        if not known:
            raise SimbenchError(f"{', '.join(map(str, plugins))} defines no claim.")
    return [find_claim(name) for name in known]


def judged(
    chosen: "Sequence[Claim]",
    *,
    preset: str,
    workers: int,
    out: Path,
    plugins: Sequence[Path] = (),
    plans: "Sequence[Plan]" = (),
) -> "Iterator[Verdict]":
    """Yield the verdicts in order, under a progress bar on a terminal (studies that are played bring their own)."""
    from simbench.study.judge import judge_all
    from simbench.verify import Deterministic

    files = [str(file.resolve()) for file in plugins]
    verdicts = judge_all(
        chosen, preset=preset, workers=workers, out=out, plugins=files, plans=plans, notify=say
    )
    shown = sys.stderr.isatty() and all(isinstance(claim, Deterministic) for claim in chosen)
    if len(chosen) < 2 or not shown:
        yield from verdicts
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(verdicts, "claims", total=len(chosen), console=Console(stderr=True), transient=True)


def row(verdict: "Verdict") -> dict[str, Any]:
    """Return a verdict as the JSON row of the command line."""
    return {
        "name": verdict.name,
        "source": verdict.source,
        "kind": verdict.kind,
        "verdict": verdict.verdict,
        "expected": verdict.expected,
        "tightness": verdict.tightness,
        "controls": [{"name": control.name, "refuted": control.refuted} for control in verdict.controls],
        "alpha": verdict.alpha,
        "seconds": verdict.seconds,
    }


def fails(verdict: "Verdict", *, strict: bool) -> bool:
    """Return whether a verdict should stop a pipeline."""
    if verdict.verdict == "inconclusive":
        return strict
    return not verdict.as_expected


def print_table(verdicts: "Sequence[Verdict]") -> None:
    """Print one line per claim, and a sentence that sums up."""
    print_columns(
        [
            ("claim", "verdict", "tightness", "controls refuted", "source"),
            *(
                (
                    verdict.name,
                    verdict.verdict + ("" if verdict.verdict == verdict.expected else " (!)"),
                    "" if verdict.tightness is None else f"{verdict.tightness:.4g}",
                    f"{sum(control.refuted for control in verdict.controls)} of {len(verdict.controls)}",
                    verdict.source,
                )
                for verdict in verdicts
            ),
        ]
    )
    typer.echo("\n" + sentence(verdicts))
    for verdict in verdicts:
        if not verdict.as_expected:
            typer.echo(f"\n{verdict}")


def sentence(verdicts: "Sequence[Verdict]") -> str:
    """Return the outcome in one sentence."""
    tally = {
        outcome: sum(verdict.verdict == outcome for verdict in verdicts)
        for outcome in ("consistent", "violated", "inconclusive")
    }
    told = ", ".join(f"{count} {outcome}" for outcome, count in tally.items() if count)
    surprises = sum(not verdict.as_expected for verdict in verdicts)
    ending = "all as expected" if not surprises else counted(surprises, "surprise", "surprises")
    worked = duration(sum(verdict.seconds for verdict in verdicts))
    return f"{counted(len(verdicts), 'claim', 'claims')}: {told}; {ending} ({worked} of judging)."


def constants(claim: "Claim", environment: str) -> dict[str, float]:
    """Return a claim's own constants in a world, and the numbers that most statements are made of."""
    from simbench import quantities as q
    from simbench.precision import float64
    from simbench.worlds import make

    world = make(environment)
    ratio = float(world.reward_bound / world.beta)
    with float64():
        own = {key: float(value) for key, value in claim.constants(world).items()}
        return own | {
            "S": float(world.prompts),
            "A": float(world.responses),
            "R/beta": ratio,
            "log e^{2R/beta}": 2 * ratio,
            "log kappa(e^{2R/beta})": float(q.log_kappa(2 * ratio)),
            "C_glo": float(q.global_coverage(world)),
            "Cov(pi*|ref)": float(q.coverage(world, world.log_ref)),
            "gap(ref)": float(q.value_gap(world, world.log_ref)),
        }


def _defined_in(thing: Any, file: Path) -> bool:
    try:
        return Path(inspect.getfile(thing)).resolve() == file.resolve()
    except (OSError, TypeError):
        return False


def _plugin_of(name: str) -> str:
    return f" --plugin {name.partition('::')[0]}" if "::" in name else ""
