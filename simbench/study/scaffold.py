"""`simbench new`: a filled-in file that runs as it is, to be changed from there.

claim         <name>.py, a statement with a control; one about runs with experiments/<name>_runs.toml, which plays them
learner       <name>.py, and experiments/<name>.toml that compares it with two known ones
environment   environments/<name>.toml
experiment    experiments/<name>.toml
"""

import dataclasses
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from simbench import named_files
from simbench.errors import SimbenchError, UnknownNameError, nearest

ABOUT_RUNS = ("order", "rate", "probable")
STATEMENTS = ("instances", *ABOUT_RUNS)  # what a new claim speaks of
ENVIRONMENT = "random_tabular"  # what a new experiment runs in, unless told otherwise


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaffold:
    """What was written, and the command to run next."""

    files: list[Path]
    command: str


def scaffold(
    kind: str, name: str, *, folder: Path, environment: str | None = None, about: str | None = None
) -> Scaffold:
    """Write a new claim, learner, environment or experiment called `name` into `folder`.

    Args:
        kind: "claim", "learner", "environment" or "experiment".
        name: letters, digits and _, starting with a letter.
        folder: where a user works; files are found there by name.
        environment: what a new experiment runs in.
        about: what a new claim speaks of: "instances" (the default), or an "order", a "rate" or a "probable" bound of
            runs.

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
    if about is not None and kind != "claim":
        raise SimbenchError(f"--kind says what a new claim speaks of; a new {kind} has none.")
    if about is not None and about not in STATEMENTS:
        raise UnknownNameError(f"no claim is of kind '{about}'. {nearest(about, STATEMENTS)}")
    if about in ABOUT_RUNS:
        texts, command = _claim_about_runs(name, str(about))
    else:
        texts, command = KINDS[kind](name, environment or ENVIRONMENT)
    files = {folder / path: text for path, text in texts.items()}
    for file in files:
        if file.exists():
            raise SimbenchError(f"{file} exists already; choose another name, nothing is overwritten.")
    for file, text in files.items():
        _write(file, text)
    return Scaffold(files=list(files), command=command)


def _learner(name: str, environment: str) -> tuple[dict[str, str], str]:
    from simbench.registry import everything

    _refuse_taken("learner", name, list(everything("learner")))
    _refuse_taken("experiment", name, named_files.names("experiments"))
    command = f"simbench run {name} --preset quick --plugin {name}.py"
    texts = {
        f"{name}.py": _template("learner.py").format(name=name, command=command),
        f"experiments/{name}.toml": _template("learner_experiment.toml").format(name=name),
    }
    return texts, command


def _environment(name: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_taken("environment", name, named_files.names("environments"))
    texts = {f"environments/{name}.toml": _template("environment.toml")}
    return texts, f"simbench new experiment {name}_study --environment {name}"


def _experiment(name: str, environment: str) -> tuple[dict[str, str], str]:
    _refuse_taken("experiment", name, named_files.names("experiments"))
    named_files.find("environments", environment)
    text = _template("experiment.toml").format(name=name, environment=environment)
    return {f"experiments/{name}.toml": text}, f"simbench run {name} --preset quick"


def _claim(name: str, environment: str) -> tuple[dict[str, str], str]:
    from simbench.registry import everything

    _refuse_taken("claim", name, list(everything("claim")))
    command = f"simbench claims {name}.py::{name}"
    return {f"{name}.py": _template("claim.py").format(name=name, command=command)}, command


def _claim_about_runs(name: str, about: str) -> tuple[dict[str, str], str]:
    _, command = _claim(name, ENVIRONMENT)
    _refuse_taken("experiment", f"{name}_runs", named_files.names("experiments"))
    return {
        f"{name}.py": _template(f"claim_{about}.py").format(name=name, command=command),
        f"experiments/{name}_runs.toml": _template("claim_experiment.toml").format(name=name),
    }, command


KINDS: dict[str, Callable[[str, str], tuple[dict[str, str], str]]] = {
    "claim": _claim,
    "learner": _learner,
    "environment": _environment,
    "experiment": _experiment,
}


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
