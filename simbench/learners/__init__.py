"""Learners: one file per published algorithm, and the parts they are made of.

Modules of this package are imported when a learner is first looked up; a file dropped here is a learner known.
"""

from simbench.learners.fit import TabularFit, UnidentifiedWarning, fit_tabular
from simbench.learners.protocols.batch import BatchLearner
from simbench.learners.protocols.collecting import CollectingLearner
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.learners.protocols.round import Comparison, Kernel, RoundLearner

__all__ = [
    "BatchLearner",
    "CollectingLearner",
    "Comparison",
    "IterativeMethod",
    "Kernel",
    "RoundLearner",
    "TabularFit",
    "UnidentifiedWarning",
    "fit_tabular",
]
