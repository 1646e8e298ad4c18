"""The exact identities of KL-regularised bandits: random instances and corners, to 1e-12 of max(1, |.|)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities import compiled
from tests.quantities.instances import corners_and_random, normalised, random_bandit

pytestmark = pytest.mark.usefixtures("in_float64")

TOLERANCE = 1e-12


WORLDS = corners_and_random(np.random.default_rng(0))
SIZE = WORLDS.beta.size


def rewards(rng, shape=(SIZE, 3, 4)):
    """Return rewards in [0, 1], a third of them vertices of the cube."""
    drawn = rng.uniform(size=shape)
    return np.where(rng.uniform(size=(*shape[:1], 1, 1)) < 1 / 3, drawn.round(), drawn)


def policies(rng, spread=5.0):
    return normalised(np.where(np.isneginf(WORLDS.log_ref), -np.inf, spread * rng.normal(size=(SIZE, 3, 4))))


def agree(left, right):
    left, right = np.asarray(left), np.asarray(right)
    assert np.isfinite(left).all()
    error = np.abs(left - right) / np.maximum(1.0, np.abs(right))
    assert error.max() < TOLERANCE, (error.max(), error.argmax())


def test_gap_is_beta_times_kl_to_the_optimum():
    # I1: J(pi*) - J(pi) = beta KL(pi || pi*), and J(pi*) = beta E log Z is the value of pi*.
    rng = np.random.default_rng(1)
    for spread in (1.0, 30.0):
        columns = compiled.batched(WORLDS, policies(rng, spread))
        agree(columns["optimal_value"] - columns["value"], columns["value_gap"])
        agree(columns["optimal_attains"], columns["optimal_value"])


@pytest.mark.thorough
def test_jeffreys_identity():
    # I2: beta [KL(pi*||pihat) + KL(pihat||pi*)] = E_rho <pi* - pihat, r* - rhat>
    @jax.jit
    @jax.vmap
    def sides(bandit, reward):
        best, hat = q.log_optimal(bandit), q.gibbs(bandit, reward)
        both = q.kl(bandit.rho, best, hat) + q.kl(bandit.rho, hat, best)
        error = bandit.reward - reward
        moved = q.expectation(bandit.rho, best, error) - q.expectation(bandit.rho, hat, error)
        return bandit.beta * both, moved

    agree(*sides(WORLDS, rewards(np.random.default_rng(2))))


def test_second_order_identity():
    # I3, with D = rhat - r* and pi_g = G(r* + g D):
    # J(pi*) - J(pihat) = (1/beta) int_0^1 g E_rho Var_{pi_g}(D) dg <= (1/(2 beta)) max_g E_rho Var_{pi_g}(D).
    # Gauss-Legendre with 40 nodes on 500 panels, of width 2 beta at the smallest beta; span D <= 2.
    nodes, weights = np.polynomial.legendre.leggauss(40)

    @jax.jit
    def sides(bandit, reward, path, weight):
        error = reward - bandit.reward

        def variance(g):
            return q.expected_variance(bandit.rho, q.gibbs(bandit, bandit.reward + g * error), error)

        variances = jax.lax.map(variance, path, batch_size=400)
        integral = jnp.sum(weight * path * variances) / bandit.beta
        return q.value_gap(bandit, q.gibbs(bandit, reward)), integral, jnp.max(variances) / (2 * bandit.beta)

    rng = np.random.default_rng(3)
    edges = np.linspace(0, 1, 501)
    half = np.diff(edges) / 2
    path = ((edges[:-1] + half)[:, None] + half[:, None] * nodes).ravel()
    weight = (half[:, None] * weights).ravel()
    for beta in (1.0, 0.1, 0.02, 1e-3):
        for missing in (False, True):
            bandit = random_bandit(rng, beta=beta, missing=missing, zero_weight=missing)
            gap, integral, bound = sides(bandit, rng.uniform(size=(3, 4)), path, weight)
            agree(gap, integral)
            assert gap <= bound * (1 + TOLERANCE)


@pytest.mark.thorough
def test_three_point_equality_for_a_linear_objective():
    # I4 with F linear: [F - beta KL](pi) = [F - beta KL](pihat) - beta KL(pi || pihat), pihat = G(r)
    @jax.jit
    @jax.vmap
    def sides(bandit, reward, policy):
        def objective(log_policy):
            return q.expectation(bandit.rho, log_policy, reward) - bandit.beta * q.kl_ref(bandit, log_policy)

        hat = q.gibbs(bandit, reward)
        return objective(policy), objective(hat) - bandit.beta * q.kl(bandit.rho, policy, hat)

    rng = np.random.default_rng(4)
    agree(*sides(WORLDS, rewards(rng), policies(rng)))


@pytest.mark.thorough
def test_three_point_inequality_for_a_concave_objective():
    # I4 with F(pi) = -c/2 (E_pi f - m)^2: its maximiser is G(-c (y - m) f) at the y that it reproduces.
    rng = np.random.default_rng(5)

    @jax.jit
    def maximiser(bandit, slope, f):
        return q.gibbs(bandit, slope * f)

    @jax.jit
    def gains(bandit, policy, hat, f, c, m):
        def objective(log_policy):
            fit = -c / 2 * (q.expectation(bandit.rho, log_policy, f) - m) ** 2
            return fit - bandit.beta * q.kl_ref(bandit, log_policy)

        return objective(policy), objective(hat), bandit.beta * q.kl(bandit.rho, policy, hat)

    slack = []
    for _ in range(30):
        bandit = random_bandit(rng, beta=float(np.exp(rng.uniform(-3, 1))))
        f, c, m = rng.uniform(size=(3, 4)), float(rng.uniform(0.5, 5)), float(rng.uniform())

        def mismatch(y, bandit=bandit, f=f, c=c, m=m):
            hat = maximiser(bandit, -c * (y - m), f)
            return float(bandit.rho @ (np.exp(hat) * f).sum(axis=-1)) - y

        y = brentq(mismatch, -1.0, 2.0, xtol=1e-14)
        hat = maximiser(bandit, -c * (y - m), f)
        policy = normalised(2 * rng.normal(size=(3, 4)))
        at_policy, at_best, divergence = gains(bandit, policy, hat, f, c, m)
        slack.append(float(at_best - divergence - at_policy))
    assert min(slack) > -TOLERANCE
    assert max(slack) > 1e-3  # strictly concave: not an equality


@pytest.mark.thorough
def test_tilt_size():
    # I5: KL(G(r) || ref) <= E_rho min(span/beta, span^2 / (8 beta^2))
    @jax.jit
    @jax.vmap
    def sides(bandit, reward):
        supported = bandit.log_ref > -jnp.inf
        low = jnp.min(jnp.where(supported, reward, jnp.inf), axis=-1)
        span = jnp.max(jnp.where(supported, reward, -jnp.inf), axis=-1) - low
        return q.kl_ref(bandit, q.gibbs(bandit, reward)), bandit.rho @ q.tilt_budgets(bandit, span)

    rng = np.random.default_rng(6)
    for _ in range(5):
        divergence, bound = (np.asarray(x) for x in sides(WORLDS, rewards(rng)))
        assert np.all(divergence <= bound * (1 + 1e-9))


def test_tilt_size_is_tight():
    # Two equal responses at large beta for the quadratic bound, a rare best one at small beta for the linear.
    def ratio(log_p, beta):
        log_ref = normalised([[log_p, 0.0, -np.inf, -np.inf]] * 3)
        reward = np.array([[1.0, 0.0, 0.0, 0.0]] * 3)
        world = Bandit(rho=[1.0, 0.0, 0.0], log_ref=log_ref, reward=reward, beta=beta)
        _, best = compiled.gibbs(world, reward)
        return float(compiled.single(world, best)["kl_ref"]) / min(1 / beta, 1 / (8 * beta**2))

    assert 0.9999 < ratio(0.0, 50.0) <= 1
    assert ratio(-0.98 / 0.001, 0.001) > 0.97


def test_pair_error_is_twice_the_variance():
    # I9: E_{a,b~ref} (D_a - D_b)^2 = 2 E_rho Var_ref D
    variance = jax.jit(jax.vmap(lambda bandit, error: q.expected_variance(bandit.rho, bandit.log_ref, error)))
    error = rewards(np.random.default_rng(7)) - WORLDS.reward
    ref = np.exp(WORLDS.log_ref)
    squares = (error[..., :, None] - error[..., None, :]) ** 2
    pairs = np.einsum("ns,nsa,nsb,nsab->n", WORLDS.rho, ref, ref, squares)
    agree(pairs, 2 * variance(WORLDS, error))
