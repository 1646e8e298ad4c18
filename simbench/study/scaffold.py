"""`simbench new`: a filled-in file that runs as it is, to be changed from there.

claim         <name>.py, a statement with a control; one about runs with experiments/<name>_runs.toml, which plays them
learner       <name>.py of a protocol, and experiments/<name>.toml that compares it with two known ones
family        <name>.py, worlds drawn by Python, and environments/<name>.toml that names one
environment   environments/<name>.toml
experiment    experiments/<name>.toml
figure        paper_figures/<name>.py, and experiments/<name>.toml that it reads
"""

import dataclasses
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from simbench import named_files
from simbench.errors import SimbenchError, UnknownNameError, nearest

ABOUT_RUNS = ("order", "rate", "probable")
VARIANTS = {
    "claim": ("instances", *ABOUT_RUNS),  # what a new claim speaks of
    "learner": ("round", "batch", "collecting", "iterative"),  # the protocol of a new learner
}
BASELINES = {"round": "online_dpo", "iterative": "mirror_descent"}  # what a new learner is compared with
ENVIRONMENT = "random_tabular"  # what a new experiment runs in, unless told otherwise


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaffold:
    """What was written, and the command to run next."""

    files: list[Path]
    command: str


def scaffold(
    kind: str, name: str, *, folder: Path, environment: str | None = None, variant: str | None = None
) -> Scaffold:
    """Write a new claim, learner, family, environment, experiment or figure called `name` into `folder`.

    Args:
        kind: a key of `KINDS`.
        name: letters, digits and _, starting with a letter.
        folder: where a user works; files are found there by name.
        environment: what a new experiment runs in.
        variant: one of `VARIANTS[kind]`, the first by default: what a new claim speaks of, or a new learner's protocol.

    Raises:
        SimbenchError: a bad or taken name, a file that exists, or a folder that cannot be written to.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"there is no template for '{kind}'. {nearest(kind, KINDS)}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise SimbenchError(
            f"'{name}' is no name for a {kind}; use letters, digits and _, starting with a letter."
        )
    if environment is not None and kind != "experiment":
        raise SimbenchError(f"--environment is what a new experiment runs in; a new {kind} has none.")
    allowed = VARIANTS.get(kind, ())
    if variant is not None and not allowed:
        raise SimbenchError(
            f"--kind says what a new claim or learner is like; a new {kind} has one kind only."
        )
    if variant is not None and variant not in allowed:
        raise UnknownNameError(f"no {kind} is of kind '{variant}'. {nearest(variant, allowed)}")
    if environment is not None:
        named_files.find("environments", environment)
    texts, command = KINDS[kind](name, variant or next(iter(allowed), ""), environment or ENVIRONMENT)
    files = {folder / path: text for path, text in texts.items()}
    for file in files:
        if file.exists():
            raise SimbenchError(f"{file} exists already; choose another name, nothing is overwritten.")
    for file, text in files.items():
        _write(file, text)
    return Scaffold(files=list(files), command=command)


def _learner(name: str, protocol: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_registered("learner", name)
    _refuse_taken("experiment", name, named_files.names("experiments"))
    command = f"simbench run {name} --preset quick --plugin {name}.py"
    baseline = BASELINES.get(protocol, "offline_mle")
    setting = "step_size = 0.1" if protocol == "iterative" else "prior = 20.0"
    texts = {
        f"{name}.py": _template(f"learner_{protocol}.py").format(name=name, command=command),
        f"experiments/{name}.toml": _template("learner_experiment.toml").format(
            name=name, baseline=baseline, setting=setting
        ),
    }
    return texts, command


def _family(name: str, variant: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_registered("family", name)
    _refuse_taken("environment", name, named_files.names("environments"))
    command = f"simbench explain coverage_from_value --world {name} --plugin {name}.py"
    texts = {
        f"{name}.py": _template("family.py").format(name=name, command=command),
        f"environments/{name}.toml": _template("family_environment.toml").format(name=name),
    }
    return texts, command


def _environment(name: str, variant: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_taken("environment", name, named_files.names("environments"))
    texts = {f"environments/{name}.toml": _template("environment.toml")}
    return texts, f"simbench new experiment {name}_study --environment {name}"


def _experiment(name: str, variant: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_taken("experiment", name, named_files.names("experiments"))
    text = _template("experiment.toml").format(name=name, environment=environment)
    return {f"experiments/{name}.toml": text}, f"simbench run {name} --preset quick"


def _figure(name: str, variant: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_taken("figure", name, named_files.names("paper_figures"))
    _refuse_taken("experiment", name, named_files.names("experiments"))
    command = f"simbench run {name} --preset quick && simbench figures {name}"
    texts = {
        f"paper_figures/{name}.py": _template("figure.py").format(name=name, command=command),
        f"experiments/{name}.toml": _template("figure_experiment.toml").format(name=name),
    }
    return texts, command


def _claim(name: str, about: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_registered("claim", name)
    command = f"simbench claims {name}.py::{name}"
    if about not in ABOUT_RUNS:
        return {f"{name}.py": _template("claim.py").format(name=name, command=command)}, command
    _refuse_taken("experiment", f"{name}_runs", named_files.names("experiments"))
    texts = {
        f"{name}.py": _template(f"claim_{about}.py").format(name=name, command=command),
        f"experiments/{name}_runs.toml": _template("claim_experiment.toml").format(name=name),
    }
    return texts, command


KINDS: dict[str, Callable[[str, str, str], tuple[dict[str, str], str]]] = {
    "claim": _claim,
    "learner": _learner,
    "family": _family,
    "environment": _environment,
    "experiment": _experiment,
    "figure": _figure,
}


def _refuse_registered(kind: str, name: str) -> None:
    from simbench.registry import everything

    _refuse_taken(kind, name, list(everything(kind)))


def _template(name: str) -> str:
    return (resources.files("simbench.study") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _refuse_taken(kind: str, name: str, taken: list[str]) -> None:
    if name in taken:
        raise SimbenchError(f"{kind} '{name}' exists already; choose another name, nothing is overwritten.")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except OSError as error:
        raise SimbenchError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}.") from None
