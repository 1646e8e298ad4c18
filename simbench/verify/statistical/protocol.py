"""Claims about runs: what they read, and what their controls alter.

    @claim("greedy_learns", source="me, Theorem 2")
    class GreedyLearns(Order):
        '''E R_T(greedy, self) <= E R_T(reference)/10.'''

        study = "greedy_regret"
        smaller, larger, factor = "greedy, self", "reference", 0.1
        controls = (Altered("a thousandth", factor=1e-3),)

A claim never fetches data. It names a study (an experiment file), whose stored results it is handed as a tidy table:
one row per (setting, instance, run, learner, checkpoint). `where` narrows the study by grid keys. The numbers that
`constants(world)` returns are columns of the table too, so a bound may speak of R, beta or log |class|. A claim about
something that no study plays defines `simulate(self, preset, seed)` instead, which returns such a table (columns
`instance`, `run`, `round`, and its own; `learner` and `setting` if it has several).

Runs, (instance, run), have tapes of their own; checkpoints of a run and settings of a study have not. Whether the unit
of evidence is the run or the world is the claim's `population` (`population.py`). A claim speaks of every setting of
its (narrowed) study.
"""

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.verify.protocol import Claim
from simbench.verify.statistical.population import POPULATIONS
from simbench.verify.statistical.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

ALPHA = 0.01  # of a family: the statistical claims judged together
KEYS = ("instance", "run", "round")


class Altered:
    """A false variant of a statistical claim: the same test with some of its attributes altered; it MUST be refuted.

    Args:
        name: what is altered, in a few words.
        changes: attributes of the claim and their false values: a constant, a limit, a margin, the label of a mutated
            learner, `where`, or a method, given as a function of the rows alone.
    """

    def __init__(self, name: str, **changes: Any) -> None:
        if not changes:
            raise SimbenchError(f"control '{name}' changes nothing; name an attribute of the claim to alter.")
        self.name, self.changes = name, changes

    def __repr__(self) -> str:
        altered = ", ".join(f"{key}={value!r}" for key, value in self.changes.items())
        return f"Altered({self.name!r}, {altered})"


class Statistical(Claim):
    """A claim about runs, tested on a table of them.

    Attributes:
        study: the experiment whose results it reads; None for a claim that simulates.
        where: grid key to the value, or the list of values, that it speaks of.
        population: "family", expectations are over worlds and runs; or "worlds", over runs in the worlds of the study.
        least: how few runs (or pairs) are never called evidence.
    """

    study: str | None = None
    where: Mapping[str, Any] = {}
    population: str = "family"
    controls: tuple[Altered, ...] = ()
    least: ClassVar[int] = 2
    simulate: Callable[..., "pd.DataFrame"] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The learners it speaks of; none means the only one that there is."""
        return ()

    def test(self, rows: Mapping[str, "pd.DataFrame"], purpose: str) -> Trial:
        """Test the claim on the rows of one setting, by learner; `purpose` names the test's own randomness."""
        raise SimbenchError(
            f"claim '{self.name}' derives from Statistical; derive from Probable, Rate, Level or Order."
        )

    def axes(self, table: "pd.DataFrame") -> list[str]:
        """Return the columns that tell settings apart: the grid's keys, which have a dot in them."""
        return [key for key in table.columns if "." in key] or ["setting"]

    def altered(self, control: Altered) -> "Statistical":
        """Return this claim with the control's attributes in place of its own."""
        variant = copy.copy(self)
        for key, value in control.changes.items():
            if not hasattr(self, key):
                known = [name for name in dir(self) if not name.startswith("_")]
                raise UnknownNameError(
                    f"claim '{self.name}', control '{control.name}': the claim has no attribute '{key}'. "
                    f"{nearest(key, known)}"
                )
            setattr(variant, key, value)
        return variant

    @classmethod
    def require_complete(cls, where: str) -> None:
        """Raise `SimbenchError` unless there is one source of runs and all controls are variants of the claim."""
        if (cls.study is None) == (cls.simulate is None):
            raise SimbenchError(
                f'{where} needs one source of runs: either study = "NAME" or simulate(self, preset, seed).'
            )
        if cls.population not in POPULATIONS:
            raise SimbenchError(
                f"{where} has population = '{cls.population}'; it must be one of {', '.join(POPULATIONS)}."
            )
        for control in cls.controls:
            if not isinstance(control, Altered):
                raise SimbenchError(
                    f"{where}: control {control!r} is none of a claim about runs; write Altered(name, attribute=value)."
                )

    def described(self) -> list[tuple[str, str]]:
        """Return the study and what it is narrowed to."""
        source = self.study or f"simulated by {type(self).simulate.__module__}"
        over = "the family of worlds" if self.population == "family" else "the worlds of the study"
        told = [("study", source), ("population", over)]
        if self.where:
            told.append(("where", ", ".join(f"{key} = {value}" for key, value in self.where.items())))
        return told

    def numbers(self, method: str, rows: "pd.DataFrame") -> np.ndarray:
        """Return what a method of the claim says of `rows`, one number per row.

        Raises `SimbenchError` when it fails or returns another number of values.
        """
        where = f"claim '{self.name}': {method}(rows)"
        try:
            values = np.asarray(getattr(self, method)(rows))
        except SimbenchError as error:
            raise SimbenchError(f"{where}: {error}") from error
        except KeyError as error:
            known = ", ".join(map(str, rows.columns))
            raise SimbenchError(f"{where} asks for the column {error}; the table has {known}.") from error
        except Exception as error:
            reason = str(error).partition("\n")[0]
            raise SimbenchError(f"{where} failed: {type(error).__name__}: {reason}") from error
        if values.shape not in ((), (len(rows),)):
            raise SimbenchError(
                f"{where} returns shape {values.shape}; it must return one number per row ({len(rows)})."
            )
        return np.broadcast_to(values, (len(rows),))


