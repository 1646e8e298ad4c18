"""Rewards whose optimal policy has a prescribed value gap: walk from r* in a direction until the gap is reached.

    g(t) = J(pi*) - J(G(r* + t u)),     g'(t) = (t/beta) E_rho Var_{G(r* + t u)} u >= 0,     g(0) = 0

The gap grows along every direction u that is not constant on each prompt, so one root finder meets any target up
to where the path leaves the rewards of span R. Directions differ in which mass they move: rewards of ONE gap
differ in coverage, and that is what separates value from coverage.

Source: `simbench`; the slope is the second-order identity behind [zhao2024, Lemma 3.9].
"""

from simbench.worlds.exact_gap.directions import DIRECTIONS, extreme_path, path
from simbench.worlds.exact_gap.largest import LargestGap, largest_gap
from simbench.worlds.exact_gap.linear import linear_path
from simbench.worlds.exact_gap.path import Path, into_box, reward_of_gap, tabular_path, value_gap

__all__ = [
    "DIRECTIONS",
    "LargestGap",
    "Path",
    "extreme_path",
    "into_box",
    "largest_gap",
    "linear_path",
    "path",
    "reward_of_gap",
    "tabular_path",
    "value_gap",
]
