"""Edits of a copy of the package, one of each layer, and whose numbers each may change.

`EDITS` is read twice: tests/test_freshness.py compares names, tests/long/test_freshness_of_numbers.py computes.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import simbench

LEARNERS = ("online_dpo", "xpo", "reference", "offline_mle")
ALL = frozenset(LEARNERS)
OFFLINE = frozenset({"offline_mle"})
FITTED = frozenset({"online_dpo", "xpo", "offline_mle"})  # by the function classes and their kernels
NONE = frozenset[str]()


@dataclass(frozen=True)
class Edit:
    """One line of one file changed, or a new file, and the learners whose results it makes stale."""

    file: str
    old: str
    new: str
    stale: frozenset[str]

    def apply(self, package: Path) -> None:
        file = package / self.file
        if not self.old:
            file.write_text(self.new)
            return
        text = file.read_text()
        assert self.old in text, self.file
        file.write_text(text.replace(self.old, self.new, 1))


NEW_LEARNER = """
from simbench.learners.online.xpo import XPO
from simbench.registry import parameters, register


@register("learner", "another")
@parameters
class Another(XPO):
    alpha: float = 1.0
"""
NEW_FAMILY = NEW_LEARNER.replace("learners.online.xpo import XPO", "worlds.families.two_arms import TwoArms").replace(
    '"learner"', '"family"'
).replace("(XPO)", "(TwoArms)").replace("alpha", "other")  # fmt: skip

EDITS = {
    # of a layer that some or all of the learners need
    "learner": Edit(
        "learners/online/xpo.py", "alpha=self.alpha", "alpha=self.alpha + 0.5", frozenset({"xpo"})
    ),
    "part": Edit("learners/parts/bonuses.py", "return self.alpha /", "return 2 * self.alpha /", FITTED),
    "kernel": Edit(
        "learners/kernels/slots.py", "policy[a] /= total\n", "policy[a] /= total + 1e-3\n", FITTED
    ),
    "fitting": Edit("learners/fitting/bradley_terry.py", "TOLERANCE = 1e-12", "TOLERANCE = 1e-2", FITTED),
    "batch learner": Edit(
        "learners/offline/offline_mle.py", "return log_ref, log_ref", "return log_ref, log_ref[::-1]", OFFLINE
    ),
    "engine": Edit("engine/ledger.py", "regret=np.zeros(3)", "regret=np.full(3, 0.125)", ALL),
    "quantity": Edit(
        "quantities/values/value.py", "log_optimal(bandit)))", "log_optimal(bandit))) + 1e-3", ALL
    ),
    "quantity of mean policies": Edit(  # measured whether it is asked for or not
        "quantities/coverages/coverage.py",
        "return 1.0 + coverage_excess(",
        "return 1.5 + coverage_excess(",
        ALL,
    ),
    "family": Edit("worlds/families/random_tabular.py", "cells, 0.0, self", "cells, 0.5, self", ALL),
    "tape": Edit("tape/uniforms.py", "_UNIT = 1.0 /", "_UNIT = 0.5 /", ALL),
    # of what none of them needs
    "another learner": Edit("learners/online/vpo.py", "alpha=self.alpha", "alpha=self.alpha + 0.5", NONE),
    "another quantity": Edit(
        "quantities/preferences/exploitability.py",
        "return bandit.beta * kl(",
        "return 2 * bandit.beta * kl(",
        NONE,
    ),
    "another family": Edit("worlds/families/needle.py", "beta=self.beta,", "beta=2 * self.beta,", NONE),
    "a claim": Edit("theory/foundations/kappa.py", "\nimport", "\nEDITED = 1\nimport", NONE),
    "a new learner": Edit("learners/online/another.py", "", NEW_LEARNER, NONE),
    "a new family": Edit("worlds/families/another.py", "", NEW_FAMILY, NONE),
    "a new claim": Edit("theory/rates/another.py", "", "VALUE = 1", NONE),
    "a comment": Edit("learners/parts/tabular.py", "\nfrom ", "\n# an edit\nfrom ", NONE),
}


def copied_package(folder: Path) -> Path:
    """Return a copy of the package below `folder`, as it would be imported from there."""
    source = Path(simbench.__file__).parent
    return Path(shutil.copytree(source, folder / "simbench", ignore=shutil.ignore_patterns("__pycache__")))
