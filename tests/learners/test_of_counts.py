"""A class fitted to counts of labels is the class fitted to the labels one by one."""

import jax.numpy as jnp
import numpy as np
import pytest

import simbench as sb
from simbench.learners import parts
from simbench.learners.parts.function_class import Counts, Objective
from simbench.learners.protocols.round import Comparison

CLASSES = {
    "tabular": ("random_tabular", parts.Tabular(ridge=1.0)),
    "box": ("random_tabular", parts.Box(ridge=1.0)),
    "linear": ("random_linear", parts.Linear(ridge=1.0, radius=2.0)),
    "finite": ("random_finite", parts.Finite()),
}
LABELS = [(0, 0, 1, True), (0, 1, 2, False), (1, 2, 0, True), (1, 1, 1, True), (0, 0, 1, True)]


@pytest.mark.parametrize(
    "bonus", [parts.NoBonus(), parts.ReferenceDraws(alpha=0.3)], ids=["plain", "optimistic"]
)
@pytest.mark.parametrize("name", CLASSES)
def test_counts_and_labels_give_the_same_fit(name, bonus):
    family, function_class = CLASSES[name]
    world = sb.make(family, prompts=2, responses=3, beta=0.5)
    objective = Objective(parts.Logistic(), bonus)
    with sb.float64():
        data = start = function_class.start(world, objective)
        wins, mass, credit = np.zeros((2, 3, 3)), np.zeros(2), np.zeros((2, 3))
        for t, (s, first, second, won) in enumerate(LABELS):
            comparison = Comparison(s, first, second, jnp.asarray(won), t)
            data = function_class.record(data, world, objective, comparison)
            wins[s, first if won else second, second if won else first] += 1
            if bonus.active:
                weight, row = bonus.increment(world, comparison)
                mass[s] += weight
                credit[s] += row
        counted = function_class.of_counts(
            start, world, objective, Counts(*map(jnp.asarray, (wins, mass, credit)))
        )
        _, reward, solved = function_class.fit(data, world, objective)
        _, of_counts, also_solved = function_class.fit(counted, world, objective)
    assert bool(solved)
    assert bool(also_solved)
    np.testing.assert_allclose(of_counts, reward, atol=1e-11)


def test_a_class_that_takes_labels_only_one_by_one_says_so():
    class Mine(parts.FunctionClass):
        start = record = fit = None

    with pytest.raises(sb.SimbenchError, match="Mine cannot be fitted to counts"):
        Mine().of_counts(None, None, None, None)
