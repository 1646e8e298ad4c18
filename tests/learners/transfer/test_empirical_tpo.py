"""Empirical TPO: against the naive oracle on the same tape, at its edges, and with mistakes that must be noticed."""

import jax.numpy as jnp
import numpy as np
import pytest

from simbench.bandit import Bandit
from simbench.engine import run_block
from simbench.errors import SimbenchError
from simbench.learners.transfer import empirical_tpo
from simbench.learners.transfer.annotation import arms, collection, optimiser, responses
from simbench.learners.transfer.empirical_tpo import EmpiricalTPO
from simbench.precision import float64
from simbench.registry import configure
from tests.learners.test_mutants import rows
from tests.learners.transfer.annotated import (
    RUN,
    SEED,
    assert_same,
    compiled,
    played,
    small_world,
    with_duplicates,
)
from tests.naive import world as naive
from tests.naive.empirical_tpo import NaiveEmpiricalTPO

LABELS = 260  # three iterations of 100, the last one short; chunks of 30, the last of each one short, too
PLAIN = EmpiricalTPO(prompts=100, refresh=30, source_samples=9, ridge=2.0, against=("none", "worst", "all"))
SMALL = small_world()


@pytest.fixture(scope="module")
def plain():
    return compiled(PLAIN)


def all_equal(world):
    """Every response is the best and the worst of its eight."""
    return world.replace(reward=np.full(world.reward.shape, 0.5))


