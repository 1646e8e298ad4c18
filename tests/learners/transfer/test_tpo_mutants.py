"""Every mistake about transfer in docs/mutants.md parts from the oracle of TPO within 80 rounds; the kernel does not.

A kernel that makes the mistake would play what the mistaken oracle plays, so it is the oracle that is mistaken here.
"""

import functools

import pytest

from simbench.learners.transfer.tpo import TPO
from tests import naive
from tests.engine.rounds import assert_same, naive_rounds, numba_rounds
from tests.engine.test_tpo import DEFAULT, world_of
from tests.learners.test_mutants import rows
from tests.learners.transfer.tpo_mutants import MUTANTS

GROWTH, ROUNDS, RUN = 1.3, 80, 1
WORDS = list(dict.fromkeys(mutant.words for mutant in MUTANTS.values()))


@functools.cache
def world():
    return world_of()


def played(kind, words):
    slow = kind(**DEFAULT | dict(words), refresh=naive.Geometric(GROWTH))
    return naive_rounds(naive.naive_run, world(), slow, rounds=ROUNDS, run=RUN)


@functools.cache
def expected(words):
    return played(naive.NaiveTPO, words)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_told_from_tpo(name):
    mutant = MUTANTS[name]
    mistaken = played(mutant.oracle, mutant.words)  # without complaint: it is the comparison that tells
    with pytest.raises(AssertionError):
        assert_same(expected(mutant.words), mistaken, world().reward_bound)


@pytest.mark.thorough
@pytest.mark.parametrize("words", WORDS, ids=str)
def test_the_kernel_passes_the_same_check(words):
    learner = TPO(**DEFAULT | dict(words), refresh_growth=GROWTH)
    kernel = numba_rounds(world(), learner, rounds=ROUNDS, run=RUN)
    assert_same(expected(words), kernel, world().reward_bound)


def test_the_document_lists_these_mutants():
    assert [row[0] for row in rows("Told apart from TPO")] == list(MUTANTS)
