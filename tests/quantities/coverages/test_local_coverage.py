import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import rel_entr

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities import arb_oracle as oracle
from tests.quantities.instances import normalised, random_bandit, random_batch

pytestmark = pytest.mark.usefixtures("in_float64", "in_5000_bits")

ROOT, BINARY_KL = q.binary_kl_root, jax.jit(q.binary_kl)
ROOT_SLOPES = jax.jit(jax.vmap(jax.grad(q.binary_kl_root, (0, 1))))
KL_SLOPES = jax.jit(jax.vmap(jax.grad(q.binary_kl, (0, 1))))


def budgets_and_probabilities(rng, size=300):
    """Draw (e, log p): p from 1/2 to e^-1500, e from far below its scale to just short of log(1/p)."""
    log_p = -np.exp(rng.uniform(np.log(0.7), np.log(1500), size))
    small = np.exp(rng.uniform(-35, 0, size))
    below_p = np.exp(rng.uniform(-20, 0, size) + log_p) / -log_p
    share = np.choose(np.arange(size) % 3, [small, 1 - small, below_p])
    return share * -log_p, log_p


def test_binary_kl_vs_400_bits():
    rng = np.random.default_rng(0)
    _, log_p = budgets_and_probabilities(rng)
    log_q = np.minimum(log_p + rng.choice([-1, 1], 300) * np.exp(rng.uniform(-35, 5, 300)), -1e-9)
    for x, y, computed in zip(log_q, log_p, np.asarray(BINARY_KL(log_q, log_p)), strict=True):
        exact = oracle.binary_kl(float(x), float(y))
        assert oracle.relative_error(computed, exact) < 1e-13 or exact < 1e-290


def test_binary_kl_at_the_ends():
    log_p = np.log(0.3)
    log_q = np.array([0.0, -np.inf, log_p, log_p, log_p, 0.0])
    against = np.array([log_p, log_p, log_p, -np.inf, 0.0, 0.0])
    expected = [-log_p, -np.log(0.7), 0.0, np.inf, np.inf, 0.0]
    np.testing.assert_allclose(BINARY_KL(log_q, against), expected, rtol=1e-15)


def test_root_spends_the_budget_vs_400_bits():
    # What is left of the budget, or spent beyond it, is what one ulp of log q is worth.
    budget, log_p = budgets_and_probabilities(np.random.default_rng(1))
    log_q = np.asarray(ROOT(budget, log_p))
    assert np.all((log_p <= log_q) & (log_q <= 0))
    slopes = np.asarray(KL_SLOPES(np.minimum(log_q, -1e-300), log_p)[0])
    for e, x, y, slope in zip(budget, log_q, log_p, slopes, strict=True):
        residual = abs(float(oracle.binary_kl(float(x), float(y)) - float(e)))
        assert residual < 1e-10
        assert residual <= 8 * slope * np.spacing(abs(y)) + 1e-13 * e


def test_root_at_the_ends():
    log_p = np.log(0.2)
    np.testing.assert_array_equal(ROOT(np.array([0.0, -log_p, np.inf]), np.full(3, log_p)), [log_p, 0.0, 0.0])
    np.testing.assert_array_equal(
        ROOT(np.array([-1e-3, 5.0, 1.0]), np.array([-1.0, log_p, 0.0])), [np.nan, 0.0, 0.0]
    )


@pytest.mark.thorough
def test_root_slopes_are_those_of_its_inverse():
    # e = kl(q || p) along the root: its slope in e is one over that of kl in log q.
    budget, log_p = budgets_and_probabilities(np.random.default_rng(7))
    plain = (log_p > -50) & (budget > 1e-3 * np.exp(log_p)) & (budget < -0.99 * log_p)
    budget, log_p = np.where(plain, budget, 0.1), np.where(plain, log_p, -2.0)
    by_budget, by_log_p = ROOT_SLOPES(budget, log_p)
    kl_by_q, kl_by_p = KL_SLOPES(ROOT(budget, log_p), log_p)
    np.testing.assert_allclose(by_budget, 1 / kl_by_q, rtol=1e-10)
    np.testing.assert_allclose(by_log_p, -kl_by_p / kl_by_q, rtol=1e-10)
    difference = ROOT(budget * (1 + 1e-5), log_p) - ROOT(budget * (1 - 1e-5), log_p)
    np.testing.assert_allclose(by_budget, difference / (2e-5 * budget), rtol=1e-4)


