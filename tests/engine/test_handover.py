"""What a learner hands over: every cheat is one sentence that names it, where it shows, and what is expected."""

import jax.numpy as jnp
import numpy as np
import pytest

import simbench as sb
from simbench.engine import choose_engine, run_block
from simbench.learners import BatchLearner, CollectingLearner, RoundLearner
from simbench.learners.online.constant import Reference
from simbench.learners.online.online_dpo import OnlineDPO
from simbench.learners.parts import bonuses, losses, samplers, schedules
from simbench.learners.parts.tabular import Tabular
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.learners.sentence import Parts, Sentence
from simbench.registry import parameters
from simbench.worlds import make

WORLD = make("random_tabular", prompts=2, responses=3, beta=0.5)
HONEST = "logarithms of probabilities, finite or -inf, that sum to 1 to 1e-9 at every prompt"


def play(learner, rounds=30, world=WORLD, **options):
    return run_block(
        world, learner, rounds=rounds, runs=[0, 1], block=2, quantities=("value_gap",), **options
    )


def complaint(learner, **options):
    with pytest.raises(sb.SimbenchError) as refusal:
        play(learner, **options)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert sentence.startswith(type(learner).__name__)
    return sentence


class Counting:
    """Plays the reference and counts labels; `how` says what it does wrong."""

    def init(self, world):
        return {"words": "a" if self.how == "words" else jnp.zeros(()), "n": jnp.zeros(2)}

    def act(self, state, world):
        ref = jnp.asarray(world.log_ref)
        wrong = {
            "one array": ref,
            "three": (ref, ref, ref),
            "flat": (ref, ref[0]),
            "float32": (ref.astype(jnp.float32), ref),
            "list": (ref, [0.0, 0.0]),
            "slot 2": (ref, 2.0 * ref),
            "slot 1 late": (jnp.where(state["n"][0] >= 20, ref - 0.1, ref), ref),
        }
        return wrong.get(self.how, (ref, ref))

    def observe(self, state, world, _):
        n = state["n"] + 1.0
        wrong = {
            "longer": {**state, "n": jnp.append(n, 0.0)},
            "whole": {**state, "n": n.astype(jnp.int32)},
            "more": {**state, "n": n, "m": n},
        }
        return wrong.get(self.how, {**state, "n": n})

    def policy(self, state, world):
        ref, n = jnp.asarray(world.log_ref), state["n"][0]
        wrong = {
            "shifted": ref + 0.5,
            "probabilities": jnp.exp(ref),
            "all zero": jnp.zeros_like(ref),
            "nan": jnp.where(n >= 20, jnp.nan, ref),
            "infinite": jnp.where(n >= 20, jnp.inf, ref),
            "nothing": jnp.where(n >= 20, -jnp.inf, ref),
            "a little": jnp.where(n >= 20, ref + 2e-9, ref),
            "rows": ref.T,
        }
        return wrong.get(self.how, ref)

    def diagnose(self, state):
        return {
            "unnamed": {},
            "many": {"seen": state["n"]},
            "not a number": {"seen": jnp.where(state["n"][0] >= 20, jnp.nan, 0.0)},
        }.get(self.how, {"seen": state["n"][0]})


@parameters
class ByRounds(Counting, RoundLearner):
    how: str = ""
    diagnostics = {"seen": "last"}  # noqa: RUF012


@parameters
class ByBatches(Counting, BatchLearner):
    how: str = ""
    diagnostics = ("seen",)


@parameters
class Collects(Counting, CollectingLearner):
    how: str = ""
    diagnostics = ("seen",)

    def iteration_ends(self, labels):
        return np.arange(1, labels + 1)

    def collect(self, state, world, key, start, labels):
        return jnp.zeros(())


def test_the_honest_one_is_let_in():
    table = play(ByRounds())
    assert table["seen"].max() == 30
    assert play(ByBatches())["seen"].max() == play(ByBatches())["iteration"].max()


