"""Learners: one file per published algorithm, and the parts they are made of.

Modules of this package are imported when a learner is first looked up; a file dropped here is a learner known.
"""

from simbench.learners.batch_protocol import BatchLearner
from simbench.learners.collecting_protocol import CollectingLearner
from simbench.learners.fit import fit_tabular
from simbench.learners.protocol import Comparison, Kernel, RoundLearner

__all__ = ["BatchLearner", "CollectingLearner", "Comparison", "Kernel", "RoundLearner", "fit_tabular"]
