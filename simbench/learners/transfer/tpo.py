"""TPO: transfer from imperfect rewards, or from one's own past, whichever is known to be better.

    TPO(T, N, alpha, Alg_OL), blocks of N rounds; slot 2 always samples ref, every label goes into D:
      rounds 1 … alpha N of a block        pi <- Alg_OL, which learns from its own labels (or from all of D)
      the other rounds                     pi <- TPS(D);  N_w += 1 if pi is source w's
    hands out pi_OFF(D)

    TPS(D):   V_opt(w) of every source policy pi_w = G(r^w), optimistic;  +inf for one never played
              V_pes    of pi_OFF, the policy whose value is best in the worst case over rewards that D leaves possible
              argmax of all these, sources first

Both values are relative to ref: in a finite class by likelihood ratios (confidence/version_space.py), in the log-linear
and the tabular class by the ellipsoid of the estimate (confidence/ellipsoid.py). On the event that D does not mislead,
a source is played in vain only while its bonus hides that it is worse, so the price of not knowing which source is good
is of the order sqrt(W T); and pi_OFF learns from data that cover pi* the better, the smaller the regret so far was: no
coverability in its rate.
Source: huang2025, Algorithms 1 and 2.
"""

import math
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.learners.confidence.confidence_set import Confidence, Pessimistic, source_log_policies
from simbench.learners.confidence.ellipsoid import Ellipsoid
from simbench.learners.confidence.version_space import Pessimism, VersionSpace
from simbench.learners.fitting.limits import Ridge
from simbench.learners.online.online_dpo import OnlineDPO
from simbench.learners.online.vpo import VPO
from simbench.learners.online.xpo import XPO
from simbench.learners.parts.schedules import Every, Geometric, Schedule
from simbench.learners.protocols.round import Comparison, Kernel, Reducer, RoundLearner
from simbench.learners.sentence import Sentence
from simbench.learners.transfer.kernels.choice import ONLINE
from simbench.quantities.values.value import TIE
from simbench.registry import Count, Finite, Index, NonNegative, Positive, Probability, parameters, register


class TPOState(NamedTuple):
    """Data and counts of one run, and what slot 1 plays next."""

    data: Any
    online: Any
    pulls: Any  # [W] N_w
    off: Pessimistic
    off_rounds: Any  # rounds in which TPS chose pi_OFF
    chosen: Any
    log_first: Any  # [S, A]
    unsolved: Any  # fits of the last round that missed their stopping rule


