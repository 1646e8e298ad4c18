"""The oracle: every round learner once more, slow and plain, in NumPy and from the formulas alone.

Nothing here imports a learner, an engine or a quantity of the product. Of the product it uses the fields of
the world (`simbench.bandit.Bandit`) and the random tape in its NumPy dialect, so agreement with it is
evidence. `naive_run(world, learner, rounds=, seed=, instance=, run=)` plays one run and returns a
`NaiveTrace`.
"""

from tests.naive.constant import NaiveReference, NaiveUniform
from tests.naive.loop import NaiveTrace, naive_run
from tests.naive.online_dpo import NaiveOnlineDPO

__all__ = ["NaiveOnlineDPO", "NaiveReference", "NaiveTrace", "NaiveUniform", "naive_run"]
