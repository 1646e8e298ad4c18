"""How long a study will take and how much memory, measured here and now on a few rounds of each learner.

The cost of a unit is modelled as

    seconds = start + checkpoints * measure + runs * rounds * play

with the three prices of each learner measured in short runs of the unit in the middle of its work, after one that
compiles, in another world of the same setting where there is one, so that `start` has a world to draw and its tables to
make. A learner whose rounds grow dearer with time takes longer than this says. With several workers the short runs are
made on workers, side by side, so that what a worker needs to start and what neighbours cost is in the prices.
"""

import dataclasses
import resource
import sys
import time
from collections.abc import Sequence
from itertools import groupby

import numpy as np

from simbench.engine import log_checkpoints
from simbench.errors import SimbenchError
from simbench.study.execution.compute import Task, play
from simbench.study.execution.plugins import load_plugins
from simbench.study.execution.workers import spread
from simbench.study.plan import Unit

ENOUGH = 0.3  # seconds that a timed run should take, so that the clock's grain and the start do not matter
FEW, MANY = 50, 8  # rounds of the shortest timed run; by how much each longer one is longer
MARKS = 9  # checkpoints of the run that prices measuring


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prices:
    """What one learner costs: seconds to compile, start, measure a checkpoint, play a round of a run; peak bytes.

    `spent` is what finding out has taken, in seconds.
    """

    spent: float
    compiling: float
    start: float
    measure: float
    play: float
    memory: int

    def seconds(self, unit: Unit) -> float:
        """Return the time a unit takes once everything is compiled."""
        marks = log_checkpoints(unit.spec["rounds"], unit.spec["checkpoints_per_decade"]).size
        return self.start + marks * self.measure + unit.run_rounds * self.play


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is ahead: wall-clock seconds on `workers` processes, and peak bytes of each."""

    seconds: float
    workers: int
    memory: int


def estimate(todo: Sequence[Unit], *, workers: int, plugins: Sequence[str]) -> Estimate:
    """Return the estimate for the units in `todo`, after calibrating each learner on one of its units.

    Raises `SimbenchError` when a learner fails in its first rounds.
    """
    by_learner = sorted(todo, key=lambda unit: str(unit.spec["label"]))
    groups = [list(units) for _, units in groupby(by_learner, key=lambda unit: unit.spec["label"])]
    seconds, memory = 0.0, 0
    samples = [_sample(units, tuple(plugins)) for units in groups]
    here = any(unit.spec["device"] != "cpu" for unit in todo)
    begin = time.perf_counter()
    prices: dict[str, Prices] = {}
    for label, price in spread(calibrate, samples, workers=workers, here=here):
        if not prices:
            seconds = max(time.perf_counter() - begin - price.spent, 0.0)  # workers starting
        prices[label] = price
    for units in groups:
        price = prices[units[0].spec["label"]]
        seconds += price.compiling + sum(price.seconds(unit) for unit in units) / workers
        memory = max(memory, price.memory)
    return Estimate(seconds=seconds, workers=workers, memory=memory)


def _sample(units: Sequence[Unit], plugins: tuple[str, ...]) -> tuple[Task, Task]:
    """Return the unit in the middle and one of the same setting in another world; itself where there is none."""
    middle = units[len(units) // 2]
    others = (
        unit
        for unit in units
        if unit.spec["setting"] == middle.spec["setting"] and unit.spec["instance"] != middle.spec["instance"]
    )
    other = next(others, middle)
    return Task(unit=middle, plugins=plugins), Task(unit=other, plugins=plugins)


def calibrate(sample: tuple[Task, Task]) -> tuple[str, Prices]:
    """Time a few rounds of a unit, after those of another; return their learner's label and prices."""
    unit, other = (task.unit for task in sample)
    load_plugins(sample[0].plugins)
    try:
        return unit.spec["label"], _prices(unit, other)
    except SimbenchError:
        raise
    except Exception as error:
        raise SimbenchError(f"{unit.sentence}: {type(error).__name__}: {error}") from None


def _prices(unit: Unit, other: Unit) -> Prices:
    begin = time.perf_counter()
    most, runs = unit.spec["rounds"], unit.spec["runs"]
    few = min(FEW, most)
    first = _timed(other, np.array([few]))
    fresh = _timed(unit, np.array([few]))
    short = _timed(unit, np.array([few])) if other.id != unit.id else fresh
    rounds, long = few, short
    while rounds < most and long < ENOUGH:
        rounds = min(rounds * MANY, most)
        long = _timed(unit, np.array([rounds]))
    base_rounds, base = few, short
    if rounds == few > 1:  # so dear that few of them take long enough: what they cost beyond a single one
        base_rounds, base = 1, _timed(unit, np.array([1]))
    marks = np.unique(np.linspace(1, few, MARKS).astype(np.int64))
    marked = _timed(unit, marks)
    per_round = max(long - base, 0.0) / ((rounds - base_rounds) * runs) if rounds > base_rounds else 0.0
    measure = max(marked - short, 0.0) / (marks.size - 1) if marks.size > 1 else 0.0
    return Prices(
        spent=time.perf_counter() - begin,
        compiling=max(first - fresh, 0.0),
        start=max(fresh - measure - few * runs * per_round, 0.0),
        measure=measure,
        play=per_round,
        memory=_peak(),
    )


def _timed(unit: Unit, checkpoints: np.ndarray) -> float:
    start = time.perf_counter()
    play(unit, checkpoints)
    return time.perf_counter() - start


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kibibytes
