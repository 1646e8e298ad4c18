"""Batches of labels: the definition, the law of single labels, the same integers in every dialect."""

import jax
import numpy as np
import pytest
from scipy import stats

from simbench.bandit import Bandit, draw_wins_jax, draw_wins_numba, draw_wins_numpy, prompt_weights
from simbench.precision import float64
from simbench.tape import run_key
from tests.naive.batch import draw_wins as naive_draw_wins

SIZES = [0, 1, 7, 1000, 10**9, 10**12]


def instance(seed: int, prompts: int = 3, responses: int = 4):
    """Weights, two policies with holes in their support, and preferences, all random."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(prompts))
    first, second = (rng.dirichlet(np.full(responses, 0.6), prompts) for _ in range(2))
    first[0, 1] = second[0, -1] = weights[1] = 0.0
    reward = rng.random((prompts, responses))
    preference = 1 / (1 + np.exp(reward[:, None, :] - reward[:, :, None]))
    policies = {"first": first / first.sum(1, keepdims=True), "second": second / second.sum(1, keepdims=True)}
    return {"weights": weights / weights.sum(), **policies, "preference": preference}


def key(run: int):
    return run_key(seed=0, instance=0, run=run)


def cell_probabilities(given) -> np.ndarray:
    """P(label at s, a preferred to b): (a, b) shown and a wins, or (b, a) shown and a wins all the same."""
    shown = given["weights"][:, None, None] * given["first"][:, :, None] * given["second"][:, None, :]
    return shown * given["preference"] + np.swapaxes(shown * (1 - given["preference"]), 1, 2)


@pytest.mark.parametrize("labels", SIZES)
def test_numpy_vs_naive(labels):
    given = instance(labels % 17)
    expected = naive_draw_wins(key(1), 5, labels, **given)
    np.testing.assert_array_equal(draw_wins_numpy(key(1), 5, labels, **given), expected)
    assert expected.sum() == labels


@pytest.mark.thorough
@pytest.mark.parametrize("labels", SIZES)
def test_numpy_vs_jax_on_many_runs(labels):
    given = instance(3)
    runs = 40
    keys = np.array([key(run) for run in range(runs)])
    with float64():
        drawn = np.asarray(_traced(keys, 2, labels, given))
    for run in range(runs):
        np.testing.assert_array_equal(drawn[run], draw_wins_numpy(key(run), 2, labels, **given))


@jax.jit
def _traced(keys, batch, labels, given):
    shared = {name: given[name] for name in ("weights", "preference")}
    own = {name: jax.numpy.broadcast_to(given[name], (len(keys), 3, 4)) for name in ("first", "second")}
    return draw_wins_jax(keys[:, 0], keys[:, 1], batch, labels, **shared, **own)


@pytest.mark.thorough
@pytest.mark.compiled
@pytest.mark.parametrize("labels", SIZES)
def test_numpy_vs_numba(labels):
    for run in range(20):
        given = instance(run)
        wins = np.full((3, 4, 4), 99, dtype=np.int64)
        draw_wins_numba(*key(run), 2, labels, *given.values(), wins)
        np.testing.assert_array_equal(wins, draw_wins_numpy(key(run), 2, labels, **given))


@pytest.mark.parametrize("labels", [5, 300])
def test_law_of_the_cells(labels):
    """Batches added up are one multinomial sample of single labels: chi-squared, false alarm 1e-6."""
    given = instance(1, prompts=2, responses=3)
    chance = cell_probabilities(given)
    batches = 400 if labels < 100 else 100
    total = sum(draw_wins_numpy(key(0), batch, labels, **given) for batch in range(batches))
    seen = chance > 0
    assert not total[~seen].any()
    expected = batches * labels * chance[seen]
    often = expected > 5
    observed = np.append(total[seen][often], total[seen][~often].sum())
    expected = np.append(expected[often], expected[~often].sum())
    kept = expected > 0
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > 1e-6


def test_law_of_a_billion_labels():
    """Every cell's count within seven standard deviations, and their spread as large as it must be.

    False alarm: 18 cells x 3e-12 for the first, 1e-6 each side for the second.
    """
    given = instance(1, prompts=2, responses=3)
    chance = cell_probabilities(given)
    seen = chance > 0
    scores = []
    for batch in range(60):
        wins = draw_wins_numpy(key(0), batch, 10**9, **given)
        spread = np.sqrt(1e9 * chance * (1 - chance))
        scores.append((wins - 1e9 * chance)[seen] / spread[seen])
    scores = np.array(scores)
    assert np.abs(scores).max() < 7
    rare = int(np.argmin(chance[seen]))  # one cell alone: its scores are independent over batches
    assert 1e-6 < stats.chi2.cdf((scores[:, rare] ** 2).sum(), 60) < 1 - 1e-6


def test_a_wrong_law_is_seen():
    """Control of the two tests above: one policy two thousandths off."""
    given = instance(1, prompts=2, responses=3)
    chance = cell_probabilities(given)
    wrong = given | {"second": given["second"] * 0.998 + 0.002 / 3}
    wins = draw_wins_numpy(key(0), 0, 10**9, **wrong)
    seen = chance > 0
    spread = np.sqrt(1e9 * chance * (1 - chance))
    assert np.abs((wins - 1e9 * chance)[seen] / spread[seen]).max() > 100


def test_batches_and_runs_differ():
    given = instance(0)
    drawn = [draw_wins_numpy(key(run), batch, 10**6, **given) for run in range(3) for batch in range(3)]
    assert len({wins.tobytes() for wins in drawn}) == 9


def test_certain_preferences_leave_no_chance():
    given = instance(2)
    better = np.triu(np.ones((4, 4)), 1) + 0.5 * np.eye(4)  # a lower index always wins
    wins = draw_wins_numpy(key(0), 0, 10**6, **given | {"preference": np.broadcast_to(better, (3, 4, 4))})
    assert not np.tril(wins.sum(0), -1).any()
    assert np.trace(wins.sum(0)) > 0  # self-pairs are labels


def test_prompts_of_labels_have_weights_of_their_own():
    world = Bandit(rho=[0.5, 0.5], log_ref=np.log(np.full((2, 2), 0.5)), reward=np.zeros((2, 2)), beta=1.0)
    np.testing.assert_array_equal(prompt_weights(world), world.rho)
    np.testing.assert_array_equal(prompt_weights(world.replace(train_rho=[0.1, 0.9])), [0.1, 0.9])