@pytest.mark.parametrize(
    "world",
    [SMALL, with_duplicates(SMALL), all_equal(SMALL)],
    ids=["plain", "duplicates", "all tied"],
)
def test_pairs_and_policies_vs_naive(world, plain):
    assert_same(PLAIN, world, LABELS, played(PLAIN, world, LABELS, plain))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "ipo"},
        pytest.param({"optimiser": "xpo", "alpha": 0.02}, marks=pytest.mark.exhaustive),
        pytest.param({"optimiser": "xpo", "alpha": -0.02}, marks=pytest.mark.exhaustive),
        {"reference": "kept"},
        {"source_policy": "exact"},
        pytest.param({"null_reward": 0.55, "exploration": 0.3}, marks=pytest.mark.exhaustive),
        pytest.param({"exploration": 0.0}, marks=pytest.mark.exhaustive),
        pytest.param({"arms": "best"}, marks=pytest.mark.exhaustive),
        pytest.param({"arms": "worst"}, marks=pytest.mark.exhaustive),
        pytest.param({"arms": "none"}, marks=pytest.mark.exhaustive),
        pytest.param({"arms": 1}, marks=pytest.mark.exhaustive),
        pytest.param({"refresh": 1}, marks=pytest.mark.exhaustive),
        pytest.param({"refresh": 200}, marks=pytest.mark.exhaustive),
        pytest.param({"source_samples": 4}, marks=pytest.mark.exhaustive),
        pytest.param({"prompts": 1}, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_every_parameter_vs_naive(changes):
    given = {"prompts": 100, "refresh": 30, "source_samples": 9, "ridge": 2.0} | changes
    learner = EmpiricalTPO(**given)
    labels = 3 if given["prompts"] == 1 else LABELS
    assert_same(learner, SMALL, labels, played(learner, SMALL, labels))


def edge(sources, prompts=2, responses=3, seed=1):
    rng = np.random.default_rng(seed)
    shape = (prompts, responses)
    return Bandit(
        rho=np.full(prompts, 1 / prompts),
        log_ref=np.log(rng.dirichlet(np.ones(responses), prompts)),
        reward=rng.random(shape),
        beta=0.3,
        sources=None if sources is None else rng.random((sources, *shape)),
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    "world",
    [
        edge(None),
        edge(64),
        edge(1, responses=1),
        pytest.param(edge(2, prompts=1), marks=pytest.mark.exhaustive),
        pytest.param(edge(2, prompts=1, responses=1), marks=pytest.mark.exhaustive),
        pytest.param(edge(2, responses=70), marks=pytest.mark.exhaustive),
        pytest.param(edge(2).replace(train_rho=[1.0, 0.0]), marks=pytest.mark.exhaustive),
        pytest.param(
            edge(2).replace(log_ref=[[-np.inf, np.log(0.5), np.log(0.5)], [0.0, -np.inf, -np.inf]]),
            marks=pytest.mark.exhaustive,
        ),
    ],
    ids=[
        "no sources",
        "64 sources",
        "one response",
        "one prompt",
        "one cell",
        "70 responses",
        "no labels",
        "no support",
    ],
)
def test_edges_vs_naive(world):
    learner = EmpiricalTPO(prompts=150, refresh=1 if world.sources is not None else 40, source_samples=6)
    assert_same(learner, world, 300, played(learner, world, 300))


def test_win_rates_pulls_and_skipped_pairs(plain):
    """What is reported is what the policies and the pairs of both sides say."""
    alone = played(PLAIN, SMALL, LABELS, plain)
    with float64():
        names = PLAIN.named_diagnostics(SMALL)
    for iteration in alone:
        assert set(iteration.numbers) == set(names)
        assert float(iteration.numbers["win_rate_against_all"]) == pytest.approx(0.5, abs=1e-15)
        assert (
            float(iteration.numbers["skipped_pairs"])
            == len(iteration.pairs.prompt) - iteration.pairs.kept.sum()
        )
        pulls = [iteration.numbers[f"pulls_source_{w}"] for w in range(3)] + [iteration.numbers["pulls_null"]]
        np.testing.assert_array_equal(np.asarray(pulls, dtype=float), iteration.pulls)
        assert iteration.pulls.sum() == len(iteration.pairs.prompt)


def win_rate(world, log_policy, log_opponent):
    pi, other = np.exp(log_policy), np.exp(log_opponent)
    return sum(
        world.rho[s] * pi[s, a] * other[s, b] * naive.preference(world, s, a, b)
        for s in range(world.prompts)
        for a in range(world.responses)
        for b in range(world.responses)
    )


def test_the_engine_plays_the_learner_and_its_baselines():
    """Columns of the engine, against the oracle's policies: charged and deployed gaps, the win rate against none."""
    learner = EmpiricalTPO(prompts=100, refresh=30, source_samples=9, ridge=2.0, against=("none",))
    table = run_block(
        SMALL, learner, rounds=LABELS, runs=[RUN, 7], seed=SEED, block=2, quantities=("value_gap",)
    )
    rows = {name: column[table["run"] == RUN] for name, column in table.items()}
    given = {"seed": SEED, "run": RUN, "prompts": 100, "refresh": 30, "source_samples": 9, "ridge": 2.0}
    ours, without = (
        [one.log_policy for one in NaiveEmpiricalTPO(SMALL, arms=which, **given).play(LABELS)]
        for which in ("all", "none")
    )
    np.testing.assert_array_equal(rows["labels"], [100, 200, 260])
    np.testing.assert_allclose(rows["value_gap"], [naive.value_gap(SMALL, pi) for pi in ours], atol=1e-9)
    charged = [naive.value_gap(SMALL, pi) for pi in (SMALL.log_ref, *ours[:2])]
    np.testing.assert_allclose(rows["regret"], np.cumsum([100, 100, 60] * np.array(charged)), rtol=1e-9)
    np.testing.assert_allclose(
        rows["win_rate_against_none"],
        [win_rate(SMALL, *both) for both in zip(ours, without, strict=True)],
        atol=1e-9,
    )


# Mistakes, each of which must part from the oracle of the learner that it is mistaken for


def first_of_equals(extreme, u):
    return jnp.argmax(extreme)


def flipped(null, won, null_reward):
    return jnp.where(null, won.astype(float), null_reward)


def null_like_a_source(null, won, null_reward):
    return won.astype(float)


def of_the_chosen(world, function_class, goal, log_base, pairs):
    return optimiser.optimise(world, function_class, goal, log_base, pairs._replace(comparator=pairs.chosen))


def backwards(world, function_class, goal, log_base, pairs):
    exchanged = pairs._replace(chosen=pairs.rejected, rejected=pairs.chosen)
    return optimiser.optimise(world, function_class, goal, log_base, exchanged)


RIGHT = {"prompts": 100, "refresh": 30, "source_samples": 9, "ridge": 2.0}
XPO = {"optimiser": "xpo", "alpha": 0.02}
# name: parameters of the right learner, of the mutant, and where a function is replaced by which
MUTANTS = {
    "reference kept when it should follow": ({}, {"reference": "kept"}, None),
    "reference follows when it should stay": ({"reference": "kept"}, {"reference": "previous"}, None),
    "ties to the first": ({}, {}, (responses, "tied", first_of_equals)),
    "threshold flipped": ({}, {}, (collection, "payments", flipped)),
    "null arm paid like a source": ({}, {}, (collection, "payments", null_like_a_source)),
    "released null payment under the paper's name": ({}, {"null_reward": 0.55}, None),
    "pairs backwards": ({}, {}, (empirical_tpo, "optimise", backwards)),
    "bonus of xpo on the chosen response": (XPO, XPO, (empirical_tpo, "optimise", of_the_chosen)),
    "bonus of xpo with the released sign": (XPO, XPO | {"alpha": -0.02}, None),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", MUTANTS)
def test_mistakes_are_told_from_the_right_learner(name, monkeypatch):
    right, wrong, patch = MUTANTS[name]
    if patch:
        monkeypatch.setattr(*patch)
    mutant = EmpiricalTPO(**(RIGHT | wrong))
    iterations = played(mutant, with_duplicates(SMALL), LABELS)
    with pytest.raises(AssertionError):
        assert_same(EmpiricalTPO(**(RIGHT | right)), with_duplicates(SMALL), LABELS, iterations)


def test_the_document_lists_these_mistakes():
    assert [row[0] for row in rows("Told apart pair by pair")] == list(MUTANTS)


# Parts


def test_the_foremost_of_many():
    """Against a stable sort, with equal scores."""
    rng = np.random.default_rng(0)
    for size in (4, 5, 32):
        scores, values = rng.integers(0, 6, size) / 8, rng.integers(0, 99, size)
        order = sorted(range(size), key=lambda j: (-scores[j], j))[:4]
        with float64():
            np.testing.assert_array_equal(
                responses.foremost(jnp.asarray(scores), jnp.asarray(values), 4), values[order]
            )


def test_ties_are_fair():
    """Each of k tied positions for a k-th of an even grid of uniforms, exactly."""
    extreme = np.array([False, True, True, False, True])
    grid = (np.arange(300) + 0.5) / 300
    with float64():
        places = np.asarray(responses.tied(jnp.asarray(extreme), jnp.asarray(grid)))
    np.testing.assert_array_equal(np.bincount(places, minlength=5), [0, 100, 100, 0, 100])


def test_the_arm_of_largest_index_the_first_of_equals():
    tally = arms.Tally(jnp.array([4.0, 4.0, 16.0, 0.0]), jnp.array([2.0, 2.0, 12.0, 0.0]))
    all_arms = np.array([True, True, True, True])
    assert arms.promising_arm(tally, all_arms, 1.0) == 3  # not pulled yet
    three = np.array([True, True, True, False])
    assert arms.promising_arm(tally, three, 1.0) == 0  # .5 + .5 = .75 + .25: a tie of three
    assert arms.promising_arm(tally, three, 0.5) == 2
    assert arms.promising_arm(tally, np.array([False, True, True, False]), 1.0) == 1


@pytest.mark.parametrize(
    ("world", "changes", "words"),
    [
        (edge(None), {"arms": "best"}, "arms is 'best'; this world has no sources"),
        (edge(None), {"against": ["worst"]}, "arms is 'worst'; this world has no sources"),
        (edge(2), {"arms": 2}, "arms is 2; this world has sources 0 to 1"),
        (edge(2), {"model": "linear"}, "features"),
        (edge(2), {"source_samples": 3}, "source_samples is 3"),
        (edge(2), {"against": ["none", "none"]}, "named once"),
        (edge(2), {"arms": "bset"}, "arms"),
        (edge(2), {"arms": True}, "arms"),
        (edge(2), {"null_reward": 1.5}, "null_reward"),
    ],
    ids=str,
)
def test_refusals(world, changes, words):
    def play():
        learner = configure("learner", "empirical_tpo", changes, "study")
        run_block(world, learner, rounds=10, runs=[0], block=1)

    with pytest.raises(SimbenchError, match=words):
        play()


def test_too_many_labels_for_the_tape():
    with pytest.raises(SimbenchError, match="4294967296 at most"):
        run_block(SMALL, EmpiricalTPO(prompts=10**9), rounds=2**33, runs=[0], block=1)
