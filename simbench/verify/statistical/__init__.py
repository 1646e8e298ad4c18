"""Claims about runs: bounds that hold with high probability, rates, and orders of learners.

    Probable   P(measured <= theory) >= 1 - delta      exact binomial test, at least 300 runs
    Rate       at_least <= exponent <= at_most         bootstrap of whole runs, at least 50
    Level      at_least <= mean <= at_most              the same bootstrap, of a mean or of the share gained late
    Order      E y(smaller) <= E y(larger) - margin    sign flips of paired runs, at least 25 pairs

How one is written is told in `protocol.py`; what its verdict means, in `verdicts.py`. The runs come from
`simbench.study.judge`, which plays the studies that claims name, once for all of them.
"""

from simbench.verify.statistical.level import Level
from simbench.verify.statistical.order import Order
from simbench.verify.statistical.probable import Probable
from simbench.verify.statistical.protocol import ALPHA, Altered, Statistical, examine
from simbench.verify.statistical.rate import Rate
from simbench.verify.statistical.trial import Trial
from simbench.verify.statistical.verdicts import Case, verdicts

__all__ = [
    "ALPHA",
    "Altered",
    "Case",
    "Level",
    "Order",
    "Probable",
    "Rate",
    "Statistical",
    "Trial",
    "examine",
    "verdicts",
]