def examine(claim: Statistical, table: "pd.DataFrame", purpose: str) -> Trial:
    """Test `claim` in every setting of `table` that it speaks of; the worst one decides.

    Raises:
        UnknownNameError: `where` or a label names what the table does not have.
        SimbenchError: the table lacks a key column, or a method of the claim fails.
    """
    table = _with_keys(claim, table)
    for key, wanted in claim.where.items():
        table = _narrowed(claim, table, key, wanted)
    axes = claim.axes(table)
    if not axes:
        return claim.test(_by_learner(claim, table), purpose)
    trials = {}
    for values, group in table.groupby(axes, sort=False):
        name = ", ".join(f"{axis}={value}" for axis, value in zip(axes, values, strict=True))
        trials[name] = claim.test(_by_learner(claim, group), f"{purpose}/{name}")
    return Trial.worst(trials)


def only(rows: Mapping[str, "pd.DataFrame"]) -> tuple[str, "pd.DataFrame"]:
    """Return the one learner of a claim that speaks of one."""
    ((label, one),) = rows.items()
    return label, one


def _with_keys(claim: Statistical, table: "pd.DataFrame") -> "pd.DataFrame":
    for key in KEYS:
        if key not in table.columns:
            raise SimbenchError(f"claim '{claim.name}': the table of runs has no column '{key}'.")
    missing = {
        key: default for key, default in (("setting", "base"), ("learner", "")) if key not in table.columns
    }
    return table.assign(**missing).sort_values(["learner", *KEYS], kind="stable")


def _narrowed(claim: Statistical, table: "pd.DataFrame", key: str, wanted: Any) -> "pd.DataFrame":
    if key not in table.columns:
        raise UnknownNameError(
            f"claim '{claim.name}': where names '{key}'. {nearest(key, claim.axes(table))}"
        )
    allowed = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    kept = table[table[key].isin(allowed)]
    if kept.empty:
        has = ", ".join(map(str, table[key].unique()))
        raise SimbenchError(
            f"claim '{claim.name}': no runs have {key} = {wanted}; there are runs with {has}."
        )
    return kept


def _by_learner(claim: Statistical, group: "pd.DataFrame") -> dict[str, "pd.DataFrame"]:
    present = list(group["learner"].unique())
    labels = claim.labels or tuple(present)
    if not claim.labels and len(present) > 1:
        raise SimbenchError(
            f"claim '{claim.name}' does not say which learner it speaks of; the table has {', '.join(present)}."
        )
    for label in labels:
        if label not in present:
            raise UnknownNameError(
                f"claim '{claim.name}': no learner is labelled '{label}'. {nearest(label, present)}"
            )
    return {label: group[group["learner"] == label] for label in labels}
