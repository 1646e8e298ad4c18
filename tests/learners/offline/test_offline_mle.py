"""Offline maximum likelihood in each function class, against other solvers; and what more labels do to it."""

import choix
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from simbench.engine import run_batches
from simbench.errors import SimbenchError
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.precision import float64
from simbench.worlds import make
from tests.naive.fit import fit_rewards
from tests.naive.world import gibbs

S, A, D = 2, 4, 3
RNG = np.random.default_rng(0)
PLAIN = make("random_tabular", prompts=S, responses=A, beta=0.5)
WORLD = PLAIN.replace(features=RNG.normal(size=(S, A, D)), reward_class=RNG.random((5, S, A)))
WINS = RNG.integers(0, 40, size=(S, A, A))


_init, _observe, _policy = (
    jax.jit(getattr(OfflineMLE, name), static_argnums=0) for name in ("init", "observe", "policy")
)


def fitted(learner, *batches, world=WORLD):
    """Return the log-policy after the batches, and whether the last fit was unsolved."""
    with float64():
        world = jax.tree.map(jnp.asarray, world)
        state = jax.tree.map(jnp.asarray, _init(learner, world))
        for wins in batches:
            state = _observe(learner, state, world, np.asarray(wins, dtype=float))
        return np.asarray(_policy(learner, state, world)), float(state.unsolved)


def negative_log_likelihood(reward, wins=WINS):
    difference = reward[:, :, None] - reward[:, None, :]
    off_diagonal = wins * (1 - np.eye(A))
    return float(np.sum(off_diagonal * np.logaddexp(0, -difference)))


def test_before_any_label_the_policy_is_the_reference():
    for model in ("tabular", "box", "linear", "finite"):
        log_policy, _ = fitted(OfflineMLE(model=model))
        np.testing.assert_array_equal(log_policy, WORLD.log_ref)


def test_tabular_vs_naive_and_choix():
    """The ridge is (ridge/2) ||r||^2 per prompt; choix leaves out the half."""
    log_policy, unsolved = fitted(OfflineMLE(ridge=0.7), WINS)
    assert unsolved == 0
    reward = np.stack([fit_rewards(wins.astype(float), 0.7, np.zeros(A)) for wins in WINS])
    np.testing.assert_allclose(log_policy, gibbs(WORLD, reward), atol=1e-9)
    data = [(a, b) for a in range(A) for b in range(A) for _ in range(WINS[0, a, b] * (a != b))]
    theirs = choix.opt_pairwise(A, data, alpha=0.35, method="Newton-CG", tol=1e-14)
    np.testing.assert_allclose(reward[0], theirs, atol=1e-8)


@pytest.mark.parametrize("radius", [10.0, 0.15], ids=["inside", "on the sphere"])
def test_linear_vs_scipy(radius):
    ridge = 0.4

    def loss(theta):
        return negative_log_likelihood(WORLD.features @ theta) + ridge / 2 * theta @ theta

    ball = optimize.NonlinearConstraint(
        lambda theta: theta @ theta, -np.inf, radius**2, jac=lambda theta: 2 * theta
    )
    found = optimize.minimize(
        loss, np.full(D, 0.01), method="SLSQP", constraints=ball, options={"ftol": 1e-15}
    )
    log_policy, unsolved = fitted(OfflineMLE(model="linear", ridge=ridge, radius=radius), WINS)
    assert unsolved == 0
    assert (np.linalg.norm(found.x) > radius - 1e-6) == (radius < 1)
    np.testing.assert_allclose(log_policy, gibbs(WORLD, WORLD.features @ found.x), atol=2e-5)


@pytest.mark.thorough
def test_box_vs_scipy():
    ridge, bound = 0.4, float(WORLD.reward_bound)

    def loss(flat):
        return negative_log_likelihood(flat.reshape(S, A), 3 * WINS) + ridge / 2 * np.sum(
            (flat - bound / 2) ** 2
        )

    found = optimize.minimize(
        loss, np.full(S * A, bound / 2), method="L-BFGS-B", bounds=[(0, bound)] * (S * A),
        options={"ftol": 1e-15, "gtol": 1e-10, "maxfun": 100_000},
    )  # fmt: skip
    log_policy, unsolved = fitted(OfflineMLE(model="box", ridge=ridge), 3 * WINS)
    assert unsolved == 0
    np.testing.assert_allclose(log_policy, gibbs(WORLD, found.x.reshape(S, A)), atol=1e-4)


def test_finite_vs_enumeration():
    rewards = WORLD.reward_class
    losses = [negative_log_likelihood(reward) for reward in rewards]
    log_policy, _ = fitted(OfflineMLE(model="finite"), WINS)
    np.testing.assert_allclose(log_policy, gibbs(WORLD, rewards[int(np.argmin(losses))]), atol=1e-12)


def test_finite_takes_the_first_of_equals():
    """Shifted rewards have the same likelihood up to rounding; their policies differ from the third's only."""
    best = WORLD.reward_class[2]
    tied = WORLD.replace(reward_class=np.stack([1 - best, best / 2, best / 2 + 0.25, best / 2 + 0.1]))
    counts = 10 * np.rint(100 / (1 + np.exp((best[:, None, :] - best[:, :, None]) / 2)))
    losses = [negative_log_likelihood(reward, counts) for reward in tied.reward_class]
    assert np.ptp(losses[1:]) < 1e-9
    assert losses[0] > losses[1] + 1
    swapped = tied.replace(reward_class=tied.reward_class[[0, 2, 1, 3]])
    for world in (tied, swapped):
        log_policy, _ = fitted(OfflineMLE(model="finite"), counts, world=world)
        np.testing.assert_allclose(log_policy, gibbs(world, best / 2), atol=1e-12)


def test_batches_add_up():
    whole, _ = fitted(OfflineMLE(ridge=0.7), WINS)
    parts, _ = fitted(OfflineMLE(ridge=0.7), WINS // 3, WINS - WINS // 3)
    np.testing.assert_allclose(parts, whole, atol=1e-11)


@pytest.mark.parametrize(("model", "words"), [("linear", "features"), ("finite", "reward_class")])
def test_worlds_that_lack_the_class_are_refused(model, words):
    with pytest.raises(SimbenchError, match=words):
        run_batches(PLAIN, OfflineMLE(model=model), labels=10, runs=[0])


@pytest.mark.thorough
def test_the_gap_falls_like_one_over_the_number_of_labels():
    """Full coverage and a well-specified class: n times the mean gap is constant; a mean of 40 runs strays by < 2.2.

    False alarm below 1e-6: n gap / beta is near half a chi-squared of S (A - 1) = 6 weighted degrees of freedom.
    """
    marks = np.array([10**5, 10**8, 10**11])
    table = run_batches(
        PLAIN,
        OfflineMLE(),
        labels=10**11,
        runs=range(40),
        block=40,
        checkpoints=marks,
        quantities=("value_gap",),
    )
    scaled = table["value_gap"].reshape(40, 3).mean(axis=0) * marks
    assert scaled.max() / scaled.min() < 2.2
    assert not table["unsolved_fits"].any()
