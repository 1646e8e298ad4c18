"""A learner as a sentence of parts: fit loss + extra in a class, on a schedule; sample two policies.

    rhat   = argmin over r in the class of  sum over labels of loss(r[winner] - r[loser]) + extra(r) + ridge
    slot 1 = first(rhat), charged and deployed;    slot 2 = second(rhat);    before the first fit rhat = 0

Online DPO, XPO, VPO and online IPO are five words each:

    NaiveSentence(model=Tabular(ridge=1e-3), loss=Logistic(), extra=XPO(6e-4),
                  first=Self(), second=Reference(), schedule=EveryRound())
"""

import numpy as np

from tests.naive.objective import Data
from tests.naive.schedule import EveryRound


class NaiveSentence:
    def __init__(self, *, model, loss, extra, first, second, schedule):
        self.model, self.loss, self.extra = model, loss, extra
        self.first, self.second, self.schedule = first, second, schedule

    def start(self, world) -> None:
        S, A = world.log_ref.shape
        self.world = world
        self.labels = 0
        self.wins = np.zeros((S, A, A))  # wins[s, a, b] = how often a beat b at s, self-pairs a = b too
        self.rhat = np.zeros((S, A))
        self.model.start(world)
        self.extra.start(world)

    def data(self) -> Data:
        """Return all labels so far, as the fit sees them."""
        c, m = self.extra.weights()
        beta = float(self.world.beta)
        return Data(loss=self.loss, wins=self.wins, c=c, m=m, log_ref=self.world.log_ref, beta=beta)

    def act(self) -> tuple[np.ndarray, np.ndarray]:
        if self.labels < self.schedule.offline:
            return self.world.log_ref, self.world.log_ref
        return self.first.log_policy(self.world, self.rhat), self.second.log_policy(self.world, self.rhat)

    def observe(self, prompt: int, first: int, second: int, first_won: bool) -> None:
        winner, loser = (first, second) if first_won else (second, first)
        self.wins[prompt, winner, loser] += 1
        self.extra.observe(prompt, second)
        self.labels += 1
        if self.schedule.due(self.labels):
            only_here = isinstance(self.schedule, EveryRound)
            self.rhat = self.model.fit(self.data(), [prompt] if only_here else range(len(self.wins)))
