"""Best-of-n, rejection sampling, excess mass, DPO loss and the largest gap against enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.precision import float64
from tests.quantities.instances import normalised, random_bandit, random_policy


def by_enumeration(ref, score, n):
    """The law of best-of-n by going through all A^n draws; equal best draws share the draw's probability."""
    law = np.zeros(len(ref))
    for draw in itertools.product(range(len(ref)), repeat=n):
        winners = [a for a in draw if score[a] == max(score[b] for b in draw)]
        for a in winners:
            law[a] += np.prod(ref[list(draw)]) / len(winners)
    return law


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("ties", [False, True])
def test_best_of_n_is_the_enumerated_law(n, ties):
    rng = np.random.default_rng(n)
    world = random_bandit(rng, prompts=2, responses=4, missing=True)
    score = rng.integers(2, size=(2, 4)).astype(float) if ties else rng.normal(size=(2, 4))
    with float64():
        law = np.exp(q.best_of_n(world, float(n), jnp.asarray(score)))
    for s in range(2):
        np.testing.assert_allclose(
            law[s], by_enumeration(np.exp(world.log_ref[s]), score[s], n), rtol=1e-12, atol=1e-15
        )


def test_best_of_n_keeps_the_digits_of_a_rare_best_response():
    log_ref = normalised([[0.0, -1.0, -600.0]])
    world = Bandit(rho=[1.0], log_ref=log_ref, reward=[[0.0, 0.5, 1.0]], beta=1.0)
    with float64():
        law = np.asarray(q.best_of_n(world, 7.0))
    assert law[0, 2] - log_ref[0, 2] == pytest.approx(np.log(7.0), rel=1e-13)
    np.testing.assert_allclose(np.exp(law).sum(), 1.0, rtol=1e-14)


def simulate_rejection(p, q_, threshold, n):
    """Follow the n proposals one at a time."""
    out, reached = np.zeros(len(p)), 1.0
    for _ in range(n):
        accepted = reached * q_ * np.minimum(1.0, p / (threshold * q_))
        out += accepted
        reached -= accepted.sum()
    return out + reached * q_


@pytest.mark.parametrize(("threshold", "n"), [(1.0, 1), (1.5, 4), (10.0, 30)])
def test_rejection_sampling_is_the_followed_chain(threshold, n):
    rng = np.random.default_rng(n)
    p, model = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
    with float64():
        law = np.exp(q.rejection_sampling(jnp.log(p)[None, :], jnp.log(model)[None, :], threshold, float(n)))
    np.testing.assert_allclose(law[0], simulate_rejection(p, model, threshold, n), rtol=1e-12)


@pytest.mark.thorough
def test_rejection_sampling_of_the_model_itself_accepts_at_once():
    log_p = normalised(np.random.default_rng(0).normal(size=(2, 4)))
    with float64():
        law = np.asarray(q.rejection_sampling(log_p, log_p, 1.0, 3.0))
    np.testing.assert_allclose(law, log_p, atol=1e-13)


def test_excess_mass_is_what_no_event_can_exceed():
    rng = np.random.default_rng(3)
    p, model, rho = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5)), np.ones(1)
    events = np.array(list(itertools.product((0.0, 1.0), repeat=5)))
    with float64():
        for threshold in (0.5, 1.0, 2.0):
            excess = float(q.excess_mass(rho, jnp.log(p)[None], jnp.log(model)[None], threshold))
            assert excess == pytest.approx(max(events @ p - threshold * (events @ model)), abs=1e-15)
        variation = float(q.total_variation(rho, jnp.log(p)[None], jnp.log(model)[None]))
        unit = float(q.excess_mass(rho, jnp.log(p)[None], jnp.log(model)[None], 1.0))
    assert variation == pytest.approx(unit, rel=1e-13)


def test_the_optimal_policy_minimises_the_dpo_loss():
    rng = np.random.default_rng(5)
    world = random_bandit(rng, prompts=2, responses=3)
    with float64():
        compiled = jax.jit(q.dpo_loss)
        loss = [float(compiled(world, random_policy(rng, world))) for _ in range(200)]
        best = float(compiled(world, q.log_optimal(world)))
        ref = float(compiled(world, world.log_ref))
    assert best < min(loss)
    assert ref == pytest.approx(2 * np.log(2.0) / 2, rel=1e-14)  # all margins zero


def test_a_dropped_response_costs_infinite_loss():
    world = Bandit(rho=[1.0], log_ref=np.log([[0.5, 0.5]]), reward=[[1.0, 0.0]], beta=0.5)
    with float64():
        assert float(q.dpo_loss(world, jnp.array([[0.0, -jnp.inf]]))) == np.inf


def test_largest_gap_is_what_a_numerical_search_finds():
    rng = np.random.default_rng(7)
    world = random_bandit(rng, prompts=1, responses=3, beta=0.4)
    with float64():
        largest = float(q.largest_gap(world))

        compiled = jax.jit(lambda reward: -q.value_gap(world, q.gibbs(world, reward[None, :])))

        def gap(reward):
            return float(compiled(reward))

        found = [
            -minimize(gap, rng.uniform(size=3), bounds=[(0.0, 1.0)] * 3, method="Nelder-Mead").fun
            for _ in range(6)
        ]
    assert max(found) == pytest.approx(largest, rel=1e-6)


def test_largest_gap_refuses_what_it_cannot_enumerate():
    world = random_bandit(np.random.default_rng(0), prompts=1, responses=15)
    with float64(), pytest.raises(SimbenchError, match="A = 15"):
        q.largest_gap(world)
