"""Simbench: a laboratory for the theory of preference learning.

    import simbench as sb

    world = sb.make("random_tabular", beta=0.5, instance=0)
    trace = sb.simulate(world, ["online_dpo", "reference"], rounds=10_000, runs=64)
    trace.to_pandas()
    trace.plot("regret")

Names below are imported on first use, so that `import simbench` and `simbench --help` stay quick, and nothing of
the user's own JAX configuration changes.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Altered": "simbench.verify",
    "Bandit": "simbench.bandit",
    "BatchLearner": "simbench.learners",
    "CollectingLearner": "simbench.learners",
    "Comparison": "simbench.learners",
    "Control": "simbench.verify",
    "Count": "simbench.registry",
    "Exists": "simbench.verify",
    "Finite": "simbench.registry",
    "Identity": "simbench.verify",
    "Instance": "simbench.verify",
    "IterativeMethod": "simbench.learners",
    "Level": "simbench.verify",
    "Lower": "simbench.verify",
    "NonNegative": "simbench.registry",
    "Order": "simbench.verify",
    "Parts": "simbench.learners.sentence",
    "Positive": "simbench.registry",
    "Probable": "simbench.verify",
    "Rate": "simbench.verify",
    "RoundLearner": "simbench.learners",
    "Sentence": "simbench.learners.sentence",
    "SimbenchError": "simbench.errors",
    "TabularFit": "simbench.learners",
    "Trace": "simbench.api",
    "UnidentifiedWarning": "simbench.learners",
    "Upper": "simbench.verify",
    "claim": "simbench.verify",
    "domains": "simbench.verify",
    "family": "simbench.verify",
    "fit_tabular": "simbench.learners",
    "float64": "simbench.precision",
    "hunt": "simbench.verify",
    "judge": "simbench.study.judge",
    "load_plugin": "simbench.registry",
    "make": "simbench.worlds",
    "measure": "simbench.quantities",
    "parameters": "simbench.registry",
    "register": "simbench.registry",
    "simulate": "simbench.api",
    "traced_world": "simbench.verify",
}
_MODULES = ("quantities", "tape", "worlds", "learners", "engine", "verify", "theory", "study", "show")

__all__ = [*sorted(_HOME), "__version__", *_MODULES]

if TYPE_CHECKING:
    # ruff: noqa: F401 - names for type checkers and editors; at run time __getattr__ serves them
    from simbench.api import Trace, simulate
    from simbench.bandit import Bandit
    from simbench.errors import SimbenchError
    from simbench.learners import (
        BatchLearner,
        CollectingLearner,
        Comparison,
        IterativeMethod,
        RoundLearner,
        TabularFit,
        UnidentifiedWarning,
        fit_tabular,
    )
    from simbench.learners.sentence import Parts, Sentence
    from simbench.precision import float64
    from simbench.quantities import measure
    from simbench.registry import Count, Finite, NonNegative, Positive, load_plugin, parameters, register
    from simbench.study.judge import judge
    from simbench.verify import (
        Altered,
        Control,
        Exists,
        Identity,
        Instance,
        Level,
        Lower,
        Order,
        Probable,
        Rate,
        Upper,
        claim,
        domains,
        family,
        hunt,
        traced_world,
    )
    from simbench.worlds import make


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"simbench.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'simbench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