def brute_force(bandit, kl_budget, rng):
    """Maximise pi/ref over softmax policies with expected KL <= eps by SLSQP, one cell at a time, two starts."""
    ref, best = np.exp(bandit.log_ref), 1.0

    def spent(x):
        policy = np.exp(normalised(x.reshape(ref.shape)))
        return kl_budget - bandit.rho @ rel_entr(policy, ref).sum(axis=-1)

    for s, a in np.argwhere((bandit.rho[:, None] > 0) & (ref > 0)):

        def negative_log_ratio(x, s=s, a=a):
            return -(normalised(x.reshape(ref.shape))[s, a] - bandit.log_ref[s, a])

        for _ in range(2):
            start = (bandit.log_ref + 0.01 * rng.normal(size=ref.shape)).ravel()
            constraint = [{"type": "ineq", "fun": spent}]
            found = minimize(negative_log_ratio, start, constraints=constraint, options={"ftol": 1e-12})
            if spent(found.x) > -1e-9:
                best = max(best, np.exp(-found.fun))
    return best


def test_local_coverage_vs_direct_optimisation():
    rng = np.random.default_rng(2)
    for kl_budget in (0.01, 0.2):
        bandit = random_bandit(rng, responses=3)
        expected = brute_force(bandit, kl_budget, rng)
        assert float(q.local_coverage(bandit, kl_budget)) == pytest.approx(expected, rel=1e-5)


def test_local_coverage_is_attained_by_a_policy_and_never_exceeded():
    rng = np.random.default_rng(3)
    for missing in (False, True):
        bandit = random_bandit(rng, missing=missing, zero_weight=missing, spread=2.0)
        kl_budget = 0.2
        c_eps = float(q.local_coverage(bandit, kl_budget))
        witness = q.local_coverage_witness(bandit, q.expected_kl_budgets(bandit, kl_budget))
        log_q, log_p = (np.asarray(x) for x in witness)
        s = int(np.where(bandit.rho > 0, log_q - log_p, -np.inf).argmax())
        rare = int(np.where(np.isneginf(bandit.log_ref[s]), np.inf, bandit.log_ref[s]).argmin())
        policy = np.array(bandit.log_ref)
        policy[s] += np.log1p(-np.exp(log_q[s])) - np.log1p(-np.exp(log_p[s]))
        policy[s, rare] = log_q[s]
        assert np.exp(policy[s]).sum() == pytest.approx(1, abs=1e-14)
        assert float(q.kl_ref(bandit, policy)) == pytest.approx(kl_budget, abs=1e-12)
        assert np.exp(policy[s, rare] - bandit.log_ref[s, rare]) == pytest.approx(c_eps, rel=1e-13)
        # 20000 policies pushed onto the sphere of radius eps from inside never exceed it
        direction = np.where(np.isneginf(bandit.log_ref), -np.inf, 6 * rng.normal(size=(20000, 3, 4)))
        far = np.exp(normalised(direction))
        ref = np.exp(bandit.log_ref)
        weight = np.minimum(1.0, kl_budget / (rel_entr(far, ref).sum(axis=-1) @ bandit.rho))[:, None, None]
        feasible = weight * far + (1 - weight) * ref  # KL is convex: at most weight * KL(far)
        with np.errstate(invalid="ignore"):
            ratio = np.where((ref > 0) & (bandit.rho[:, None] > 0), feasible / ref, 0.0)
        assert ratio.max() <= c_eps


def test_local_coverage_grows_from_one_to_the_global_one():
    bandit = random_bandit(np.random.default_rng(4), spread=2.0)
    budgets = np.concatenate([[0.0], np.geomspace(1e-12, 20.0, 60), [np.inf]])
    curve = np.array([float(q.local_coverage(bandit, eps)) for eps in budgets])
    assert curve[0] == 1.0
    assert np.all(np.diff(curve) >= 0)
    assert curve[-1] == pytest.approx(float(q.global_coverage(bandit)), rel=1e-14)
    # from log(1/p_min) per prompt on, local is global
    enough = float(bandit.rho.max() * -bandit.log_ref.min())
    assert float(q.local_coverage(bandit, enough)) == curve[-1]


