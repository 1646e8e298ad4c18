"""Learners with one mistake each, and the right sentence that each is mistaken for.

`docs/mutants.md` lists them beside those that the claims of the catalogue refute on runs.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

import simbench as sb
from simbench.learners.kernels import codes
from simbench.learners.parts import bonuses, losses, samplers, schedules
from simbench.learners.parts.box import Box
from simbench.learners.parts.finite import Finite
from simbench.learners.parts.linear import Linear
from simbench.learners.parts.samplers import at, normalised
from simbench.learners.parts.tabular import Tabular
from simbench.learners.sentence import Sentence
from simbench.quantities.values.value import TIE
from tests.engine.composed import Composed, compose, world_for

ALPHA = 3e-3  # of the bonuses in tests/engine/composed.py


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutant:
    """A mistaken learner, the words of the right sentence, and the world both are played in."""

    learner: Sentence
    words: tuple[tuple[str, str], ...]
    world: str
    heavy: bool = False  # its kernel or trace takes seconds to compile

    def played_world(self) -> Any:
        """The needle has ties, and its rewards leave bonuses much to say; the others are random."""
        return sb.make("needle") if self.world == "needle" else world_for(self.world, sb.make)


def with_parts(**changes: Any) -> Any:
    """Build a mutant by replacing parts."""

    def build(learner: Composed) -> Sentence:
        return Composed(learner.parts()._replace(**changes))

    return build


# Bonuses. Those that only change a number run as kernels; those below are mistakes of the increment.


class OnTheWinner(bonuses.ReferenceDraws):
    """The released mistake: the bonus on the preferred response."""

    code = None

    def increment(self, world, comparison):
        winner = jnp.where(comparison.first_won, comparison.first, comparison.second)
        return super().increment(world, comparison._replace(second=winner))


class OnOwnDraws(bonuses.ReferenceDraws):
    """The bonus on the response of slot 1."""

    code = None

    def increment(self, world, comparison):
        return super().increment(world, comparison._replace(second=comparison.first))


class WithoutSelfPairs(bonuses.ReferenceDraws):
    """A comparison of a response with itself adds no bonus."""

    code = None

    def increment(self, world, comparison):
        counts = jnp.where(comparison.first == comparison.second, 0.0, 1.0)
        weight, row = super().increment(world, comparison)
        return counts * weight, counts * row


class WithoutNormaliser(bonuses.ReferenceDraws):
    """The bonus on rewards in place of log-probabilities: log Z is forgotten."""

    code = None

    def increment(self, world, comparison):
        weight, row = super().increment(world, comparison)
        return 0.0 * weight, row


class HalfBetaTarget(losses.Squared):
    """IPO with the target beta/2 in place of 1/(2 beta); in rewards beta^2/2 in place of 1/2, here at beta = 0.3."""

    code = None

    def value(self, u):
        return jnp.square(u - 0.3**2 / 2)

    def slope(self, u):
        return 2.0 * (u - 0.3**2 / 2)


class LastTie(Finite):
    """The last hypothesis within 1e-9 of the best."""

    def fit(self, data, world, objective, prompt=None):
        best = data.objective <= jnp.min(data.objective) + TIE
        last = best.shape[0] - 1 - jnp.argmax(best[::-1])
        return data, world.reward_class[last], jnp.asarray(True)

    def kernel(self, world, parts):
        return None


# Mistakes of the sentence itself: JAX only.


class Traced(Composed):
    """Without a kernel, which would not know of the mistake."""

    def kernel(self, world):
        return None


class FlippedLabels(Traced):
    """The loser is taken for the winner."""

    def observe(self, state, world, comparison):
        return super().observe(state, world, comparison._replace(first_won=~comparison.first_won))


class LateLabel(Traced):
    """The fit is renewed before the label is recorded."""

    def observe(self, state, world, comparison):
        parts = self.parts()
        fitted = self._refit(state, world)
        data = parts.model.record(fitted.data, world, parts.objective, comparison)
        return fitted._replace(data=data)


class MovingReference(Traced):
    """The reference is replaced by the last policy: pi' ∝ pi exp(rhat/beta)."""

    def _refit(self, state, world, prompt=None):
        data, reward, _ = self.parts().model.fit(state.data, world, self.parts().objective, None)
        log_own = normalised(state.log_first + reward / world.beta)
        return state._replace(data=data, log_first=log_own)


class ChargesTheComparator(Traced):
    """Slot 2 is charged in place of slot 1."""

    def policy(self, state, world):
        return state.log_second


class SwappedSlots(Traced):
    """Slot 1 draws from the comparator."""

    def act(self, state, world):
        return state.log_second, state.log_first


class FirstMemberAtOnce(Traced):
    """Plays the class's first member before any data, in place of the reference."""

    def init(self, world):
        state = super().init(world)
        log_first = normalised(at(world.log_ref, None) + world.reward_class[0] / world.beta)
        return state._replace(log_first=log_first)


class Late(schedules.Every):
    """One round behind: after rounds m, 2m, …"""

    code = codes.MARKS

    @property
    def marks(self):
        return 1 + self.period * np.arange(1, 10_000)


class LateGeometric(schedules.Geometric):
    """One label behind."""

    @property
    def marks(self):
        return 1 + super().marks


@dataclasses.dataclass(frozen=True)
class As:
    """Builds a sentence of a class of ours from the right one."""

    kind: type[Sentence]

    def __call__(self, learner: Composed) -> Sentence:
        return self.kind(learner.parts())


