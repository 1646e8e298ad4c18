"""The grid of a study expanded: one setting per point of the product of its lists.

A grid key names what it sweeps:

    "environment.<parameter>"          a parameter of the environment's family
    "environment.<table>.<parameter>"  a parameter of one of its modifiers, such as "environment.sources.gap"
    "learner.<label>.<parameter>"      a parameter of one learner
    "run.rounds"                       the length of the runs

A setting is named by its values, "environment.beta=0.1, run.rounds=1000", never by its position, so that a grid can
grow without renaming what is already computed. A study without a grid has one setting, called "base".
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.study.spec import MOST_ROUNDS

MOST_SETTINGS = 10_000  # each draws a world while it is planned
BASE = "base"
FORMS = '"environment.<parameter>", "environment.<table>.<parameter>", "learner.<label>.<parameter>" or "run.rounds"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """One point of the grid.

    Attributes:
        name: the values in words.
        values: grid key to value, in the study's order.
        rounds: labels per run in this setting.
        environment: parameters of the family, and "<table>.<parameter>" of its modifiers, that this setting replaces.
        learners: label to the parameters of that learner that this setting replaces.
    """

    name: str
    values: dict[str, Any]
    rounds: int
    environment: dict[str, Any]
    learners: dict[str, dict[str, Any]]


def expand(path: Path, grid: Mapping[str, list[Any]], *, labels: list[str], rounds: int) -> list[Setting]:
    """Return every setting, the last key of the grid varying fastest.

    Raises `SimbenchError` for a key of no known form, a label that no learner has, a value listed twice, or a grid of
    more than MOST_SETTINGS points.
    """
    points = math.prod(len(values) for values in grid.values())
    if points > MOST_SETTINGS:
        raise SimbenchError(f"{path}: the grid has {points} points; it may have at most {MOST_SETTINGS}.")
    for key, values in grid.items():
        _check_key(path, key, labels)
        _check_values(path, key, values)
    return [
        _setting(dict(zip(grid, point, strict=True)), rounds) for point in itertools.product(*grid.values())
    ]


def _setting(values: dict[str, Any], rounds: int) -> Setting:
    environment: dict[str, Any] = {}
    learners: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        scope, _, rest = key.partition(".")
        if scope == "environment":
            environment[rest] = value
        elif scope == "learner":
            label, _, parameter = rest.partition(".")
            learners.setdefault(label, {})[parameter] = value
        else:
            rounds = value
    name = ", ".join(f"{key}={_written(value)}" for key, value in values.items()) or BASE
    return Setting(name=name, values=values, rounds=rounds, environment=environment, learners=learners)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def _check_key(path: Path, key: str, labels: list[str]) -> None:
    scope, _, rest = key.partition(".")
    label, _, parameter = rest.partition(".")
    if key == "run.rounds" or (scope == "environment" and label and "." not in parameter):
        return
    if scope == "learner" and parameter:
        if label not in labels:
            raise UnknownNameError(
                f"{path}: grid.\"{key}\": no learner is labelled '{label}'. {nearest(label, labels)}"
            )
        return
    raise SimbenchError(f'{path}: grid has the key "{key}"; a grid key is {FORMS}.')


def _check_values(path: Path, key: str, values: list[Any]) -> None:
    for i, value in enumerate(values):
        if isinstance(value, float) and math.isnan(value):
            raise SimbenchError(
                f'{path}: grid."{key}"[{i}] is nan; a grid is made of numbers, text, or true and false.'
            )
        if key == "run.rounds" and (
            isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_ROUNDS
        ):
            raise SimbenchError(
                f'{path}: grid."{key}"[{i}] is {value!r}; it must be a whole number from 1 to {MOST_ROUNDS}.'
            )
        if value in values[:i]:
            raise SimbenchError(f'{path}: grid."{key}" lists {value!r} twice.')
