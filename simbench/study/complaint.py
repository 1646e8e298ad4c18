"""From pydantic's report to one sentence: file, key, value, what is expected, the nearest valid name."""

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
from pydantic import BaseModel

from simbench.errors import SimbenchError, UnknownNameError, nearest

EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "text without a dot",
    "list_type": "a list in [brackets]",
    "dict_type": "a table",
    "model_type": "a table",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}
Location = tuple[int | str, ...]


def complain(path: Path, model: type[BaseModel], error: pydantic.ValidationError) -> SimbenchError:
    """Return the most telling problem of `error` as an error that a person can act on.

    An unknown key comes before the missing one that it was probably meant to be.
    """
    problems = [(_cleaned(problem["loc"]), problem) for problem in error.errors()]
    unknown = [pair for pair in problems if pair[1]["type"] == "extra_forbidden"]
    # A union reports every alternative it tried; the deepest location belongs to the alternative that was meant.
    first_key = problems[0][0][:1]
    deepest = max((pair for pair in problems if pair[0][:1] == first_key), key=lambda pair: len(pair[0]))
    location, problem = unknown[0] if unknown else deepest
    if problem["type"] == "extra_forbidden":
        return _unknown_key(path, model, location)
    if problem["type"] == "missing":
        return SimbenchError(f"{path}: the key '{_written(location)}' is missing.")
    if problem["type"] == "too_short":
        return SimbenchError(f"{path}: {_written(location)} is empty; it needs at least one entry.")
    wanted = dict.fromkeys(_expected(other) for place, other in problems if place == location)
    return SimbenchError(
        f"{path}: {_written(location)} is {_shown(problem['input'])}; it must be {' or '.join(wanted)}."
    )


def _unknown_key(path: Path, model: type[BaseModel], location: Location) -> UnknownNameError:
    table = _written(location[:-1])
    place = f"[{table}] has an unknown key" if table else "unknown key"
    return UnknownNameError(
        f"{path}: {place} '{location[-1]}'. {nearest(str(location[-1]), _keys(model, location[:-1]))}"
    )


def _cleaned(location: Location) -> Location:
    # Pydantic puts the alternative of a union that it tried into the location; a person never wrote it.
    tried = ("constrained-str", "str", "dict[str,any]")
    return tuple(part for part in location if part not in tried)


def _written(location: Location) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = f'"{part}"' if "." in part else part
            text += f".{name}" if text else name
    return text


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys allowed in the table at `location`."""
    current: Any = model
    for part in location:
        current = next(_inside(current, part))
    return [key for table in _alternatives(current) if _is_model(table) for key in table.model_fields]


def _inside(annotation: Any, part: int | str) -> Iterator[Any]:
    for candidate in _alternatives(annotation):
        if _is_model(candidate) and part in candidate.model_fields:
            yield candidate.model_fields[part].annotation
        elif typing.get_origin(candidate) in (list, dict):
            yield typing.get_args(candidate)[-1]


def _alternatives(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [inner for argument in typing.get_args(annotation) for inner in _alternatives(argument)]
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _expected(problem: Any) -> str:
    known = EXPECTED.get(problem["type"])
    if known is not None:
        return known.format(**problem.get("ctx", {}))
    return problem["msg"].removeprefix("Input should be ").rstrip(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
