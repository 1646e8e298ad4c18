"""RPO once more: its objective by the definition, and its minimiser by descent or enumeration.

    eta ( beta sum_s w_s log Z_r(s) - E_base r ) + (1/n) sum over labels log(1 + exp(r_loser - r_winner))

base = "reference": w = rho, E_base r = sum_s rho_s sum_a ref r.  base = "chosen": both average over the n labels, w_s
the share of prompt s, E_base r the mean reward of the winners. A class's regulariser is added once, not per label.
"""

import math

import numpy as np

from tests.naive.loss import Logistic
from tests.naive.objective import Data


def mean_objective(world, wins, reward, eta, base) -> float:
    """The bracket and the mean loss at `reward [S, A]`, cell by cell."""
    labels = wins.sum()
    value = loss = 0.0
    for s, rho in enumerate(world.rho):
        log_z = math.log(
            sum(math.exp(q + r / world.beta) for q, r in zip(world.log_ref[s], reward[s], strict=True))
        )
        for a, r in enumerate(reward[s]):
            won = wins[s, a].sum() / labels
            if base == "reference":
                value += rho * math.exp(world.log_ref[s, a]) * (world.beta * log_z - r)
            else:
                value += won * (world.beta * log_z - r)
            for b, other in enumerate(reward[s]):
                loss += wins[s, a, b] * math.log1p(math.exp(other - r)) / labels
    return eta * value + loss


def theory_eta(world, labels, scale, log_members, delta) -> float:
    return (
        scale
        * math.sqrt((log_members + math.log(1 / delta)) / labels)
        / (1 + math.exp(world.reward_bound)) ** 2
    )


def fit(world, wins, model, eta, base):
    """Return rhat `[S, A]` of the naive class `model`."""
    labels, ref = wins.sum(), np.exp(world.log_ref)
    c = -eta * (labels * world.rho[:, None] * ref if base == "reference" else wins.sum(axis=2))
    data = Data(
        loss=Logistic(), wins=wins, c=c, m=c.sum(axis=1), log_ref=world.log_ref, beta=float(world.beta)
    )  # fmt: skip
    model.start(world)
    return model.fit(data, range(len(world.rho)))
