"""A sentence as numbers and arrays: what the kernels read of its parts.

Each part is a code with parameters, so that one compiled loop per function class serves every sentence.
"""

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.learners.kernels.codes import MIXTURE, NOTHING, REFERENCE, TABLE, UNIFORM, Program
from simbench.precision import float64

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts


class Rules(NamedTuple):
    """What a kernel looks up in a round. Short: numba compiles a named tuple field by field, wherever it goes."""

    loss: int
    bonus: int
    per_label: float  # what a label adds to the bonus mass m[s]
    schedule: int
    period: int
    offline: int  # labels that come first, from the reference
    marks: np.ndarray  # [k] numbers of labels after which to refit


class Recipe(NamedTuple):
    """Codes and parameters of a sentence; arrays are shared by all runs and never written."""

    rules: Rules
    mass: np.ndarray  # [S] m of the bonus before any label
    credit: np.ndarray  # [S, A] c before any label
    first_codes: np.ndarray  # [i] the program of slot 1
    first_values: np.ndarray  # [i]
    second_codes: np.ndarray  # [j] the program of slot 2
    second_values: np.ndarray  # [j]
    first_fixed: bool  # whether the slot ignores the fit
    second_fixed: bool
    tables: np.ndarray  # [n, S, A] fixed policies
    log_first: np.ndarray  # [S, A] what slot 1 draws from before the first fit
    log_second: np.ndarray  # [S, A]


@functools.partial(quickly, static=(0,))
def _before_data(parts: "Parts", world: Bandit) -> tuple[Any, Any, Any, Any]:
    """Return the bonus and the log-policies of both slots before any label."""
    return (*parts.bonus.start(world), *parts.before_data(world))


def recipe(world: Bandit, parts: "Parts") -> Recipe | None:
    """Return the numbers of a sentence, or None when a part has no numba twin."""
    tables: list[np.ndarray] = []
    with float64():
        programs = [slot.program(tables, world) for slot in (parts.first, parts.second)]
        numbers = _before_data(parts, world)
        mass, credit, log_first, log_second = (np.array(x, dtype=np.float64) for x in numbers)
    codes = (parts.loss.code, parts.bonus.code, parts.schedule.code)
    if any(code is None for code in codes) or any(program is None for program in programs):
        return None
    first, second = (program for program in programs if program is not None)
    return Recipe(
        rules=Rules(
            loss=int(codes[0] or 0),
            bonus=int(codes[1] or 0),
            per_label=float(parts.bonus.per_label(world)),
            schedule=int(codes[2] or 0),
            period=int(parts.schedule.period),
            offline=int(parts.schedule.offline),
            marks=np.array(parts.schedule.marks, dtype=np.int64),
        ),
        mass=mass,
        credit=credit,
        first_codes=np.array([code for code, _ in first], dtype=np.int64),
        first_values=np.array([value for _, value in first]),
        second_codes=np.array([code for code, _ in second], dtype=np.int64),
        second_values=np.array([value for _, value in second]),
        first_fixed=_ignores_fit(first),
        second_fixed=_ignores_fit(second),
        tables=np.array(tables).reshape(len(tables), *world.log_ref.shape),
        log_first=log_first,
        log_second=log_second,
    )


def without_bonus(recipe: Recipe) -> Recipe:
    """Return the recipe of the same sentence without optimism or pessimism."""
    return recipe._replace(
        rules=recipe.rules._replace(bonus=NOTHING, per_label=0.0),
        mass=np.zeros_like(recipe.mass),
        credit=np.zeros_like(recipe.credit),
    )


def _ignores_fit(program: Program) -> bool:
    return all(code in (REFERENCE, UNIFORM, TABLE, MIXTURE) for code, _ in program)
