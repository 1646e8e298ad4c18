"""Every mutant of docs/mutants.md is told from the right learner by the check that guards it.

The check is the one of tests/engine/test_sentences.py: 300 rounds on the tape of the naive oracle. A mutant must part
from the oracle, in its draws, its gaps or its policies, while the right sentence does not (one of each class here, all
of them in `thorough`). Mutants that are statements on runs are controls of claims, which `simbench claims` refutes.
"""

import functools
import re
from pathlib import Path

import pytest

from simbench import registry
from simbench.learners.sentence import Sentence
from simbench.verify.statistical import Statistical
from tests.engine.composed import compose
from tests.engine.rounds import assert_same, jax_rounds, naive_rounds, numba_rounds
from tests.learners.mutants import MUTANTS
from tests.naive import naive_run

ROUNDS, RUN = 300, 1
DOCUMENT = Path(__file__).parents[2] / "docs" / "mutants.md"


@functools.cache
def oracle(words, mutant_name):
    """The naive trace of the right sentence; `mutant_name` is any mutant of it."""
    _, slow = compose(**dict(words))
    return naive_rounds(naive_run, MUTANTS[mutant_name].played_world(), slow, rounds=ROUNDS, run=RUN)


def expected(name):
    mutant = MUTANTS[name]
    same = (
        one for one, other in MUTANTS.items() if (other.words, other.world) == (mutant.words, mutant.world)
    )
    return oracle(mutant.words, next(same))


def play(learner: Sentence, world):
    play_rounds = jax_rounds if learner.kernel(world) is None else numba_rounds
    return play_rounds(world, learner, rounds=ROUNDS, run=RUN)


def rightly(name):
    """One mutant per right sentence, to play the latter once."""
    first = {}
    for one, mutant in MUTANTS.items():
        first.setdefault((mutant.words, mutant.world), one)
    return name in first.values()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.thorough] if mutant.heavy else [])
        for name, mutant in MUTANTS.items()
    ],
)
def test_mutant_is_told_from_the_right_learner(name):
    mutant = MUTANTS[name]
    world = mutant.played_world()
    played = play(mutant.learner, world)  # without complaint: it is the comparison that tells
    with pytest.raises(AssertionError):
        assert_same(expected(name), played, world.reward_bound)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "xpo, wrong sign" else [pytest.mark.thorough])
        for name in MUTANTS
        if rightly(name)
    ],
)
def test_the_right_learner_passes_the_same_check(name):
    mutant = MUTANTS[name]
    world = mutant.played_world()
    right, _ = compose(**dict(mutant.words))
    assert_same(expected(name), play(right, world), world.reward_bound)


def rows(section):
    """The cells of the table under a heading of the document."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_document_lists_these_mutants():
    assert [row[0] for row in rows("Told apart round by round")] == list(MUTANTS)


def test_the_document_names_controls_of_claims():
    listed = rows("Refuted on runs")
    assert listed
    for _, claim, control in listed:
        known = registry.lookup("claim", re.sub("`", "", claim))
        assert issubclass(known, Statistical)
        assert control in [one.name for one in known.controls]
