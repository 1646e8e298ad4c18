"""Names to things: learners, world families, claims and figures, loaded lazily; plug-in files enter here.

A thing registers itself where it is defined, and its parameters are typed fields::

    @register("learner", "online_dpo")
    @parameters
    class OnlineDPO(RoundLearner):
        ridge: Positive = 1.0

and is found by dropping its file into the kind's package or any folder below it (`simbench/learners/…`): the first
look-up of a kind imports the files there that register one, nothing before, and no other file.
A user's own file enters with `--plugin FILE` or `load_plugin(path)`; it is plain Python that calls `register`. A study
file never runs code.
"""

import dataclasses
import importlib
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, dataclass_transform

import pydantic
from pydantic import BeforeValidator, Field

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.python_file import run_file

T = TypeVar("T")


def _no_coercion(value: Any) -> Any:
    """Refuse `true` and "0.1" where a number belongs; a study file that says so is mistaken."""
    if isinstance(value, bool | str):
        raise ValueError(f"must be a number, not {'a boolean' if isinstance(value, bool) else 'a string'}")
    return value


_Number = BeforeValidator(_no_coercion)

Positive = Annotated[float, _Number, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, _Number, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, _Number, Field(allow_inf_nan=False)]
Probability = Annotated[float, _Number, Field(ge=0, le=1)]
Count = Annotated[int, _Number, Field(ge=1)]
Index = Annotated[int, _Number, Field(ge=0)]

PACKAGES = {
    "family": "simbench.worlds",
    "modifier": "simbench.worlds.modifiers",
    "learner": "simbench.learners",
    "claim": "simbench.theory",
}

_MARKS = {kind: re.compile(rf'^@(?:\w+\.)?register\("{kind}"', re.MULTILINE) for kind in PACKAGES}
_MARKS["claim"] = re.compile(r"^@(?:\w+\.)?claim\(", re.MULTILINE)

_things: dict[str, dict[str, Any]] = {kind: {} for kind in PACKAGES}
_loaded: set[str] = set()
_loading: list["Failure"] | None = None  # what failed so far in the plug-in that is being loaded
_failures: dict[str, list["Failure"]] = {}  # module name -> what could not be entered of a plug-in
_plugins: dict[str, tuple[Path, bytes]] = {}  # module name -> where a plug-in came from, and its text