def _mutant(build: Any, model: str, *, world: str | None = None, heavy: bool = False, **words: str) -> Mutant:
    right, _ = compose(model, **words)
    return Mutant(
        learner=build(right),
        words=(("model", model), *words.items()),
        world=world or model,
        heavy=heavy,
    )


def _bonus(bonus: Any) -> Any:
    return with_parts(bonus=bonus)


MUTANTS = {
    # the bonus
    "xpo, wrong sign": _mutant(_bonus(bonuses.ReferenceDraws(alpha=-ALPHA)), "tabular", objective="xpo"),
    "xpo, alpha not divided by beta": _mutant(
        _bonus(bonuses.ReferenceDraws(alpha=0.3 * ALPHA)), "tabular", objective="xpo"
    ),
    "xpo, expectation in place of the draw": _mutant(
        _bonus(bonuses.Calibrated(alpha=ALPHA)), "tabular", objective="xpo"
    ),
    "xpo, bonus on the winner": _mutant(
        _bonus(OnTheWinner(alpha=ALPHA)), "finite", world="needle", objective="xpo"
    ),
    "xpo, bonus on the draw of slot 1": _mutant(
        _bonus(OnOwnDraws(alpha=ALPHA)), "finite", world="needle", objective="xpo", heavy=True
    ),
    "xpo, self-pairs without bonus": _mutant(
        _bonus(WithoutSelfPairs(alpha=ALPHA)), "finite", world="needle", objective="xpo", heavy=True
    ),
    "xpo, normaliser forgotten": _mutant(
        _bonus(WithoutNormaliser(alpha=ALPHA)), "finite", world="needle", objective="xpo", heavy=True
    ),
    "vpo, wrong sign": _mutant(_bonus(bonuses.Calibrated(alpha=-ALPHA)), "tabular", objective="vpo"),
    "vpo, constant in place of per label": _mutant(
        _bonus(bonuses.Calibrated(alpha=ALPHA, weight="constant")), "tabular", objective="vpo"
    ),
    "pessimism, sign of optimism": _mutant(
        _bonus(bonuses.Calibrated(alpha=0.02 * 0.3)), "tabular", objective="rpo"
    ),
    # the loss
    "online_ipo, target beta/2": _mutant(
        with_parts(loss=HalfBetaTarget()), "finite", objective="ipo", heavy=True
    ),
    "online_ipo, likelihood": _mutant(with_parts(loss=losses.Logistic()), "tabular", objective="ipo"),
    # the function class
    "tabular, ridge forgotten": _mutant(with_parts(model=Tabular(ridge=1e-3)), "tabular"),
    "tabular, ridge without the half": _mutant(with_parts(model=Tabular(ridge=1.0)), "tabular"),
    "box, ridge forgotten": _mutant(with_parts(model=Box(ridge=1e-3)), "box", heavy=True),
    "box, no walls": _mutant(with_parts(model=Tabular(ridge=0.5)), "box", heavy=True),
    "linear, ridge forgotten": _mutant(
        with_parts(model=Linear(ridge=1e-3, radius=2.0)), "linear", heavy=True
    ),
    "linear, ball forgotten": _mutant(with_parts(model=Linear(ridge=0.5, radius=1e3)), "linear", heavy=True),
    "finite, last tie": _mutant(with_parts(model=LastTie()), "finite", world="needle", heavy=True),
    # the slots
    "comparator from the policy": _mutant(with_parts(second=samplers.Own()), "tabular"),
    "comparator uniform": _mutant(with_parts(second=samplers.Uniform()), "tabular"),
    "best-of-n with one draw too few": _mutant(
        with_parts(first=samplers.BestOf(n=3)), "tabular", first="best"
    ),
    "worst for best": _mutant(with_parts(first=samplers.WorstOf(n=4)), "tabular", first="best"),
    "temperature inverted": _mutant(
        with_parts(first=samplers.Temperature(factor=1 / 3)), "tabular", first="temperature"
    ),
    "mixture the other way round": _mutant(
        with_parts(
            first=samplers.Mixture(
                weight=0.75, one=samplers.Own(), other=samplers.BestOf(n=2, of=samplers.Uniform())
            )
        ),
        "tabular",
        first="mixture",
    ),
    # the schedule
    "every m, one round late": _mutant(
        with_parts(schedule=Late(period=7)), "finite", schedule="every 7", heavy=True
    ),
    "geometric, one label late": _mutant(
        with_parts(schedule=LateGeometric(growth=1.5)), "finite", schedule="geometric", heavy=True
    ),
    "offline labels from the policy": _mutant(
        with_parts(schedule=schedules.EveryRound()), "tabular", schedule="offline"
    ),
    "offline, one label too few": _mutant(
        with_parts(schedule=schedules.OfflineFirst(labels=49)), "tabular", schedule="offline"
    ),
    # the sentence
    "labels flipped": _mutant(As(FlippedLabels), "finite", heavy=True),
    "fit one label late": _mutant(As(LateLabel), "finite", heavy=True),
    "reference updated when it should stay": _mutant(As(MovingReference), "finite", heavy=True),
    "slot 2 charged": _mutant(As(ChargesTheComparator), "finite", heavy=True),
    "slots swapped": _mutant(As(SwappedSlots), "finite", heavy=True),
    "first member before any data": _mutant(As(FirstMemberAtOnce), "finite", heavy=True),
}
