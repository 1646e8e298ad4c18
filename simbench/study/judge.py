"""The judge of claims of all kinds.

    judge("my_lemma")                               -> Verdict
    judge_all(["my_lemma", "greedy_regret_is_logarithmic"])   -> verdicts, in order

Deterministic claims are judged by `simbench.verify.judging` one by one, a catalogue of them by worker processes. Those
about runs are a family: what they need is played first, their p-values are collected, and Holm's step-down is applied
to all of them (`simbench.verify.statistical.verdicts`).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from simbench import registry
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.study.evidence import Evidence
from simbench.study.execution.workers import Ahead, spread
from simbench.study.plan import Plan
from simbench.verify import judging
from simbench.verify.explore import EFFORTS
from simbench.verify.protocol import Claim, Deterministic, find_claim
from simbench.verify.statistical import Case, Statistical, Trial, examine, verdicts
from simbench.verify.verdict import Verdict

MANY = 12  # claims for whose sake workers are started: they take seconds to start
AnyClaim = str | type[Claim] | Claim


def judge(
    claim: AnyClaim,
    *,
    preset: str = "quick",
    workers: int = 2,
    out: str | Path = "results",
    plugins: Sequence[str] = (),
) -> Verdict:
    """Judge one claim and return its verdict; see `judge_all`."""
    (verdict,) = judge_all([claim], preset=preset, workers=workers, out=out, plugins=plugins)
    return verdict


def judge_all(
    claims: Iterable[AnyClaim],
    *,
    preset: str = "quick",
    workers: int = 2,
    out: str | Path = "results",
    plugins: Sequence[str] = (),
    seed: int | None = None,
    plans: Sequence[Plan] = (),
    notify: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Verdict]:
    """Yield the verdicts of claims in order.

    Args:
        claims: names, classes or instances.
        preset: "quick" or "paper": how hard deterministic claims are tried, and which preset of a study is played.
        workers: deterministic claims judged at a time, and processes that play studies.
        out: the results folder, where runs are kept.
        plugins: absolute paths of the user's Python files, for the workers.
        seed: replaces the studies' own, for an independent repetition.
        plans: of studies, of that preset and seed, that the caller has made already.
        notify: called with sentences the user should see.

    Raises:
        UnknownNameError: no such claim, preset, study, learner or grid key.
        SimbenchError: a claim or a study that cannot be run at all.
    """
    if preset not in EFFORTS:
        raise UnknownNameError(f"no preset is called '{preset}'. {nearest(preset, EFFORTS)}")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SimbenchError(f"workers is {workers!r}; it must be an integer, at least 1.")
    known = [find_claim(claim) for claim in claims]
    statistical = [claim for claim in known if isinstance(claim, Statistical)]
    for claim in known:
        if not isinstance(claim, Deterministic | Statistical):
            raise SimbenchError(f"claim '{claim.name}' is of kind '{claim.kind}', which nothing judges.")
    evidence = Evidence(
        preset=preset, out=out, workers=workers, plugins=plugins, seed=seed, plans=plans, notify=notify
    )
    return _in_order(known, statistical, evidence, preset, workers)


def _in_order(
    known: list[Claim], statistical: list[Statistical], evidence: Evidence, preset: str, workers: int
) -> Iterator[Verdict]:
    others = [claim for claim in known if not isinstance(claim, Statistical)]
    if statistical and len(others) >= MANY:
        # Runs are played by all workers; then these judge the others while this process judges the family.
        evidence.gather(_with_corrections(statistical))
    family: Iterator[Verdict] | None = None
    with closing(_deterministic(others, preset, workers)) as one_by_one:  # type: ignore[type-var]
        for claim in known:
            if isinstance(claim, Statistical):
                family = family or iter(judge_family(statistical, evidence))
                yield next(family)
            else:
                yield next(one_by_one)


def _deterministic(claims: list[Claim], preset: str, workers: int) -> Iterator[Verdict]:
    """Yield verdicts in order; a catalogue is judged by worker processes, a few claims by threads of this one."""
    if len(claims) < MANY or not all(_everywhere(claim) for claim in claims):
        yield from judging.judge_all(claims, preset=preset, workers=workers)
        return
    tasks = ((claim.name, preset) for claim in claims)
    ready: dict[str, Verdict] = {}
    with closing(Ahead(spread(_judge_by_name, tasks, workers=workers))) as work:
        for claim in claims:
            while claim.name not in ready:
                verdict = next(work)
                ready[verdict.name] = verdict
            yield ready[claim.name]


def _everywhere(claim: Claim) -> bool:
    """Return whether every process knows this claim by its name: one of simbench's own, not a user's."""
    known = registry.everything("claim").get(claim.name)
    return known is type(claim) and type(claim).__module__.partition(".")[0] == "simbench"


def _judge_by_name(task: tuple[str, str]) -> Verdict:
    name, preset = task
    return judging.judge_or_say_why(name, preset=preset)


def _with_corrections(claims: Sequence[Statistical]) -> list[Statistical]:
    """Return the claims, and those that correct them."""
    everything = list(claims)
    for claim in claims:
        if claim.corrected_by is None:
            continue
        one = find_claim(claim.corrected_by)
        if not isinstance(one, Statistical):
            raise SimbenchError(
                f"claim '{one.name}' corrects one about runs; it must be one about runs itself."
            )
        everything.append(one)
    return everything


def judge_family(claims: Sequence[Statistical], evidence: Evidence) -> list[Verdict]:
    """Return the verdicts of claims about runs, judged together.

    The seconds that a study takes are counted with the first claim that reads it.
    """
    everything = _with_corrections(claims)
    trials: dict[str, Trial] = {}

    def trial(claim: Statistical, purpose: str) -> Trial:
        if purpose not in trials:
            trials[purpose] = examine(claim, evidence.table(claim), purpose)
        return trials[purpose]

    # Nothing is played before every name is known to exist.
    evidence.require_known(everything)
    cases = []
    for claim in claims:
        began = time.perf_counter()
        true = [one for one in everything if one.name == claim.corrected_by]
        evidence.gather([claim, *true])
        cases.append(
            Case(
                claim=claim,
                trial=trial(claim, claim.name),
                controls=tuple(
                    (control, trial(claim.altered(control), f"{claim.name}, {control.name}"))
                    for control in claim.controls
                ),
                correction=trial(true[0], true[0].name) if true else None,
                seconds=time.perf_counter() - began,
            )
        )
    return verdicts(cases)
