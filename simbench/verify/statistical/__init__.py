"""Claims about runs: bounds that hold with high probability, rates, and orders of learners.

    Probable   P(measured <= theory) >= 1 - delta      exact binomial test, at least 300 runs
    Rate       at_least <= exponent <= at_most         bootstrap of runs or worlds, at least 100 runs
    Level      at_least <= mean <= at_most              a test of the mean; the share gained late, as a rate
    Order      E y(smaller) <= E y(larger) - margin    a test of the mean of paired differences, at least 100 pairs

Each is about the family of worlds, of which it needs at least 16, or about the worlds of its study (`population.py`).

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
