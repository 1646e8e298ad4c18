"""Batches of labels: what is drawn, what is charged, what the columns say, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench.bandit import draw_wins_numpy
from simbench.engine import batches, log_checkpoints, run_batches, run_block
from simbench.errors import SimbenchError
from simbench.learners import BatchLearner
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.learners.online.constant import Reference
from simbench.precision import float64
from simbench.quantities import preference
from simbench.registry import parameters
from simbench.tape import run_key
from simbench.worlds import make
from tests.naive import world as naive

WORLD = make("random_tabular", prompts=2, responses=3, beta=0.5)
LABELS = 200


@parameters
class Counter(BatchLearner):
    """Greedy on win shares, against the reference: its policy changes with every batch."""

    sharpness: float = 2.0
    broken: str = ""
    diagnostics = ("labels_seen",)

    def check(self, world):
        if self.broken == "check":
            raise SimbenchError("this world is not for me.")

    def init(self, world):
        return jnp.zeros((world.prompts, world.responses, world.responses))

    def act(self, state, world):
        policy = self.policy(state, world)
        log_ref = jnp.asarray(world.log_ref)
        return {"nan": policy * jnp.nan, "sum": policy - 0.1}.get(self.broken, policy), log_ref

    def observe(self, state, world, wins):
        return state + wins

    def policy(self, state, world):
        played = state.sum(axis=2) + state.sum(axis=1)
        logits = world.log_ref + self.sharpness * state.sum(axis=2) / jnp.maximum(played, 1)
        return logits - jnp.log(jnp.sum(jnp.exp(logits), axis=1, keepdims=True))

    def diagnose(self, state):
        return {"labels_seen": state.sum()}


@pytest.fixture(scope="module")
def table():
    return run_batches(WORLD, Counter(), labels=LABELS, runs=range(3), quantities=("value_gap",), block=3)


def of_run(table, run):
    return {name: column[table["run"] == run] for name, column in table.items()}


def test_one_iteration_a_checkpoint(table):
    marks = log_checkpoints(LABELS)
    for run in range(3):
        rows = of_run(table, run)
        np.testing.assert_array_equal(rows["labels"], marks)
        np.testing.assert_array_equal(rows["iteration"], 1 + np.arange(marks.size))
        np.testing.assert_array_equal(rows["round"], rows["iteration"])
        np.testing.assert_array_equal(rows["labels_seen"], marks)


def test_the_columns_are_those_of_rounds(table):
    rounds = run_block(
        WORLD, Reference(), rounds=2, runs=[0], block=3, engine="numba", quantities=("value_gap",)
    )
    assert list(table) == [*rounds, "labels_seen"]


def test_labels_are_charged_the_gap_of_the_policy_that_asked_for_them(table):
    """The policy deployed after one iteration asks in the next; before the first it is ref."""
    gap_of_ref = naive.value_gap(WORLD, WORLD.log_ref)
    for run in range(3):
        rows = of_run(table, run)
        sizes = np.diff(rows["labels"], prepend=0)
        asked = np.concatenate([[gap_of_ref], rows["value_gap"][:-1]])
        np.testing.assert_allclose(rows["regret"], np.cumsum(sizes * asked), rtol=1e-12)
    assert (rows["value_gap"] != gap_of_ref).any()


def replayed(run):
    """The same learner in plain NumPy on the counts of the NumPy dialect: policies before each batch."""
    with float64():
        likes = np.asarray(preference(WORLD))
    key, seen, asked = run_key(seed=0, instance=0, run=run), np.zeros((2, 3, 3)), []
    for batch, size in enumerate(np.diff(log_checkpoints(LABELS), prepend=0).tolist()):
        played = np.maximum(seen.sum(2) + seen.sum(1), 1)
        asked.append(naive.log_softmax(WORLD.log_ref + 2.0 * seen.sum(2) / played))
        first, second = np.exp(asked[-1]), np.exp(WORLD.log_ref)
        seen = seen + draw_wins_numpy(
            key, batch, size, weights=WORLD.rho, first=first, second=second, preference=likes
        )
    return asked


def test_the_whole_run_vs_numpy(table):
    """Counts from the kernel and learner in JAX, against counts and learner in NumPy."""
    for run in range(3):
        asked = replayed(run)
        sizes = np.diff(log_checkpoints(LABELS), prepend=0)
        rows = of_run(table, run)
        for column, gap in (
            ("regret", naive.value_gap), ("reward_regret", naive.reward_gap), ("argmax_regret", naive.argmax_gap)
        ):  # fmt: skip
            charged = np.cumsum(sizes * [gap(WORLD, log_policy) for log_policy in asked])
            np.testing.assert_allclose(rows[column], charged, rtol=1e-9, atol=1e-12)
        mean = np.log(sum(size * np.exp(policy) for size, policy in zip(sizes, asked, strict=True)) / LABELS)
        np.testing.assert_allclose(rows["average_value_gap"][-1], naive.value_gap(WORLD, mean), rtol=1e-9)


def test_a_run_does_not_depend_on_its_neighbours(table):
    alone = run_batches(WORLD, Counter(), labels=LABELS, runs=[1], quantities=("value_gap",), block=3)
    for name, column in of_run(table, 1).items():
        np.testing.assert_array_equal(alone[name], column)


def test_run_block_plays_batch_learners(table):
    played = run_block(WORLD, Counter(), rounds=LABELS, runs=range(3), quantities=("value_gap",), block=3)
    for name, column in table.items():
        np.testing.assert_array_equal(played[name], column)
    with pytest.raises(SimbenchError, match="Counter has no numba kernel"):
        run_block(WORLD, Counter(), rounds=LABELS, runs=[0], engine="numba")


def test_the_kernels_counts_vs_numpy():
    """Different policies in every run, a prompt that is never labelled, batches up to 1e12."""
    world = WORLD.replace(train_rho=[1.0, 0.0])
    rng = np.random.default_rng(0)
    first, second = (rng.dirichlet(np.ones(3), (4, 2)) for _ in range(2))
    keys = [run_key(seed=0, instance=0, run=run) for run in range(4)]
    with float64():
        likes = np.asarray(preference(world))
    for batch, labels in enumerate([1, 50, 10**9, 10**12]):
        wins = batches.draw_block(world, np.array(keys), batch, labels, first, second, likes)
        assert not wins[:, 1].any()
        for run, key in enumerate(keys):
            expected = draw_wins_numpy(
                key, batch, labels, weights=[1.0, 0.0], first=first[run], second=second[run], preference=likes
            )
            np.testing.assert_array_equal(wins[run], expected)


@pytest.mark.thorough
def test_the_devices_counts_are_the_kernels(monkeypatch):
    """What an accelerator would draw, in turns of two runs, on this machine's JAX."""
    rng = np.random.default_rng(1)
    first, second = (rng.dirichlet(np.ones(3), (5, 2)) for _ in range(2))
    keys = np.array([run_key(seed=0, instance=0, run=run) for run in range(5)])
    with float64():
        likes = np.asarray(preference(WORLD))
        here = batches.draw_block(WORLD, keys, 3, 10**8, first, second, likes)
        monkeypatch.setattr(batches.jax, "default_backend", lambda: "gpu")
        monkeypatch.setattr(batches, "CELLS", 2 * likes.size)
        there = batches.draw_block(WORLD, keys, 3, 10**8, first, second, likes)
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": 10**13}, "at most 1000000000000"),
        ({"labels": 0}, "at least 1"),
        ({"runs": range(9)}, "holds between 1 and 3"),
        ({"quantities": ("value_gpa",)}, "value_gap"),
        ({"checkpoints": np.array([5, 3])}, "increasing"),
        ({"learner": Counter(broken="check")}, "not for me"),
        ({"learner": Counter(broken="nan")}, "Counter: in iteration 1, the policy of slot 1 .* nan"),
        ({"learner": Counter(broken="sum")}, "Counter: in iteration 1, the policy of slot 1 .* sum to 1"),
    ],
    ids=str,
)
def test_refusals(changes, words):
    given = {"learner": Counter(), "labels": LABELS, "runs": range(3), "quantities": ("value_gap",)} | changes
    with pytest.raises(SimbenchError, match=words):
        run_batches(WORLD, given.pop("learner"), **given, block=3)


class Counting(OfflineMLE):
    """The same learner, by another name: what is compiled for it is compiled here."""


def test_a_step_is_compiled_once():
    """Though the state is of weak types in part."""
    world = make("random_tabular", prompts=2, responses=4, beta=0.5)
    before = batches._step.jitted()._cache_size()
    run_block(world, Counting(), rounds=1000, runs=[0, 1], checkpoints=np.array([10, 100, 1000]), block=4)
    assert batches._step.jitted()._cache_size() == before + 1
