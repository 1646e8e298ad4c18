"""The finite class: rewards {r^1, …, r^M} of the world, fitted by enumeration.

    L_m = sum_i loss(u_i(r^m)) + extra(r^m),     rhat = r^m at the first m within 1e-9 of min_m L_m

The one class with exact constants: no regulariser, no solver, no local minima. A label costs O(M). The class comes
with the world (`reward_class`), r* usually in it. Before any label the policy is the reference.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.parts.function_class import Counts, FunctionClass, Objective
from simbench.learners.protocols.round import Comparison, Kernel
from simbench.quantities.values.value import TIE
from simbench.registry import parameters

if TYPE_CHECKING:
    from simbench.learners.sentence import Parts


class FiniteData(NamedTuple):
    """The objective of each hypothesis `[M]`, and log Z of each at every prompt `[M, S]`."""

    objective: Any
    log_partition: Any


def log_partitions(world: Bandit) -> Any:
    """Return log Z_r(s) `[M, S]` of the class."""
    logits = world.log_ref + world.reward_class / world.beta
    top = jnp.max(logits, axis=-1, keepdims=True)
    return top[..., 0] + jnp.log(jnp.sum(jnp.exp(logits - top), axis=-1))


@parameters
class Finite(FunctionClass[FiniteData]):
    """`world.reward_class`, enumerated."""

    def check(self, world: Bandit) -> None:
        """Refuse a world without a class."""
        if world.reward_class is None:
            raise SimbenchError(
                "the finite class needs a world with a reward_class [M, S, A]; this world has none "
                "(see environments 'needle' and 'random_finite')."
            )

    def start(self, world: Bandit, objective: Objective) -> FiniteData:
        """No labels; a constant bonus counts at once."""
        log_partition = log_partitions(world)
        m, c = objective.bonus.start(world)
        extra = jnp.einsum("sa,msa->m", c, world.reward_class) - world.beta * (log_partition @ m)
        return FiniteData(objective=extra, log_partition=log_partition)

    def record(
        self, data: FiniteData, world: Bandit, objective: Objective, comparison: Comparison
    ) -> FiniteData:
        """Add the label's loss and bonus to every hypothesis."""
        s = comparison.prompt
        rewards = world.reward_class[:, s, :]
        u = rewards[:, comparison.first] - rewards[:, comparison.second]
        added = objective.loss.value(jnp.where(comparison.first_won, u, -u))
        if objective.bonus.active:
            weight, row = objective.bonus.increment(world, comparison)
            added = added + rewards @ row - weight * world.beta * data.log_partition[:, s]
        return data._replace(objective=data.objective + added)

    def of_counts(self, data: FiniteData, world: Bandit, objective: Objective, counts: Counts) -> FiniteData:
        """Add up losses and bonus of every hypothesis, one by one."""

        def loss(reward: Any) -> Any:
            return jnp.sum(counts.wins * objective.loss.value(reward[:, :, None] - reward[:, None, :]))

        losses = jax.lax.map(loss, jnp.asarray(world.reward_class))
        credit = jnp.einsum("sa,msa->m", counts.credit, world.reward_class)
        bonus = credit - world.beta * (data.log_partition @ counts.mass)
        return FiniteData(objective=losses + bonus, log_partition=data.log_partition)

    def fit(
        self, data: FiniteData, world: Bandit, objective: Objective, prompt: Any = None
    ) -> tuple[FiniteData, Any, Any]:
        """Take the first hypothesis within 1e-9 of the best."""
        best = jnp.argmax(data.objective <= jnp.min(data.objective) + TIE)
        return data, world.reward_class[best], jnp.asarray(True)

    def kernel(self, world: Bandit, parts: "Parts") -> Kernel | None:
        """Return the numba form."""
        from simbench.learners.kernels import finite
        from simbench.learners.kernels.recipe import recipe

        numbers = recipe(world, parts)
        if numbers is None:
            return None
        return Kernel(
            module=finite.__name__,
            build=lambda: finite.start(
                numbers,
                log_ref=np.asarray(world.log_ref),
                beta=float(world.beta),
                reward_class=np.asarray(world.reward_class),
            ),
            shared=finite.SHARED,
        )
