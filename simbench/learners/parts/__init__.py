"""The parts that learners are made of (see ../sentence.py), to be composed, or derived from for a part of your own.

function classes   Tabular(ridge), Box(ridge), Linear(ridge, radius), Finite()
losses             Logistic(), Squared()
bonuses            NoBonus(), ReferenceDraws(alpha), Calibrated(alpha, weight), Pessimism(eta)
samplers           Own(), Reference(), Uniform(), Source(w), Fixed(p), Temperature(x), Mixture(w, p, q),
                   BestOf(n, p), WorstOf(n, p)
schedules          EveryRound(), Every(m), Geometric(g), OfflineFirst(n, then)
"""

from simbench.learners.parts.bonuses import Bonus, Calibrated, NoBonus, Pessimism, ReferenceDraws
from simbench.learners.parts.box import Box
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.function_class import CountingClass, Counts, FunctionClass, Objective
from simbench.learners.parts.linear import Linear
from simbench.learners.parts.losses import Logistic, Loss, Squared
from simbench.learners.parts.samplers import (
    BestOf,
    Fixed,
    Mixture,
    Own,
    Reference,
    Sampler,
    Source,
    Temperature,
    Uniform,
    WorstOf,
)
from simbench.learners.parts.schedules import Every, EveryRound, Geometric, OfflineFirst, Schedule
from simbench.learners.parts.tabular import Tabular

__all__ = [
    "BestOf",
    "Bonus",
    "Box",
    "Calibrated",
    "CountingClass",
    "Counts",
    "Every",
    "EveryRound",
    "Finite",
    "Fixed",
    "FunctionClass",
    "Geometric",
    "Linear",
    "Logistic",
    "Loss",
    "Mixture",
    "NoBonus",
    "Objective",
    "OfflineFirst",
    "Own",
    "Pessimism",
    "Reference",
    "ReferenceDraws",
    "Sampler",
    "Schedule",
    "Source",
    "Squared",
    "Tabular",
    "Temperature",
    "Uniform",
    "WorstOf",
]