def test_missing_support_is_out_of_reach_and_tiny_weights_inflate():
    log_ref = normalised([[0.0, -2.0, -np.inf]] * 3)
    bandit = Bandit(rho=[1.0, 0.0, 0.0], log_ref=log_ref, reward=np.zeros((3, 3)), beta=1.0)
    assert float(q.local_coverage(bandit, np.inf)) == pytest.approx(np.exp(-log_ref[0, 1]), rel=1e-14)
    even, uneven = bandit.replace(rho=[0.4, 0.3, 0.3]), bandit.replace(rho=[0.5, 0.49, 0.01])
    assert float(q.local_coverage(uneven, 0.01)) > float(q.local_coverage(even, 0.01))


def test_ratios_beyond_double_are_returned_as_logs():
    log_ref = normalised([[0.0, -1.0, -2000.0]] * 3)
    bandit = Bandit(rho=[1.0, 0.0, 0.0], log_ref=log_ref, reward=np.zeros((3, 3)), beta=1.0)
    log_c = float(q.log_local_coverage(bandit, 1.0))
    exact = oracle.binary_kl(log_c + float(log_ref[0, 2]), float(log_ref[0, 2]))
    assert float(exact) == pytest.approx(1.0, rel=1e-11)
    assert float(q.local_coverage(bandit, 1.0)) == np.inf


def test_tilt_coverage_takes_a_scalar_or_a_span_per_prompt():
    bandit = random_bandit(np.random.default_rng(5), beta=0.4)
    scalar = float(q.tilt_coverage(bandit, 0.8))
    assert float(q.tilt_coverage(bandit, np.full(3, 0.8))) == scalar
    one = [float(q.tilt_coverage(bandit, np.where(np.arange(3) == s, 0.8, 0.0))) for s in range(3)]
    assert max(one) == scalar
    assert float(q.tilt_coverage(bandit, np.zeros(3))) == 1.0
    # per prompt it is the coverage of that prompt alone at its budget
    alone = bandit.replace(rho=[1.0, 0.0, 0.0])
    budget = min(0.8 / 0.4, 0.8**2 / (8 * 0.4**2))
    assert one[0] == pytest.approx(float(q.local_coverage(alone, budget)), rel=1e-14)


@pytest.mark.thorough
def test_tilt_coverage_covers_every_gibbs_policy_and_stays_below_local_coverage():
    rng = np.random.default_rng(6)
    worlds = random_batch(rng, 2000)
    reward = rng.uniform(-0.5, 0.5, size=worlds.log_ref.shape)

    @jax.jit
    @jax.vmap
    def logs(bandit, reward):
        budget = jnp.minimum(1 / bandit.beta, 1 / (8 * bandit.beta**2))
        ratio = jnp.max(q.gibbs(bandit, reward) - bandit.log_ref)
        return ratio, q.log_tilt_coverage(bandit, 1.0), q.log_local_coverage(bandit, budget)

    ratio, tilt, local = (np.asarray(x) for x in logs(worlds, reward))
    assert np.all(ratio <= tilt)
    assert np.all(tilt <= local + 1e-13)
    assert np.mean(tilt < local - 0.1) > 0.2


@pytest.mark.thorough
def test_gradients_are_finite_in_the_corners():
    log_ref = normalised([[0.0, -2.0, -np.inf], [0.0, -np.inf, -np.inf], [0.0, -900.0, -1.0]])
    bandit = Bandit(rho=[0.5, 0.5, 0.0], log_ref=log_ref, reward=np.zeros((3, 3)), beta=0.5)

    def total(bandit, reward_span):
        log_q, log_p = q.local_coverage_witness(bandit, q.tilt_budgets(bandit, reward_span))
        return jnp.sum(log_q - log_p)

    slopes = jax.jit(jax.grad(total, (0, 1)))
    for span in ([0.3, 0.0, 1.0], [0.0, 0.3, 1e3], [1e-9, 1e9, 10.0]):
        for leaf in jax.tree.leaves(slopes(bandit, np.array(span))):
            assert np.isfinite(leaf).all()
