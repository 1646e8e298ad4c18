"""Preference optimisation of a policy on a set of pairs, solved exactly in a class of rewards.

    rhat  = argmin over r in the class of   sum over pairs loss(r[chosen] - r[rejected]) + extra(r) + regulariser(r)
    pi'   ∝ base exp(rhat / beta)

In policy terms r = beta log(pi'/base): these are DPO (logistic loss), IPO (squared loss) and XPO (logistic loss and
+ alpha sum log pi'(b), one draw b from the deployed policy per prompt) with `base` as their reference policy. The
released program trains for three epochs of stochastic gradients instead, and gives its XPO term to the chosen and the
rejected response, with the other sign. Source: huang2025, Algorithm 3 (Alg_PO).
"""

from typing import Any

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.parts.bonuses import Bonus, NoBonus, ReferenceDraws
from simbench.learners.parts.function_class import Counts, FunctionClass, Objective
from simbench.learners.parts.losses import Logistic, Squared
from simbench.learners.parts.samplers import normalised
from simbench.learners.transfer.annotation.collection import Pairs


def objective(optimiser: str, alpha: float) -> Objective:
    """Return what "dpo", "ipo" or "xpo" minimises besides the regulariser."""
    bonus: Bonus = ReferenceDraws(alpha=alpha) if optimiser == "xpo" else NoBonus()
    return Objective(loss=Squared() if optimiser == "ipo" else Logistic(), bonus=bonus)


def optimise(
    world: Bandit, function_class: FunctionClass[Any], goal: Objective, log_base: Any, pairs: Pairs
) -> tuple[Any, Any]:
    """Return the log-policy `[S, A]` fitted to `pairs` from `log_base [S, A]`, and whether the fit was solved."""
    prompts, responses = log_base.shape
    based = world.replace(log_ref=log_base)
    kept, counted = pairs.kept.astype(jnp.float64), pairs.counted.astype(jnp.float64)
    wins = jnp.zeros((prompts, responses, responses))
    mass, credit = jnp.zeros(prompts), jnp.zeros((prompts, responses))
    if goal.bonus.active:
        weight = goal.bonus.per_label(based) * counted
        mass = mass.at[pairs.prompt].add(weight)
        credit = credit.at[pairs.prompt, pairs.comparator].add(weight)
    counts = Counts(wins.at[pairs.prompt, pairs.chosen, pairs.rejected].add(kept), mass, credit)
    data = function_class.of_counts(function_class.start(based, goal), based, goal, counts)
    _, reward, solved = function_class.fit(data, based, goal)
    return normalised(log_base + reward / world.beta), solved
