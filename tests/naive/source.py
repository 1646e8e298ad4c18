"""Constant policies made of the world's source rewards: one, the best, the worst, and all of them at once.

one           G(sources[w]) of a given w
best, worst   G(sources[w]) of smallest, largest value gap; the first w within 1e-9
uniform       (1/W) sum_w G(sources[w]), prompt by prompt
"""

import numpy as np

from tests.naive.constant import NaiveReference
from tests.naive.world import TIE, gibbs, value_gap


class NaiveBestSource(NaiveReference):
    def start(self, world) -> None:
        if world.sources is None:
            raise ValueError("the world has no sources.")
        policies = [gibbs(world, source) for source in world.sources]
        self.log_policy = self.choose(policies, [value_gap(world, policy) for policy in policies])

    def choose(self, policies: list[np.ndarray], gaps: list[float]) -> np.ndarray:
        return next(policy for policy, gap in zip(policies, gaps, strict=True) if gap <= min(gaps) + TIE)


class NaiveWorstSource(NaiveBestSource):
    def choose(self, policies: list[np.ndarray], gaps: list[float]) -> np.ndarray:
        return next(policy for policy, gap in zip(policies, gaps, strict=True) if gap >= max(gaps) - TIE)


class NaiveOneSource(NaiveBestSource):
    def __init__(self, index: int) -> None:
        self.index = index

    def choose(self, policies: list[np.ndarray], gaps: list[float]) -> np.ndarray:
        return policies[self.index]


class NaiveUniformSource(NaiveBestSource):
    def choose(self, policies: list[np.ndarray], gaps: list[float]) -> np.ndarray:
        with np.errstate(divide="ignore"):  # log 0 = -inf outside the support of ref
            return np.log(np.mean(np.exp(policies), axis=0))