class UnfitClaimWarning(UserWarning):
    """A plug-in defines something that could not be entered; the rest of the file was."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """A thing of a plug-in that could not be entered: its name, its class, and why, in one sentence."""

    name: str
    cls: str
    why: str


def set_aside(name: str, cls: type, error: SimbenchError) -> None:
    """Remember a thing that cannot be entered, so that the rest of its plug-in still is; elsewhere raise `error`."""
    if _loading is None:
        raise error
    _loading.append(Failure(name=name, cls=cls.__name__, why=str(error)))


def failures(path: str | Path) -> list[Failure]:
    """Return what could not be entered of the plug-in at `path`."""
    return list(_failures.get(f"simbench_plugin_{Path(path).stem}", ()))


def register(kind: str, name: str) -> Callable[[T], T]:
    """Decorate a thing to make it known as `name` among its `kind`: 'family', 'modifier', 'learner' or 'claim'."""
    if kind not in PACKAGES:
        raise SimbenchError(f"'{kind}' is no kind of thing. {nearest(kind, PACKAGES)}")

    def enter(thing: T) -> T:
        known = _things[kind].get(name)
        if known is not None and _origin(known) != _origin(thing):
            raise SimbenchError(
                f"{kind} '{name}' of {_origin(thing)[0]} is already taken by {_origin(known)[0]}; "
                "choose another name."
            )
        _things[kind][name] = thing
        return thing

    return enter


@dataclass_transform(kw_only_default=True, frozen_default=True)
def parameters(cls: type[T]) -> type[T]:
    """Make a class a frozen, keyword-only, hashable record of validated parameters, unknown ones refused."""
    config = pydantic.ConfigDict(extra="forbid")
    record: Any = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=config)
    return record(cls)


def configure(kind: str, name: str, values: Mapping[str, Any], where: str) -> Any:
    """Build the thing called `name` with parameters `values`; `where` (file, table) starts every complaint.

    Raises `SimbenchError` for an unknown parameter (with the nearest valid one), a missing or a bad one.
    """
    thing = lookup(kind, name)
    allowed = [field.name for field in dataclasses.fields(thing)]
    for key in values:
        if key not in allowed:
            raise UnknownNameError(
                f"{where}: {kind} '{name}' has no parameter '{key}'. {nearest(key, allowed)}"
            )
    try:
        return thing(**values)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, SimbenchError):  # the thing's own check of its parameters taken together
            raise type(cause)(f"{where}: {kind} '{name}': {cause}") from None
        key = ".".join(str(part) for part in problem["loc"]) or "parameters"
        given = "" if problem["type"] in ("missing", "missing_argument") else f" is {problem['input']!r}"
        why = _lower_first(problem["msg"])
        raise SimbenchError(f"{where}: {kind} '{name}', {key}{given}: {why}.") from None


def _lower_first(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def lookup(kind: str, name: str) -> Any:
    """Return the thing known as `name`; raise `UnknownNameError` with the nearest valid name otherwise."""
    things = everything(kind)
    if name not in things:
        raise UnknownNameError(f"no {kind} is called '{name}'. {nearest(name, things)}")
    return things[name]


def everything(kind: str) -> dict[str, Any]:
    """Return all things of a kind by name, sorted, importing the kind's package on first use."""
    if kind not in PACKAGES:
        raise SimbenchError(f"'{kind}' is no kind of thing. {nearest(kind, PACKAGES)}")
    if kind not in _loaded:
        for module in _registering(kind):
            importlib.import_module(module)
        _loaded.add(kind)
    return dict(sorted(_things[kind].items()))


def _registering(kind: str) -> list[str]:
    """Return the modules below a kind's package whose text registers a thing of that kind, sorted."""
    folder = Path(__file__).resolve().parent.joinpath(*PACKAGES[kind].split(".")[1:])
    marked = (file for file in sorted(folder.rglob("*.py")) if _MARKS[kind].search(file.read_text()))
    return [".".join((PACKAGES[kind], *file.relative_to(folder).with_suffix("").parts)) for file in marked]


def load_plugin(path: str | Path) -> None:
    """Run a user's Python file so that what it registers becomes known.

    Loading a file again, edited or not, replaces what it registered before. Two different files of one name are not
    loaded side by side: results and errors name a plug-in by its file's name. A claim that is not complete is set aside
    with an `UnfitClaimWarning`, and the others of the file are known (`failures`).

    Raises `SimbenchError` naming the file when it is missing, is not Python, has the name of another one that is
    loaded, or fails while loading.
    """
    file = Path(path)
    if not file.is_file():
        raise SimbenchError(f"plugin {file} does not exist; --plugin takes the path of a Python file.")
    name = f"simbench_plugin_{file.stem}"
    if file.suffix != ".py":
        raise SimbenchError(f"plugin {file} is not a Python file (its name must end in .py).")
    here, text = file.resolve(), file.read_bytes()
    there, loaded = _plugins.get(name, (here, text))
    if here != there and text != loaded:
        raise SimbenchError(
            f"plugin {file} has the same file name as {there}, which is loaded already; rename one of them."
        )
    global _loading
    _loading = []
    try:
        run_file(name, file)
    except SimbenchError:
        raise
    except Exception as error:
        line = _line_in(file, error)
        raise SimbenchError(f"plugin {file}{line} failed to load: {type(error).__name__}: {error}") from error
    finally:
        found, _loading = _loading, None
    _failures[name] = found or []
    for failure in _failures[name]:
        warnings.warn(f"plugin {file}: {failure.why}", UnfitClaimWarning, stacklevel=2)
    _plugins[name] = (here, text)


def _line_in(file: Path, error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    return f", line {lines[-1]}," if lines else ""


def _origin(thing: Any) -> tuple[str, str]:
    return getattr(thing, "__module__", "?"), getattr(thing, "__qualname__", repr(thing))
