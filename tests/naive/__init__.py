"""The oracle: every round learner once more, slow and plain, in NumPy and from the formulas alone.

Nothing here imports a learner, an engine or a quantity of the product. Of the product it uses the fields of
the world (`simbench.bandit.Bandit`) and the random tape in its NumPy dialect, so agreement with it is
evidence. `naive_run(world, learner, rounds=, seed=, instance=, run=)` plays one run and returns a
`NaiveTrace`. `NaiveSentence(model=, loss=, extra=, first=, second=, schedule=)` composes a learner of parts:

    model     Tabular(ridge=), Box(ridge=), Linear(ridge=, radius=), Finite()
    loss      Logistic(), Squared()
    extra     NoExtra(), XPO(alpha), VPO(alpha, weight=, calibration=), RPO(eta)
    slots     Self(), Reference(), Uniform(), Fixed(log_policy), Source(w), Temperature(x),
              Mixture(w, p, q), BestOf(n, p), WorstOf(n, p)
    schedule  EveryRound(), Every(m), Geometric(growth), OfflineFirst(n, then)

`NaiveTPO(block=, share=, ...)` is transfer policy optimisation in the finite class,
`NaiveEllipsoidTPO(model=, lam=, ...)` in the linear and the tabular one.
"""

from tests.naive.constant import NaiveReference, NaiveUniform
from tests.naive.extra import RPO, VPO, XPO, NoExtra
from tests.naive.function_class import Box, Finite, Linear, Tabular
from tests.naive.loop import NaiveTrace, naive_run
from tests.naive.loss import Logistic, Squared
from tests.naive.online_dpo import NaiveOnlineDPO
from tests.naive.sampler import (
    BestOf,
    Fixed,
    Mixture,
    Reference,
    Self,
    Source,
    Temperature,
    Uniform,
    WorstOf,
)
from tests.naive.schedule import Every, EveryRound, Geometric, OfflineFirst
from tests.naive.sentence import NaiveSentence
from tests.naive.source import NaiveBestSource, NaiveOneSource, NaiveUniformSource, NaiveWorstSource
from tests.naive.tpo import NaiveTPO
from tests.naive.tpo_ellipsoid import NaiveEllipsoidTPO

__all__ = [
    "RPO",
    "VPO",
    "XPO",
    "BestOf",
    "Box",
    "Every",
    "EveryRound",
    "Finite",
    "Fixed",
    "Geometric",
    "Linear",
    "Logistic",
    "Mixture",
    "NaiveBestSource",
    "NaiveEllipsoidTPO",
    "NaiveOneSource",
    "NaiveOnlineDPO",
    "NaiveReference",
    "NaiveSentence",
    "NaiveTPO",
    "NaiveTrace",
    "NaiveUniform",
    "NaiveUniformSource",
    "NaiveWorstSource",
    "NoExtra",
    "OfflineFirst",
    "Reference",
    "Self",
    "Source",
    "Squared",
    "Tabular",
    "Temperature",
    "Uniform",
    "WorstOf",
    "naive_run",
]
