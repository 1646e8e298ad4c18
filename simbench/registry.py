"""Names to things: learners, world families, claims and figures, loaded lazily; plug-in files enter here.

A thing registers itself where it is defined::

    @register("learner", "online_dpo")
    class OnlineDPO: ...

and is found by dropping its file into the kind's package (`simbench/learners/…`): the first look-up of a kind
imports every module of that package, nothing before. A user's own file enters with `--plugin FILE` or
`load_plugin(path)`; it is plain Python that calls `register`. A study file never runs code.
"""

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from simbench.errors import SimbenchError, UnknownNameError, nearest

T = TypeVar("T")

PACKAGES = {"family": "simbench.worlds", "learner": "simbench.learners", "claim": "simbench.theory"}

_things: dict[str, dict[str, Any]] = {kind: {} for kind in PACKAGES}
_loaded: set[str] = set()


def register(kind: str, name: str) -> Callable[[T], T]:
    """Decorate a thing to make it known as `name` among its `kind` ('family', 'learner' or 'claim')."""
    if kind not in PACKAGES:
        raise SimbenchError(f"'{kind}' is no kind of thing. {nearest(kind, PACKAGES)}")

    def enter(thing: T) -> T:
        known = _things[kind].get(name)
        if known is not None and _origin(known) != _origin(thing):
            raise SimbenchError(f"{kind} '{name}' of {_origin(thing)[0]} is already taken by {_origin(known)[0]}; choose another name.")
        _things[kind][name] = thing
        return thing

    return enter


def lookup(kind: str, name: str) -> Any:
    """Return the thing known as `name`; raise `UnknownNameError` with the nearest valid name otherwise."""
    things = everything(kind)
    if name not in things:
        raise UnknownNameError(f"no {kind} is called '{name}'. {nearest(name, things)}")
    return things[name]


def everything(kind: str) -> dict[str, Any]:
    """Return all things of a kind by name, sorted, importing the kind's package on first use."""
    if kind not in _loaded:
        _loaded.add(kind)
        package = importlib.import_module(PACKAGES[kind])
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{PACKAGES[kind]}.{module.name}")
    return dict(sorted(_things[kind].items()))


def load_plugin(path: str | Path) -> None:
    """Run a user's Python file so that what it registers becomes known.

    Raises `SimbenchError` naming the file when it is missing, is not Python, or fails while loading.
    """
    file = Path(path)
    if not file.is_file():
        raise SimbenchError(f"plugin {file} does not exist; --plugin takes the path of a Python file.")
    name = f"simbench_plugin_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise SimbenchError(f"plugin {file} is not a Python file (its name must end in .py).")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SimbenchError:
        raise
    except Exception as error:
        line = _line_in(file, error)
        raise SimbenchError(f"plugin {file}{line} failed to load: {type(error).__name__}: {error}") from error


def _line_in(file: Path, error: BaseException) -> str:
    import traceback

    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    return f", line {lines[-1]}," if lines else ""


def _origin(thing: Any) -> tuple[str, str]:
    return getattr(thing, "__module__", "?"), getattr(thing, "__qualname__", repr(thing))