ROUNDS = [
    ("shifted", "before round 1, what policy returns has exponentials that sum to 1.64872127 at prompt 0"),
    ("probabilities", "before round 1, what policy returns has exponentials"),
    ("nan", "after round 20, what policy returns has exponentials that sum to nan at prompt 0"),
    ("slot 2", "the policy of slot 2 from act has exponentials that sum to 0."),
]
MORE = [
    ("slot 1 late", "in round 21, the policy of slot 1 from act has exponentials that sum to 0.904837418"),
    ("all zero", "before round 1, what policy returns has exponentials that sum to 3 at prompt 0"),
    ("infinite", "after round 20, what policy returns has exponentials that sum to inf"),
    ("nothing", "after round 20, what policy returns has exponentials that sum to 0 "),
    ("a little", "after round 20, what policy returns"),
]


@pytest.mark.parametrize(
    ("how", "words"), [*ROUNDS, *(pytest.param(*case, marks=pytest.mark.thorough) for case in MORE)]
)
def test_a_policy_that_is_none_is_refused_in_the_loop(how, words):
    sentence = complaint(ByRounds(how=how))
    assert words in sentence
    assert HONEST in sentence


@pytest.mark.parametrize("learner", [ByBatches, Collects])
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("shifted", "after iteration 1, what policy returns"),
        ("slot 2", "in iteration 1, the policy of slot 2"),
        pytest.param("nan", "after iteration 20, what policy returns", marks=pytest.mark.thorough),
        pytest.param("probabilities", "after iteration 1, what policy", marks=pytest.mark.thorough),
    ],
)
def test_a_policy_that_is_none_is_refused_in_batches(learner, how, words):
    options = {"checkpoints": np.arange(1, 31)} if learner is ByBatches else {}
    sentence = complaint(learner(how=how), **options)
    assert words in sentence
    assert HONEST in sentence


SHAPES = [
    (
        "one array",
        "act returns one float64 array of shape (2, 3); it must return two log-policies [S, A] = [2, 3]",
    ),
    ("three", "act returns a tuple of 3"),
    (
        "flat",
        "the policy of slot 2 from act is one float64 array of shape (3,); it must be a float64 log-policy",
    ),
    ("float32", "the policy of slot 1 from act is one float32 array"),
    ("list", "the policy of slot 2 from act is a list"),
    ("rows", "what policy returns is one float64 array of shape (3, 2)"),
    (
        "longer",
        "the state['n'] from one float64 array of shape (2,) to one float64 array of shape (3,)",
    ),
    (
        "whole",
        "observe changes the state['n'] from one float64 array of shape (2,) to one int32 array of shape (2,)",
    ),
    ("more", "observe returns a state of another structure than init"),
    ("words", "the state['words'] that init returns is a str; a state is a pytree of arrays and numbers"),
    ("unnamed", "diagnose has no 'seen'; it must return a number for each declared diagnostic: seen"),
    ("many", "the diagnostic 'seen' has shape (2,); it must be one number"),
]


