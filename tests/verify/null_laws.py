"""Laws of mean zero, and worlds with runs, on which the sizes of tests about runs are measured."""

import numpy as np

from simbench.verify.statistical import Level, examine
from tests.verify.run_tables import table

LAWS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "exponential": lambda rng, shape: rng.exponential(1.0, shape) - 1.0,
    "lognormal": lambda rng, shape: rng.lognormal(0.0, 1.0, shape) - np.exp(0.5),
    "one in twenty": lambda rng, shape: np.where(rng.random(shape) < 0.05, 19.0, -1.0),
}
SPREADS = {
    "normal": 1.0,
    "exponential": 1.0,
    "lognormal": np.sqrt((np.e - 1.0) * np.e),
    "one in twenty": 19.0**0.5,
}
CLUSTERS = [(8, 16), (16, 32), (4, 64)]


def clustered(rng, tests, worlds, runs, spread, law="normal"):
    """Return `[tests, worlds, runs]` of mean zero; a world's mean spreads `spread` times as far as a run in it."""
    between = LAWS[law](rng, (tests, worlds, 1)) / SPREADS[law]
    return spread * between + rng.standard_normal((tests, worlds, runs))


class Null(Level):
    """The mean is at least zero, in the family."""

    name = "null"
    study = "none"
    at_least = 0.0


def refused(claim, differences):
    """Whether values of single-run worlds, or of one world, are too few for the claim."""
    variant = type(claim)()
    variant.population = "worlds"
    return "at least 100" in (examine(variant, table(differences[:, None]), "test").problem or "")
