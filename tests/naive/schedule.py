"""When a fit is refreshed: `due(labels)` after the label that makes it `labels` = t + 1 in all.

EveryRound()             always; only the prompt of the label is refitted where fits are per prompt
Every(m)                 when m divides t + 1
Geometric(g)             when t + 1 is one of ceil(g^0), ceil(g^1), ceil(g^2), ...
OfflineFirst(n, then)    not before t + 1 = n, then what `then` says of t + 1 - n (so with Geometric the
                         first fit comes after label n + 1); in rounds t < n both slots sample ref
"""

import math


class EveryRound:
    offline = 0

    def due(self, labels: int) -> bool:
        return True


class Every:
    offline = 0

    def __init__(self, rounds: int):
        self.rounds = rounds

    def due(self, labels: int) -> bool:
        return labels % self.rounds == 0


class Geometric:
    offline = 0

    def __init__(self, growth: float):
        if not growth > 1:
            raise ValueError(f"growth is {growth}; it must be above 1.")
        self.growth = growth

    def due(self, labels: int) -> bool:
        power = 0
        while math.ceil(self.growth**power) < labels:
            power += 1
        return math.ceil(self.growth**power) == labels


class OfflineFirst:
    def __init__(self, rounds: int, then):
        self.offline, self.then = rounds, then

    def due(self, labels: int) -> bool:
        return labels >= self.offline and self.then.due(labels - self.offline)
