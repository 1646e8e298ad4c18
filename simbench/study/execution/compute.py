"""One unit of work: rebuild world and learner from plain values, play the block, return the bytes of its file.

A worker is handed numbers and names only, and hands bytes back; the process that runs the study is the only one that
writes. So workers need no shared disk, and a crash of one cannot harm a result.
"""

import dataclasses
import time
from typing import Any

import jax
import numpy as np

from simbench.bandit import Bandit
from simbench.engine import log_checkpoints, run_block
from simbench.errors import SimbenchError
from simbench.registry import configure
from simbench.study.execution.plugins import load_plugins
from simbench.study.fault import fault
from simbench.study.kept import KeptWorlds
from simbench.study.plan import Unit
from simbench.study.provenance import digest, package_versions
from simbench.study.sources import sources_of
from simbench.study.unit_file import encode
from simbench.worlds import environment_from_table

_drawn = KeptWorlds()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """What a worker is handed: a unit, and the absolute paths of the user's Python files."""

    unit: Unit
    plugins: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a unit: the bytes of its file, or a sentence about what went wrong; and the seconds it took."""

    unit: Unit
    content: bytes | None
    problem: str
    seconds: float


def compute(task: Task) -> Outcome:
    """Compute a unit; a failure comes back as a sentence that names the unit and the cause, never as an exception."""
    start = time.perf_counter()
    unit = task.unit
    content, problem = None, ""
    try:
        load_plugins(task.plugins)
        _require_same_sources(unit)
        content = encode(unit, simulate(unit))
    except SimbenchError as error:
        problem = f"{unit.sentence}: {error}"
    except Exception as error:
        problem = f"{unit.sentence}: {fault(error)}"
    return Outcome(unit=unit, content=content, problem=problem, seconds=time.perf_counter() - start)


def simulate(unit: Unit) -> dict[str, Any]:
    """Return the columns of a unit as the engine makes them."""
    spec = unit.spec
    return play(unit, log_checkpoints(spec["rounds"], spec["checkpoints_per_decade"]))


def play(unit: Unit, checkpoints: np.ndarray) -> dict[str, Any]:
    """Return the columns of a unit whose runs end at the last of `checkpoints`."""
    spec = unit.spec
    with jax.default_device(jax.devices(spec["device"])[0]):
        return run_block(
            _world_of(unit),
            _learner(unit),
            rounds=int(checkpoints[-1]),
            runs=range(spec["first_run"], spec["first_run"] + spec["runs"]),
            seed=spec["seed"],
            instance=spec["instance"],
            engine=spec["engine"],
            checkpoints=checkpoints,
            quantities=tuple(spec["quantities"]),
            block=spec["block"],
        )


def _learner(unit: Unit) -> Any:
    spec = unit.spec
    return configure("learner", spec["learner"], unit.given["learner"], f"learner '{spec['label']}'")


def _world_of(unit: Unit) -> Bandit:
    """Return the unit's world, drawn anew unless this process drew it lately, for another learner."""
    spec = unit.spec
    name = digest({key: spec[key] for key in ("world", "plugins", "seed", "instance")})
    return _drawn.get(
        name,
        lambda: environment_from_table(
            unit.given["environment"], f"environment '{spec['environment']}'"
        ).draw(seed=spec["seed"], instance=spec["instance"]),
    )


def _require_same_sources(unit: Unit) -> None:
    # A unit is named by what computes it: a cluster's worker, or an edit while a study runs, must not belie the name.
    family = environment_from_table(unit.given["environment"], "environment").build()
    sources = sources_of(family, _learner(unit), quantities=unit.spec["quantities"])
    here = {"sources": sources.simbench, "plugins": sources.plugins, "packages": package_versions()}
    for name, value in here.items():
        if value != unit.spec[name]:
            raise SimbenchError(
                f"the worker's {name} are {value}, the study was planned with {unit.spec[name]}."
            )
