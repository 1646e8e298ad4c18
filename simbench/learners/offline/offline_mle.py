"""Offline maximum likelihood: labels of pairs from the reference, one fit, the Gibbs policy of the fit.

    data:     s ~ rho_train,   a, b ~ ref(.|s),   a label each
    rhat    = argmin over r in the class of   sum_{s,a,b} wins[s, a, b] log(1 + exp(r[s, b] - r[s, a])) + regulariser
    policy  = G(rhat) = ref exp(rhat / beta) / Z

RLHF in two stages, and offline DPO in the tabular class, where reward and policy parametrise the same set. It neither
explores nor doubts: what ref rarely shows, it does not know. Every iteration extends the same data set, so that one run
shows the policy at each size of it. Learners that add a bonus of all labels to the objective derive from it (`rpo`).
Source: zhu2023, Algorithm 1 without pessimism; rafailov2023 (DPO).
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.learners.fitting.limits import Ridge
from simbench.learners.function_classes import named_class
from simbench.learners.parts.bonuses import Bonus, NoBonus
from simbench.learners.parts.function_class import Counts, FunctionClass, Objective, require_ridge
from simbench.learners.parts.losses import Logistic
from simbench.learners.protocols.batch import BatchLearner
from simbench.quantities import gibbs
from simbench.registry import Positive, parameters, register

LOSS = Logistic()


class OfflineState(NamedTuple):
    """All win counts `[S, A, A]`, what the function class keeps, the policy `[S, A]`, whether the fit was unsolved."""

    wins: Any
    data: Any
    log_policy: Any
    unsolved: Any


@register("learner", "offline_mle")
@parameters
class OfflineMLE(BatchLearner[OfflineState]):
    """Maximum likelihood on comparisons of the reference with itself.

    Args:
        model: the function class.
        ridge: lambda of the penalty (lambda / 2) ||r||^2 per prompt, around R / 2 in the box, or (lambda / 2)
            ||theta||^2; the finite class has none.
        radius: B of the ball ||theta|| <= B of the linear class.
    """

    model: Literal["tabular", "box", "linear", "finite"] = "tabular"
    ridge: Ridge = 1.0
    radius: Positive = 10.0

    diagnostics = ("unsolved_fits",)

    def function_class(self) -> FunctionClass[Any]:
        """Return the class that `model` names."""
        return named_class(self.model, ridge=self.ridge, radius=self.radius)

    def bonus(self) -> Bonus:
        """Return what kind of bonus the objective has: none."""
        return NoBonus()

    def mass_and_credit(self, world: Bandit, wins: Any) -> tuple[Any, Any]:
        """Return the bonus (m `[S]`, c `[S, A]`) of parts/bonuses.py when the data are `wins [S, A, A]`: nothing."""
        return jnp.zeros(wins.shape[0]), jnp.zeros(wins.shape[:2])

    def check(self, world: Bandit) -> None:
        """Refuse a world without what the function class needs."""
        self.function_class().check(world)
        require_ridge(self.function_class(), Objective(LOSS, self.bonus()))

    def init(self, world: Bandit) -> OfflineState:
        """No labels: the policy is ref."""
        cells = world.log_ref.shape
        return OfflineState(
            wins=jnp.zeros((*cells, cells[-1])),
            data=self.function_class().start(world, Objective(LOSS, self.bonus())),
            log_policy=jnp.asarray(world.log_ref),
            unsolved=jnp.asarray(0.0),
        )

    def act(self, state: OfflineState, world: Bandit) -> tuple[Any, Any]:
        """Both slots sample the reference, whatever has been learned."""
        log_ref = jnp.asarray(world.log_ref)
        return log_ref, log_ref

    def observe(self, state: OfflineState, world: Bandit, wins: Any) -> OfflineState:
        """Add the batch to the data and fit all of it."""
        wins = state.wins + wins
        function_class = self.function_class()
        objective = Objective(LOSS, self.bonus())
        m, c = self.mass_and_credit(world, wins)
        data = function_class.of_counts(state.data, world, objective, Counts(wins, m, c))
        data, reward, solved = function_class.fit(data, world, objective)
        return OfflineState(wins, data, gibbs(world, reward), jnp.where(solved, 0.0, 1.0))

    def policy(self, state: OfflineState, world: Bandit) -> Any:
        """The Gibbs policy of the fit."""
        return state.log_policy

    def diagnose(self, state: OfflineState) -> dict[str, Any]:
        """Report a fit that did not meet the stopping rule; zero in a healthy run."""
        return {"unsolved_fits": state.unsolved}
