"""What statements range over: maps from the unit cube to instances, composed from worlds and named parts."""

from simbench.verify.domains.compose import Family, Instances, family
from simbench.verify.domains.cube import Domain, deep_logits, log_between, log_normalise
from simbench.verify.domains.parts import Free, Gibbs, Mixture, Optimal, Part, Reference, Reward, Scalar
from simbench.verify.domains.worlds import Worlds

__all__ = [
    "Domain",
    "Family",
    "Free",
    "Gibbs",
    "Instances",
    "Mixture",
    "Optimal",
    "Part",
    "Reference",
    "Reward",
    "Scalar",
    "Worlds",
    "deep_logits",
    "family",
    "log_between",
    "log_normalise",
]