@register("learner", "tpo")
@parameters
class TPO(RoundLearner[TPOState]):
    """Transfer policy optimisation.

    Args:
        model: the function class: the world's reward_class, or rewards linear in its features, or any.
        block: N, rounds per block.
        share: alpha, the part of a block that the online learner plays, rounded to whole rounds; 0 and 1 are allowed.
        online: the online learner, in the same class, against the reference.
        online_alpha: weight of its bonus (nats per label); online_dpo has none.
        online_data: whether it learns from its own labels or from all.
        bonus_scale: c of the optimism about sources; 1 is the theory's.
        pessimism_scale: multiplies the width of pi_OFF's version space; 1 is the theory's, 0 trusts the fit.
        delta: error rate, in (0, 1).
        pessimism: how pi_OFF doubts: the version space, or RPO's penalty (in a finite class).
        eta: multiplies RPO's weight of the value against the likelihood.
        refresh_growth: pi_OFF is renewed when the labels have grown by this factor, at least 1.001 …
        refresh_every: … or, if not 0, after every so many labels.
        regularisation: lam of the information matrix V = lam I + sum z z' (linear, tabular).
        radius: B of the ball ||theta|| <= B (linear).
        ridge: of the online learner's class, as elsewhere (linear, tabular).
    """

    model: Literal["finite", "linear", "tabular"] = "finite"
    block: Count = 100
    share: Probability = 0.2
    online: Literal["xpo", "vpo", "online_dpo"] = "xpo"
    online_alpha: Finite = 1e-3
    online_data: Literal["own", "all"] = "own"
    bonus_scale: NonNegative = 1.0
    pessimism_scale: NonNegative = 1.0
    delta: Positive = 0.1
    pessimism: Pessimism = "version_space"
    eta: Positive = 1.0
    refresh_growth: Positive = 1.05
    refresh_every: Index = 0
    regularisation: Positive = 1.0
    radius: Positive = 10.0
    ridge: Ridge = 1.0

    def __post_init__(self) -> None:
        """An error rate is below one; a growth is above one; RPO's penalty is there for a finite class."""
        if self.delta >= 1:
            raise SimbenchError(f"delta is {self.delta}; it must be below 1.")
        if self.pessimism == "rpo" and self.model != "finite":
            raise SimbenchError(
                f"pessimism is 'rpo' and model '{self.model}'; RPO's penalty needs model = 'finite'."
            )
        Geometric(growth=self.refresh_growth)

    @property
    def online_rounds(self) -> int:
        """alpha N in whole rounds."""
        return math.floor(self.share * self.block + 0.5)

    def schedule(self) -> Schedule:
        """Return when pi_OFF is renewed."""
        return (
            Every(period=self.refresh_every) if self.refresh_every else Geometric(growth=self.refresh_growth)
        )

    def confidence(self) -> Confidence[Any]:
        """Return what is kept of D."""
        if self.model != "finite":
            return Ellipsoid(
                model=self.model,
                regularisation=self.regularisation,
                radius=self.radius,
                delta=self.delta,
                bonus_scale=self.bonus_scale,
                pessimism_scale=self.pessimism_scale,
            )
        return VersionSpace(
            delta=self.delta,
            bonus_scale=self.bonus_scale,
            pessimism_scale=self.pessimism_scale,
            pessimism=self.pessimism,
            eta=self.eta,
        )

    def online_learner(self) -> Sentence:
        """Return Alg_OL."""
        if self.online == "xpo":
            return XPO(model=self.model, ridge=self.ridge, radius=self.radius, alpha=self.online_alpha)
        if self.online == "vpo":
            return VPO(model=self.model, ridge=self.ridge, radius=self.radius, alpha=self.online_alpha)
        return OnlineDPO(model=self.model, ridge=self.ridge, radius=self.radius, second="reference")

    def named_diagnostics(self, world: Bandit) -> dict[str, Reducer]:
        """Rounds in which pi_OFF and each source (from 0) were chosen; the others are the online learner's.

        Before them, where anything is fitted: unsolved fits of the estimate, pi_OFF and the online learner.
        """
        sources = 0 if world.sources is None else world.sources.shape[0]
        fits: dict[str, Reducer] = {} if self.confidence().enumerates else {"unsolved_fits": "sum"}
        return {**fits, "pulls_off": "last", **{f"pulls_{w}": "last" for w in range(sources)}}

    def init(self, world: Bandit) -> TPOState:
        """No labels: every reward is possible."""
        confidence = self.confidence()
        confidence.check(world)
        data = confidence.start(world)
        sources = source_log_policies(world).shape[0]
        state = TPOState(
            data=data,
            online=self.online_learner().init(world),
            pulls=jnp.zeros(sources),
            off=confidence.prior(data, world),
            off_rounds=jnp.asarray(0.0),
            chosen=jnp.asarray(ONLINE),
            log_first=jnp.asarray(world.log_ref),
            unsolved=jnp.asarray(0.0),
        )
        return self._next(state, world, jnp.asarray(0))

    def act(self, state: TPOState, world: Bandit) -> tuple[Any, Any]:
        """The policy chosen, against the reference."""
        return state.log_first, jnp.asarray(world.log_ref)

    def observe(self, state: TPOState, world: Bandit, comparison: Comparison) -> TPOState:
        """Count the pull, record the label, renew pi_OFF when it is due, choose again."""
        confidence, t = self.confidence(), comparison.round
        sources = state.pulls.shape[0]
        data = confidence.record(state.data, world, comparison)
        off = jax.lax.cond(
            self.schedule().refits(t),
            lambda: confidence.pessimistic(data, world, t + 1),
            lambda: state.off._replace(unsolved=jnp.asarray(0.0)),
        )
        online = self._online(state.online, world, comparison)
        state = state._replace(
            data=data,
            online=online,
            pulls=state.pulls + (jnp.arange(sources) == state.chosen),
            off=off,
            off_rounds=state.off_rounds + (state.chosen == sources),
            unsolved=confidence.unsolved(data) + off.unsolved + online.unsolved,
        )
        return self._next(state, world, t + 1)

    def _online(self, online: Any, world: Bandit, comparison: Comparison) -> Any:
        learner, t = self.online_learner(), comparison.round
        if self.online_data == "all":
            return learner.observe(online, world, comparison)
        block, i = t // self.block, t % self.block
        seen = block * self.online_rounds + jnp.minimum(i, self.online_rounds)
        return jax.lax.cond(
            i < self.online_rounds,
            lambda: learner.observe(online, world, comparison._replace(round=seen)),
            lambda: online._replace(unsolved=jnp.asarray(0.0)),
        )

    def _next(self, state: TPOState, world: Bandit, t: Any) -> TPOState:
        """Return the state with what slot 1 plays in round t."""
        values = self.confidence().optimistic(state.data, world, state.pulls)
        values = jnp.append(values, state.off.value)
        chosen = jnp.argmax(values >= jnp.max(values) - TIE)
        policies = jnp.concatenate([source_log_policies(world), state.off.log_policy[None]])
        online = t % self.block < self.online_rounds
        own = self.online_learner().policy(state.online, world)
        return state._replace(
            chosen=jnp.where(online, ONLINE, chosen),
            log_first=jnp.where(online, own, policies[chosen]),
        )

    def policy(self, state: TPOState, world: Bandit) -> Any:
        """What slot 1 plays."""
        return state.log_first

    def deployed(self, state: TPOState, world: Bandit) -> Any:
        """pi_OFF, the distilled policy."""
        return state.off.log_policy

    def diagnose(self, state: TPOState) -> dict[str, Any]:
        """Report unsolved fits, and how often everything was chosen."""
        pulls = {f"pulls_{w}": state.pulls[w] for w in range(state.pulls.shape[0])}
        return {"unsolved_fits": state.unsolved, "pulls_off": state.off_rounds, **pulls}

    def kernel(self, world: Bandit) -> Kernel | None:
        """Return the numba form of the class."""
        from simbench.learners.kernels.recipe import recipe
        from simbench.learners.transfer.kernels import tpo, tpo_ellipsoid, tpo_linear, tpo_tabular

        confidence, online = self.confidence(), self.online_learner()
        confidence.check(world)
        online.parts().check(world)
        numbers = recipe(world, online.parts())
        if numbers is None:
            return None
        if isinstance(confidence, Ellipsoid):
            module = tpo_linear if self.model == "linear" else tpo_tabular
            return Kernel(
                module=module.__name__,
                build=lambda: module.start(world, self, confidence, numbers),
                shared=tpo_ellipsoid.SHARED,
            )
        return Kernel(
            module=tpo.__name__,
            build=lambda: tpo.start(world, self, numbers),
            shared=tpo.SHARED,
        )
