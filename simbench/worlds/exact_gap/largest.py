"""The largest gap that exists in a world at all, with a reward that has it.

Prompts separate, and on each the largest gap over [0, R]^A is at a vertex {0, R}^A. A vertex, given by the set B of
responses that it pays, enters through two sums only, x = ref(B) and y = sum_B ref r*; with e = e^{-R/beta} and
Z = x + (1 - x) e,

    gap = beta log Z* - R + (R x - y - e (E_ref r* - y)) / Z - beta log Z

Up to 14 supported responses the 2^A sums are enumerated, by doubling: the answer is exact. Beyond, single flips
from the best thresholds in r* climb to a lower value, which is attained. An upper value comes with it: the gap falls in
y, so among sets that contain a response whole and else only better ones, nothing of the same x beats filling up in
the order of r*, the last response in part (a fractional knapsack); on each segment of that order the gap is
a + b/Z - beta log Z, largest where Z = -b/beta or at an end.

Source: `simbench`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simbench.bandit import Bandit
from simbench.quantities.values.largest_gap import MOST_RESPONSES
from simbench.worlds.exact_gap.path import value_gap

STARTS = 16  # thresholds from which flips climb


@dataclass(frozen=True, kw_only=True, eq=False)
class LargestGap:
    """The largest value gap of rewards in [0, R]: at least `lower`, attained by `reward`, and at most `upper`.

    Args:
        lower: reward units; equal to `upper` when it is exact.
        upper: reward units.
        reward: `[S, A]` a reward whose gap is `lower`.
    """

    lower: float
    upper: float
    reward: np.ndarray


def largest_gap(world: Bandit) -> LargestGap:
    """Return the largest value gap over the rewards in [0, R]; exact up to 14 supported responses a prompt."""
    rows = [_Row.of(world, s) for s in range(world.prompts)]
    reward = np.array(world.reward)
    exact = True
    upper = 0.0
    for s, row in enumerate(rows):
        paid, exact_row = row.best_set()
        supported = np.isfinite(world.log_ref[s])
        reward[s, supported] = np.where(paid, float(world.reward_bound), 0.0)
        exact &= exact_row or world.rho[s] == 0
        upper += float(world.rho[s]) * (row.gap_of(paid) if exact_row else row.upper())
    lower = value_gap(world, reward)
    return LargestGap(lower=lower, upper=lower if exact else max(upper, lower), reward=reward)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Row:
    """One prompt, its supported responses only."""

    ref: np.ndarray
    true: np.ndarray
    bound: float
    beta: float

    @classmethod
    def of(cls, world: Bandit, prompt: int) -> "_Row":
        supported = np.isfinite(world.log_ref[prompt])
        return cls(
            ref=np.exp(world.log_ref[prompt][supported]),
            true=world.reward[prompt][supported],
            bound=float(world.reward_bound),
            beta=float(world.beta),
        )

    @property
    def rest(self) -> float:
        return math.exp(-self.bound / self.beta)

    @property
    def constant(self) -> float:
        shift = self.true.max()
        return float(
            shift + self.beta * math.log(self.ref @ np.exp((self.true - shift) / self.beta)) - self.bound
        )

    def gap(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the gap of sets with sums x and y; -inf for sets without mass, which float64 cannot tell apart."""
        z = x + np.maximum(1.0 - x, 0.0) * self.rest
        paid = self.bound * x - y - self.rest * (self.ref @ self.true - y)
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = self.constant + paid / z - self.beta * np.log(z)
        return np.where(z > 0, gap, -np.inf)

    def gap_of(self, paid: np.ndarray) -> float:
        return float(self.gap(self.ref @ paid, (self.ref * self.true) @ paid))

    def best_set(self) -> tuple[np.ndarray, bool]:
        """Return the set of largest gap as a mask `[A]`, and whether it is certain to be the best."""
        if self.ref.size <= MOST_RESPONSES:
            x, y = _subset_sums(self.ref), _subset_sums(self.ref * self.true)
            best = (
                int(np.argmax(self.gap(x, y)[1:])) + 1
            )  # the empty set pays nobody, as the full one does everybody
            return (best >> np.arange(self.ref.size)) & 1 == 1, True
        climbed = [self._climb(start) for start in self._starts()]
        return max(climbed, key=self.gap_of), False

    def _starts(self) -> Iterable[np.ndarray]:
        order = np.argsort(self.true, kind="stable")
        ranks = np.argsort(order)
        gaps = self.gap(np.cumsum(self.ref[order]), np.cumsum((self.ref * self.true)[order]))
        best = np.argsort(-gaps, kind="stable")[:STARTS]
        return [ranks <= last for last in best]

    def _climb(self, paid: np.ndarray) -> np.ndarray:
        """Flip the response that gains most until none gains."""
        each = np.eye(paid.size, dtype=bool)
        while True:
            flipped = paid ^ each
            gaps = np.where(
                flipped.any(-1), self.gap(flipped @ self.ref, flipped @ (self.ref * self.true)), -np.inf
            )
            best = int(gaps.argmax())
            if not self.gap_of(flipped[best]) > self.gap_of(paid):
                return paid
            paid = flipped[best]

    def upper(self) -> float:
        """Return an upper bound: the largest gap of fractional sets whose first response is whole."""
        order = np.argsort(self.true, kind="stable")
        ref, true = self.ref[order], self.true[order]
        return max(self._upper_from(ref[first:], true[first:]) for first in range(ref.size))

    def _upper_from(self, ref: np.ndarray, true: np.ndarray) -> float:
        e, tiny = self.rest, np.finfo(float).tiny
        x, y = np.cumsum(ref), np.cumsum(ref * true)
        whole = self.gap(x, y)
        if ref.size == 1:
            return float(whole[0])
        z = np.maximum(x + np.maximum(1.0 - x, 0.0) * e, tiny)
        slope = self.bound - true[1:] * (1 - e)
        level = -(1 - e) * (y[:-1] - true[1:] * x[:-1]) - e * (self.ref @ self.true)
        b = level - slope * e / (1 - e)
        at = np.clip(-b / self.beta, z[:-1], z[1:])
        inside = self.constant + slope / (1 - e) + b / at - self.beta * np.log(at)
        return float(max(whole.max(), inside.max()))


def _subset_sums(terms: np.ndarray) -> np.ndarray:
    """Return the 2^A sums over subsets; bit a of the index says whether term a is in."""
    sums = np.zeros(1)
    for term in terms:
        sums = np.concatenate([sums, sums + term])
    return sums
