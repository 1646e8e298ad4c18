"""The Python API in one breath: simulate learners in a world, get a tidy table, plot it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simbench import engine as engines
from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners import BatchLearner, IterativeMethod, RoundLearner
from simbench.registry import configure

if TYPE_CHECKING:
    import pandas as pd


Learner = RoundLearner[Any] | BatchLearner[Any] | IterativeMethod[Any]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What runs left behind: one row per (learner, run, checkpoint), in tidy columns.

    Columns: learner, instance, run, iteration, round, labels; the cumulative regret, reward_regret and argmax_regret
    (reward units); one per measured quantity of the deployed policy, average_<quantity> of the running mean policy,
    and the learners' diagnostics.
    """

    columns: dict[str, np.ndarray]

    def to_pandas(self) -> "pd.DataFrame":
        """Return the table as a fresh DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def plot(self, column: str = "regret", ax: Any = None) -> Any:
        """Draw one column over rounds, a line and a band over runs per learner; return the matplotlib axes."""
        from simbench.show.curves import plot_trace

        return plot_trace(self.to_pandas(), column, ax)

    def __len__(self) -> int:
        return len(self.columns["round"])

    def __repr__(self) -> str:
        learners = ", ".join(dict.fromkeys(self.columns["learner"].tolist()))
        runs, labels = len(np.unique(self.columns["run"])), int(self.columns["labels"].max())
        return f"Trace({learners}; {runs} runs of {labels:,} labels; {len(self)} rows)"

    def _repr_html_(self) -> str:
        return self.to_pandas().to_html(max_rows=10)


def simulate(
    world: Bandit,
    learners: str | Learner | Sequence[str | Learner],
    *,
    rounds: int,
    runs: int = 1,
    seed: int = 0,
    instance: int = 0,
    engine: str = "auto",
    quantities: Sequence[str] | None = None,
    checkpoints_per_decade: int = 8,
) -> Trace:
    """Run learners in `world` on a shared tape and return their trace.

    `learners` are names (with default parameters) or configured learners, e.g. `OnlineDPO(second="reference")`. All
    see the same random numbers in the same run (common random numbers); `seed`, `instance` and the run index name
    the tape. A batch learner pays for `rounds` labels in a few iterations; an iterative method makes
    `rounds` steps, in one run if it draws nothing. `quantities` None means the default of the world.

    Raises `SimbenchError` for unknown names and impossible sizes.
    """
    if not isinstance(world, Bandit):
        raise SimbenchError(
            f"world is a {type(world).__name__}; simulate takes a Bandit, e.g. sb.make('random_tabular')."
        )
    sizes = {"rounds": rounds, "runs": runs, "checkpoints_per_decade": checkpoints_per_decade}
    for name, value in (sizes | {"seed": seed, "instance": instance}).items():
        least = 1 if name in sizes else 0
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SimbenchError(f"{name} is {value!r}; it must be an integer, at least {least}.")
    named = (
        [learners]
        if isinstance(learners, str | RoundLearner | BatchLearner | IterativeMethod)
        else list(learners)
    )
    if not named:
        raise SimbenchError("learners is empty; name at least one, e.g. ['online_dpo'].")
    built = [configure("learner", item, {}, "simulate") if isinstance(item, str) else item for item in named]
    marks = engines.log_checkpoints(rounds, checkpoints_per_decade)
    parts: list[dict[str, np.ndarray]] = []
    for label, learner in zip(labels_of(named), built, strict=True):
        several = engines.runs_of(learner, runs)
        for first in range(0, several, engines.BLOCK):
            table = engines.run_block(
                world,
                learner,
                rounds=rounds,
                runs=range(first, min(first + engines.BLOCK, several)),
                seed=seed,
                instance=instance,
                engine=engine,
                checkpoints=marks,
                quantities=quantities,
            )
            rows = len(table["round"])
            parts.append({"learner": np.full(rows, label), "instance": np.full(rows, instance), **table})
    return Trace(columns=_stacked(parts))


def labels_of(learners: Iterable[str | Learner]) -> list[str]:
    """Return distinct labels: the name, or the configured learner's text; repeats are numbered."""
    seen: dict[str, int] = {}
    labels = []
    for item in learners:
        text = item if isinstance(item, str) else repr(item)
        seen[text] = seen.get(text, 0) + 1
        labels.append(text if seen[text] == 1 else f"{text} #{seen[text]}")
    return labels


def _stacked(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    # Learners declare different diagnostics: a missing one is NaN, not zero.
    names = list(dict.fromkeys(name for part in parts for name in part))
    return {
        name: np.concatenate([part.get(name, np.full(len(part["round"]), np.nan)) for part in parts])
        for name in names
    }
