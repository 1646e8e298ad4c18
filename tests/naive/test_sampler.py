"""The laws of the two slots against enumeration, and the schedules against lists written out."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.naive import (
    BestOf,
    Every,
    EveryRound,
    Fixed,
    Geometric,
    Mixture,
    OfflineFirst,
    Reference,
    Self,
    Source,
    Temperature,
    Uniform,
    WorstOf,
)
from tests.naive import world as naive
from tests.naive.instances import draw_world
from tests.naive.sampler import best_of_n

WORLD = draw_world(5)
RHAT = np.random.default_rng(6).random((3, 4))


def enumerated(p: np.ndarray, score: np.ndarray, draws: int) -> np.ndarray:
    """Every tuple of draws; the winner is one of its best draws, each equally likely."""
    law = np.zeros(len(p))
    for drawn in itertools.product(range(len(p)), repeat=draws):
        best = [a for a in drawn if score[a] == max(score[list(drawn)])]
        for a in best:
            law[a] += np.prod(p[list(drawn)]) / len(best)
    return law


@pytest.mark.parametrize("draws", [1, 2, 4])
@pytest.mark.parametrize(
    "score", [[0.1, 0.7, 0.3, 0.5], [0.2, 0.9, 0.2, 0.9], [0.4, 0.4, 0.4, 0.4], [0.9, 0.1, 0.1, 0.5]]
)
def test_best_of_n_is_its_enumeration(score, draws):
    score = np.array(score)
    for p in ([0.1, 0.2, 0.3, 0.4], [0.5, 0.0, 0.25, 0.25], [0.0, 0.0, 0.0, 1.0]):
        p = np.array(p)
        assert_allclose(best_of_n(p, score, draws), enumerated(p, score, draws), rtol=1e-12, atol=1e-15)
        log_p = np.log(np.maximum(p, 0), out=np.full(4, -np.inf), where=p > 0)[None]
        best, worst = (kind(draws, Fixed(log_p)) for kind in (BestOf, WorstOf))
        assert_allclose(
            np.exp(best.log_policy(None, score[None]))[0], enumerated(p, score, draws), atol=1e-15
        )
        assert_allclose(
            np.exp(worst.log_policy(None, -score[None]))[0], enumerated(p, score, draws), atol=1e-15
        )


def test_best_of_n_keeps_the_relative_accuracy_of_rare_responses():
    """One response of probability 1e-20, the best: it is found with probability n 1e-20."""
    assert_allclose(best_of_n(np.array([1e-20, 1.0]), np.array([1.0, 0.0]), 8)[0], 8e-20, rtol=1e-12)
    assert_allclose(best_of_n(np.array([0.01, 0.99]), np.array([0.0, 1.0]), 8)[0], 1e-16, rtol=1e-12)


def test_last_digits_make_no_difference_to_ties():
    p, score = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4 + 3e-13, 0.1])
    assert_allclose(best_of_n(p, score, 3), enumerated(p, score.round(6), 3), rtol=1e-12)


def test_temperature_and_source_are_gibbs_policies():
    assert_array_equal(Self().log_policy(WORLD, RHAT), naive.gibbs(WORLD, RHAT))
    hot = naive.gibbs(WORLD.replace(beta=3 * WORLD.beta), RHAT)
    assert_allclose(Temperature(3.0).log_policy(WORLD, RHAT), hot, atol=1e-14)
    assert_allclose(Temperature(1.0).log_policy(WORLD, RHAT), Self().log_policy(WORLD, RHAT), atol=1e-14)
    assert_array_equal(Source(1).log_policy(WORLD, RHAT), naive.gibbs(WORLD, WORLD.sources[1]))


def test_mixtures_mix_probabilities_and_keep_the_support():
    log_ref = np.log([[0.5, 0.5, 1.0]], out=np.full((1, 3), -np.inf), where=np.array([[True, True, False]]))
    world = draw_world(0, prompts=1, responses=3).replace(log_ref=log_ref)
    point = Fixed(np.array([[0.0, -np.inf, -np.inf]]))
    mixed = Mixture(0.25, point, Reference()).log_policy(world, None)
    assert_allclose(np.exp(mixed), [[0.625, 0.375, 0.0]], atol=1e-15)
    assert_allclose(np.exp(Uniform().log_policy(world, None)), [[0.5, 0.5, 0.0]], atol=1e-15)
    assert_array_equal(np.exp(Mixture(1.0, point, Reference()).log_policy(world, None)), [[1.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("schedule", "refits"),
    [
        (EveryRound(), list(range(1, 21))),
        (Every(7), [7, 14]),
        (Geometric(2.0), [1, 2, 4, 8, 16]),
        (Geometric(1.5), [1, 2, 3, 4, 6, 8, 12, 18]),
        (OfflineFirst(15, EveryRound()), [15, 16, 17, 18, 19, 20]),
        (OfflineFirst(6, Every(5)), [6, 11, 16]),
        (OfflineFirst(10, Geometric(3.0)), [11, 13, 19]),
        (OfflineFirst(0, Every(10)), [10, 20]),
    ],
)
def test_schedules_refit_after_these_labels(schedule, refits):
    assert [labels for labels in range(1, 21) if schedule.due(labels)] == refits
