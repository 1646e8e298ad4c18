import numpy as np
import pytest
from scipy.optimize import linprog

from simbench import quantities as q
from tests.quantities import compiled
from tests.quantities.instances import batch, normalised, random_bandit

pytestmark = pytest.mark.usefixtures("in_float64")


def best_data_distribution(rho, policies):
    """Minimise over mu the largest pi/mu: with nu = t mu, min t s.t. nu >= every pi and sum_a nu[s, a] <= t."""
    counted = policies[:, rho > 0]
    _, prompts, responses = counted.shape
    cost = np.zeros(1 + prompts * responses)
    cost[0] = 1.0
    rows = np.zeros((prompts, cost.size))
    rows[:, 0] = -1.0
    for s in range(prompts):
        rows[s, 1 + s * responses : 1 + (s + 1) * responses] = 1.0
    bounds = [(0, None), *((low, None) for low in counted.max(axis=0).ravel())]
    return linprog(cost, A_ub=rows, b_ub=np.zeros(prompts), bounds=bounds).fun


def test_closed_form_vs_linear_programme():
    rng = np.random.default_rng(0)
    for rho in ([0.2, 0.3, 0.5], [0.5, 0.5, 0.0]):
        log_policies = normalised(3 * rng.normal(size=(5, 3, 4)))
        expected = best_data_distribution(np.array(rho), np.exp(log_policies))
        assert float(q.coverability(np.array(rho), log_policies)) == pytest.approx(expected, rel=1e-9)


def test_optimal_data_distribution_attains_it_and_no_other_beats_it():
    rng = np.random.default_rng(1)
    rho = np.array([0.2, 0.3, 0.5])
    policies = np.exp(normalised(3 * rng.normal(size=(5, 3, 4))))
    c_cov = float(q.coverability(rho, np.log(policies)))
    envelope = policies.max(axis=0)
    optimal = envelope / envelope.sum(axis=-1, keepdims=True)
    assert (policies / optimal).max() == pytest.approx(c_cov, rel=1e-14)
    others = rng.dirichlet(np.ones(4), size=(1000, 3))
    assert (policies / others[:, None]).max(axis=(1, 2, 3)).min() >= c_cov * (1 - 1e-14)


@pytest.mark.parametrize("beta", [0.2, 1.0, 5.0])
def test_gibbs_classes_are_bounded_by_the_responses_and_by_the_tilt(beta):
    # C_cov <= min(A, exp(R/beta)) when |log pi/ref| <= R/beta
    rng = np.random.default_rng(2)
    for size in (1, 50):
        bandit = random_bandit(rng, beta=beta)
        rewards = rng.uniform(size=(50, 3, 4)).round()[:size]
        policies = np.stack([np.asarray(compiled.gibbs(bandit, reward)[1]) for reward in rewards])
        c_cov = float(q.coverability(bandit.rho, policies))
        assert 1 - 1e-14 <= c_cov <= min(4, np.exp(1 / beta)) * (1 + 1e-12)
        assert size > 1 or c_cov == pytest.approx(1, rel=1e-14)


def test_all_point_masses_need_every_response():
    points = np.log(np.eye(4), where=np.eye(4) > 0, out=np.full((4, 4), -np.inf))
    log_policies = np.broadcast_to(points[:, None, :], (4, 3, 4))
    assert q.coverability(np.array([0.2, 0.3, 0.5]), log_policies) == 4.0


def test_value_of_a_larger_class_is_larger():
    rng = np.random.default_rng(3)
    rho = np.array([0.2, 0.3, 0.5])
    policies = normalised(rng.normal(size=(6, 3, 4)))
    sizes = [float(q.coverability(rho, policies[:m])) for m in range(1, 7)]
    assert np.all(np.diff(sizes) >= 0)


def test_batch_helper_keeps_worlds_apart():
    rng = np.random.default_rng(4)
    worlds = [random_bandit(rng), random_bandit(rng)]
    np.testing.assert_array_equal(batch(worlds).reward[1], worlds[1].reward)