@pytest.mark.parametrize("learner", [ByRounds, ByBatches, pytest.param(Collects, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(("how", "words"), SHAPES)
def test_a_wrong_shape_is_one_sentence(learner, how, words):
    assert words in complaint(learner(how=how), rounds=3)


@pytest.mark.parametrize("learner", [ByRounds, pytest.param(ByBatches, marks=pytest.mark.thorough)])
def test_a_column_that_is_not_a_number_is_no_result(learner):
    sentence = complaint(learner(how="not a number"), checkpoints=np.arange(1, 31))
    assert "seen is not a number after 20 labels of run 0" in sentence


class Twice(samplers.Own):
    """2 log_own in place of log_own, by inheritance: numba must not play it as `Own`."""

    def log_policy(self, world, reward, log_own, prompt=None):
        return 2.0 * super().log_policy(world, reward, log_own, prompt)


@parameters
class WithASampler(Sentence):
    nested: bool = False

    def parts(self):
        first = samplers.BestOf(n=2, of=Twice()) if self.nested else Twice()
        return Parts(model=Tabular(), first=first)


def test_an_own_sampler_of_twice_the_logarithm_is_refused():
    learner = WithASampler()
    assert choose_engine("auto", learner, WORLD) == "jax"
    assert "before round 1, what policy returns has exponentials that sum to 0." in complaint(learner)


class UniformDPO(OnlineDPO):
    """Says it learns, and plays something else: the kernel of what it derives from is not its own."""

    def policy(self, state, world):
        return jnp.full(world.log_ref.shape, -jnp.log(3.0))


class OtherLoss(losses.Logistic):
    def slope(self, u):
        return 2.0 * super().slope(u)


class OtherBonus(bonuses.ReferenceDraws):
    def increment(self, world, comparison):
        return 0.0, jnp.zeros(world.log_ref.shape[1])


class OtherSchedule(schedules.Every):
    def refits(self, t):
        return t == 7


class OtherClass(Tabular):
    def fit(self, data, world, objective, prompt=None):
        return super().fit(data, world, objective, prompt)


def test_numba_does_not_play_the_parent_of_what_was_overridden():
    assert choose_engine("auto", OnlineDPO(), WORLD) == "numba"
    assert choose_engine("auto", UniformDPO(), WORLD) == "jax"
    assert UniformDPO().kernel(WORLD) is None
    with pytest.raises(sb.SimbenchError, match="UniformDPO has no numba kernel"):
        choose_engine("numba", UniformDPO(), WORLD)
    assert WithASampler(nested=True).kernel(WORLD) is None
    for part in (OtherLoss(), OtherBonus(alpha=1.0), OtherSchedule(period=2)):
        assert part.code is None
    assert OtherClass().kernel(WORLD, Parts(model=OtherClass())) is None


def test_a_twin_of_ones_own_counts():
    class Mine(Twice):
        def program(self, tables, world):
            return samplers.Own.program(self, tables, world)

    class Renamed(OnlineDPO):
        """Overrides nothing."""

    assert Mine().program([], WORLD) is not None
    assert choose_engine("auto", Renamed(), WORLD) == "numba"


def test_what_a_kernel_emits_is_checked_at_checkpoints():
    """A kernel of a learner's own whose policy is none: its first checkpoint refuses it."""

    class Broken(Reference):
        def kernel(self, world):
            kernel = super().kernel(world)
            kernel.pattern.log_policy[0] += 0.5
            return kernel

    class Leaky(Reference):
        def kernel(self, world):
            kernel = super().kernel(world)
            kernel.pattern.policy[1] *= 0.5
            return kernel

    assert "after round 1, what deployed returns has exponentials that sum to 1.648" in complaint(Broken())
    assert "after round 1, what policy returns has exponentials that sum to 0.5 at prompt 1" in complaint(
        Leaky()
    )


@parameters
class Steps(Counting, IterativeMethod):
    how: str = ""
    diagnostics = ("seen",)
    draws = False

    @property
    def averages(self):
        return self.how == "odd steps"

    def init(self, world, key):
        return {"words": jnp.zeros(()), "n": jnp.zeros(2)}

    def step(self, state, world, key, i):
        return self.observe(state, world, None)

    def policy(self, state, world):
        if self.how == "odd steps":
            return jnp.asarray(world.log_ref) + 0.1 * (state["n"][0] % 2)
        return super().policy(state, world)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("nan", "after step 30, what policy returns has exponentials that sum to nan"),
        ("odd steps", "up to iteration 30, the policies charged have a mean that sums to 1.05258"),
        ("longer", "step changes the state['n'] from one float64 array of shape (2,)"),
        ("rows", "what policy returns is one float64 array of shape (3, 2)"),
    ],
)
def test_an_iterative_method_is_checked_likewise(how, words):
    with pytest.raises(sb.SimbenchError) as refusal:
        run_block(WORLD, Steps(how=how), rounds=30, runs=[0], checkpoints=np.array([30]))
    assert str(refusal.value).startswith("Steps: ")
    assert words in str(refusal.value)
