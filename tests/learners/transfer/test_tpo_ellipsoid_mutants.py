"""Every mistake about the ellipsoid in docs/mutants.md parts from the oracle of TPO within 80 rounds."""

import functools

import pytest

from tests import naive
from tests.engine.rounds import assert_same, naive_rounds
from tests.engine.test_tpo_ellipsoid import twins, world_of
from tests.learners.test_mutants import rows
from tests.learners.transfer.tpo_ellipsoid_mutants import MUTANTS

ROUNDS, RUN = 80, 1


@functools.cache
def world():
    return world_of()


def play(slow):
    return naive_rounds(naive.naive_run, world(), slow, rounds=ROUNDS, run=RUN)


@functools.cache
def expected(model, words):
    return play(twins(model, **dict(words))[1])


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_told_from_tpo(name):
    """The kernels' right oracle is the one of tests/engine/test_tpo_ellipsoid.py, on the same world and run."""
    mutant = MUTANTS[name]
    mistaken = twins(mutant.model, oracle=mutant.oracle, **dict(mutant.words))[1]
    played = play(mistaken)  # without complaint: it is the comparison that tells
    with pytest.raises(AssertionError):
        assert_same(expected(mutant.model, mutant.words), played, world().reward_bound)


def test_the_document_lists_these_mutants():
    assert [row[0] for row in rows("Told apart from TPO by the ellipsoid")] == list(MUTANTS)
