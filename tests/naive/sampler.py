"""What a slot samples from: a log-policy `[S, A]` made of the world and the reward estimate rhat.

    Self            G(rhat) = ref exp(rhat/beta) / Z
    Temperature(x)  ref exp(rhat/(beta x)) / Z
    Reference       ref                          Uniform       uniform over the support of ref
    Fixed(p)        a given log-policy           Source(w)     G(sources[w])
    Mixture(w,p,q)  w p + (1 - w) q
    BestOf(n, p)    the best of n draws from p by rhat; WorstOf(n, p) the worst

Best-of-n: order the responses of a prompt by rhat; those that tie form a group. The best of n draws lies in
the k-th group from below with probability F_k^n - F_{k-1}^n, F_k the mass of p up to and including it, and
is then distributed as p within the group. Two values within 1e-9 tie: equal minimisers come out of a fit
with different last digits.
"""

import numpy as np

from tests.naive.world import TIE, gibbs, log_softmax


class Self:
    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return gibbs(world, rhat)


class Temperature:
    def __init__(self, factor: float):
        self.factor = factor

    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return log_softmax(world.log_ref + rhat / (world.beta * self.factor))


class Reference:
    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return world.log_ref


class Uniform:
    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return log_softmax(np.where(world.log_ref > -np.inf, 0.0, -np.inf))


class Fixed:
    def __init__(self, policy: np.ndarray):
        self.policy = policy  # [S, A], logarithms

    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return self.policy


class Source:
    def __init__(self, index: int):
        self.index = index

    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        return gibbs(world, world.sources[self.index])


class Mixture:
    def __init__(self, weight: float, first, second):
        self.weight, self.first, self.second = weight, first, second

    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        p, q = (np.exp(part.log_policy(world, rhat)) for part in (self.first, self.second))
        with np.errstate(divide="ignore"):  # log 0 = -inf outside both supports
            return np.log(self.weight * p + (1 - self.weight) * q)


class BestOf:
    sign = 1.0

    def __init__(self, draws: int, base):
        self.draws, self.base = draws, base

    def log_policy(self, world, rhat: np.ndarray) -> np.ndarray:
        base = np.exp(self.base.log_policy(world, rhat))
        law = [best_of_n(p, self.sign * score, self.draws) for p, score in zip(base, rhat, strict=True)]
        with np.errstate(divide="ignore"):
            return np.log(law)


class WorstOf(BestOf):
    sign = -1.0


def best_of_n(p: np.ndarray, score: np.ndarray, draws: int) -> np.ndarray:
    """Return the law `[A]` of the draw of largest score among `draws` from p `[A]`."""
    law, below = np.zeros(len(p)), 0.0
    order = np.argsort(score, kind="stable")
    group_starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) > TIE)
    for group in np.split(order, group_starts[1:]):
        mass = p[group].sum()
        if mass > 0:
            up_to = below + mass
            # F_k^n - F_{k-1}^n, without cancellation where the group is rare
            inside = (
                up_to**draws if below == 0 else -(up_to**draws) * np.expm1(draws * np.log1p(-mass / up_to))
            )
            law[group] = p[group] / mass * inside
            below = up_to
    return law / below**draws  # below is now 1 up to rounding
