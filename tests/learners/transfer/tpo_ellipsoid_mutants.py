"""Transfer by the ellipsoid with one mistake each: the naive oracle, altered, and where it is found out.

`docs/mutants.md` lists them. As in tpo_mutants.py it is the oracle that is altered.
"""

import dataclasses
import math

import numpy as np

from tests import naive
from tests.naive.function_class import Box, Linear, Tabular


class NoWalls(naive.NaiveEllipsoidTPO):
    """The estimate is free: rewards beyond [0, R], parameters beyond the ball."""

    def start_estimates(self):
        super().start_estimates()
        ridge = self.gamma * self.lam
        self.estimator = Tabular(ridge=ridge) if self.model == "tabular" else Linear(ridge=ridge, radius=1e3)
        self.estimator.start(self.world)


class RidgeWithoutGamma(naive.NaiveEllipsoidTPO):
    """lam in place of gamma lam."""

    def start_estimates(self):
        super().start_estimates()
        tabular = self.model == "tabular"
        self.estimator = Box(ridge=self.lam) if tabular else Linear(ridge=self.lam, radius=self.radius)
        self.estimator.start(self.world)


class GreatestSlope(naive.NaiveEllipsoidTPO):
    """1/4, the slope of sigma at 0, in place of the least on [-D, D]; the ridge is right."""

    @property
    def bet_1(self):
        self.gamma, right = 0.25, self.gamma
        bet = super().bet_1
        self.gamma = right
        return bet


class WithoutPrior(naive.NaiveEllipsoidTPO):
    """bet without sqrt(lam) B0."""

    @property
    def bet_1(self):
        return super().bet_1 - math.sqrt(self.lam) * self.B0


class VolumeNotRelative(naive.NaiveEllipsoidTPO):
    """log det V in place of log det(V / lam)."""

    @property
    def bet_1(self):
        log_det = float(np.linalg.slogdet(self.information)[1])
        chance = math.sqrt(max(log_det + 2 * math.log(1 / self.delta), 0.0)) / (2 * self.gamma)
        return chance + math.sqrt(self.lam) * self.B0


class InformationOfPairs(naive.NaiveEllipsoidTPO):
    """V counts a pair once, however often it was compared."""

    @property
    def information(self):
        self.wins, every = np.minimum(self.wins, 1), self.wins
        V = super().information
        self.wins = every
        return V


class SquaredWidth(naive.NaiveEllipsoidTPO):
    """||x||^2 in place of ||x|| in V_opt."""

    def width(self, x):
        return super().width(x) ** 2


class OneScale(naive.NaiveEllipsoidTPO):
    """The bonus of a source is multiplied by the scale of pessimism."""

    def optimistic_value(self, w):
        self.bonus_scale, right = self.pessimism_scale, self.bonus_scale
        value = super().optimistic_value(w)
        self.bonus_scale = right
        return value


class BonusNotAgainstRef(naive.NaiveEllipsoidTPO):
    """The bonus is that of E_{pi_w} phi, not of its difference to the reference's."""

    def optimistic_value(self, w):
        x, phi = self.differences[w], self.features
        total = np.einsum("s,sa,sad->d", self.world.rho, np.exp(self.source_policies[w]), phi)
        extra = self.width(total) - self.width(x)
        return super().optimistic_value(w) + self.bonus_scale * self.bet_1 * extra


class TrustsTheEstimate(naive.NaiveEllipsoidTPO):
    """pi_OFF is the Gibbs policy of the estimate."""

    @property
    def bet(self):
        return 0.0


class ValueOfTheEstimate(naive.NaiveEllipsoidTPO):
    """pi_OFF is pessimistic, what is compared with the sources is not."""

    def pessimistic(self):
        log_off, _ = super().pessimistic()
        self.pessimism_scale, right = 0.0, self.pessimism_scale
        value = self.lower_value(log_off)
        self.pessimism_scale = right
        return log_off, value


class FitsAtRefreshes(naive.NaiveEllipsoidTPO):
    """The estimate waits for the next pi_OFF; sources are judged by the old one."""

    def fit(self, prompt):
        if self.refresh.due(self.labels):
            for s in range(self.world.log_ref.shape[0]):
                super().fit(s)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A mistaken oracle, the class it fits, and the words of the right one."""

    oracle: type[naive.NaiveEllipsoidTPO]
    model: str
    words: tuple[tuple[str, object], ...] = ()


def _mutant(oracle, model, **words):
    return Mutant(oracle, model, tuple(words.items()))


MUTANTS = {
    "ball forgotten in the estimate": _mutant(NoWalls, "linear"),
    "box forgotten in the estimate": _mutant(NoWalls, "tabular"),
    "ridge without gamma": _mutant(RidgeWithoutGamma, "tabular"),
    "greatest slope": _mutant(GreatestSlope, "linear"),
    "radius without the prior": _mutant(WithoutPrior, "tabular"),
    "volume not relative to lam": _mutant(VolumeNotRelative, "linear"),
    "pairs counted once in V": _mutant(InformationOfPairs, "linear"),
    "width squared": _mutant(SquaredWidth, "tabular", bonus_scale=0.1),
    "one scale for both": _mutant(OneScale, "linear", bonus_scale=0.1),
    "bonus not against ref": _mutant(BonusNotAgainstRef, "linear", bonus_scale=0.1),
    "pi_OFF of the estimate": _mutant(TrustsTheEstimate, "tabular"),
    "V_pes without doubt": _mutant(ValueOfTheEstimate, "linear"),
    "estimate renewed with pi_OFF": _mutant(FitsAtRefreshes, "linear"),
}
