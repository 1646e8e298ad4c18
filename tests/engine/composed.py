"""The same sentence twice: made of the product's parts, and of the naive oracle's."""

import numpy as np
import pytest

from simbench.learners.parts import bonuses, losses, samplers, schedules
from simbench.learners.parts.box import Box
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.linear import Linear
from simbench.learners.parts.tabular import Tabular
from simbench.learners.sentence import Parts, Sentence
from tests import naive


class Composed(Sentence):
    """A learner of given parts."""

    def __init__(self, parts):
        self._parts = parts

    def parts(self):
        return self._parts

    def __hash__(self):
        return hash(self._parts)

    def __eq__(self, other):
        return isinstance(other, Composed) and self._parts == other._parts


MODELS = {
    "tabular": (Tabular(ridge=0.5), lambda: naive.Tabular(ridge=0.5)),
    "box": (Box(ridge=0.5), lambda: naive.Box(ridge=0.5)),
    "linear": (Linear(ridge=0.5, radius=2.0), lambda: naive.Linear(ridge=0.5, radius=2.0)),
    "finite": (Finite(), naive.Finite),
}
OBJECTIVES = {
    "likelihood": ((losses.Logistic(), bonuses.NoBonus()), lambda: (naive.Logistic(), naive.NoExtra())),
    "xpo": (
        (losses.Logistic(), bonuses.ReferenceDraws(alpha=3e-3)),
        lambda: (naive.Logistic(), naive.XPO(3e-3)),
    ),
    "vpo": (
        (losses.Logistic(), bonuses.Calibrated(alpha=3e-3)),
        lambda: (naive.Logistic(), naive.VPO(3e-3)),
    ),
    "vpo constant": (
        (losses.Logistic(), bonuses.Calibrated(alpha=0.05, weight="constant")),
        lambda: (naive.Logistic(), naive.VPO(0.05, weight="constant")),
    ),
    "rpo": ((losses.Logistic(), bonuses.Pessimism(eta=0.02)), lambda: (naive.Logistic(), naive.RPO(0.02))),
    "ipo": ((losses.Squared(), bonuses.NoBonus()), lambda: (naive.Squared(), naive.NoExtra())),
}
SLOTS = {
    "own": (samplers.Own(), naive.Self),
    "reference": (samplers.Reference(), naive.Reference),
    "uniform": (samplers.Uniform(), naive.Uniform),
    "source": (samplers.Source(index=1), lambda: naive.Source(1)),
    "temperature": (samplers.Temperature(factor=3.0), lambda: naive.Temperature(3.0)),
    "best": (samplers.BestOf(n=4), lambda: naive.BestOf(4, naive.Self())),
    "worst": (
        samplers.WorstOf(n=3, of=samplers.Reference()),
        lambda: naive.WorstOf(3, naive.Reference()),
    ),
    "mixture": (
        samplers.Mixture(weight=0.25, one=samplers.Own(), other=samplers.BestOf(n=2, of=samplers.Uniform())),
        lambda: naive.Mixture(0.25, naive.Self(), naive.BestOf(2, naive.Uniform())),
    ),
}
SCHEDULES = {
    "every": (schedules.EveryRound(), naive.EveryRound),
    "every 7": (schedules.Every(period=7), lambda: naive.Every(7)),
    "geometric": (schedules.Geometric(growth=1.5), lambda: naive.Geometric(1.5)),
    "offline": (schedules.OfflineFirst(labels=50), lambda: naive.OfflineFirst(50, naive.EveryRound())),
    "offline, then every 5": (
        schedules.OfflineFirst(labels=20, then=schedules.Every(period=5)),
        lambda: naive.OfflineFirst(20, naive.Every(5)),
    ),
}


def compose(model, objective="likelihood", first="own", second="reference", schedule="every"):
    """Return (product, naive) learners of the same sentence."""
    (loss, bonus), naive_objective = OBJECTIVES[objective]
    naive_loss, naive_extra = naive_objective()
    product = Composed(
        Parts(
            model=MODELS[model][0],
            loss=loss,
            bonus=bonus,
            first=SLOTS[first][0],
            second=SLOTS[second][0],
            schedule=SCHEDULES[schedule][0],
        )
    )
    slow = naive.NaiveSentence(
        model=MODELS[model][1](),
        loss=naive_loss,
        extra=naive_extra,
        first=SLOTS[first][1](),
        second=SLOTS[second][1](),
        schedule=SCHEDULES[schedule][1](),
    )
    return product, slow


def world_for(model, make):
    """Return a world that has what the class needs, and two sources."""
    name = {"finite": "random_finite", "linear": "random_linear"}.get(model, "random_tabular")
    sizes = {"members": 64} if model == "finite" else {}
    world = make(name, prompts=3, responses=6, beta=0.3, **sizes)
    reversed_reward = world.reward_bound - world.reward
    return world.replace(sources=np.stack([world.reward, reversed_reward]))


def checkerboard(rows, columns):
    """Return all pairs; CI takes the white fields, half of every row and of every column."""
    return [
        pytest.param(row, column, marks=() if (i + j) % 2 == 0 else pytest.mark.exhaustive)
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
