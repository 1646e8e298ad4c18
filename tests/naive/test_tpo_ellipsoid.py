"""TPO in the linear and tabular class: the pessimistic value by duality, SciPy and hand; estimates from the labels."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from simbench.bandit import Bandit
from tests.naive import (
    XPO,
    Every,
    EveryRound,
    Linear,
    Logistic,
    NaiveEllipsoidTPO,
    NaiveSentence,
    Reference,
    Self,
    Tabular,
    naive_run,
)
from tests.naive import world as naive
from tests.naive.ellipsoid import Potential, difference_to_ref, pessimum
from tests.naive.instances import draw_world

TAPE = {"seed": 0, "instance": 0, "run": 0}
WORLD = draw_world(7)
THETA = np.array([0.5, -0.4, 0.3])
REALISED = WORLD.features @ THETA - (WORLD.features @ THETA).min()  # linear up to a shift, within [0, 2]
LINEAR_WORLD = WORLD.replace(reward=REALISED, reward_bound=2.0)

# One prompt, two responses, one feature that is 1 for A: E_G phi = sigma(theta / beta), beta = 1/2
LINE = Bandit(
    rho=[1.0],
    log_ref=np.log([[0.5, 0.5]]),
    reward=[[1.0, 0.0]],
    beta=0.5,
    features=[[[1.0], [0.0]]],
    sources=[[[0.25, 0.0]]],
)
A, B = 0, 1


def tpo(**changes) -> NaiveEllipsoidTPO:
    parts = {
        "model": "linear",
        "lam": 1.0,
        "radius": 1.0,
        "online_ridge": 0.01,
        "block": 4,
        "share": 0.5,
        "online": "xpo",
        "online_alpha": 0.001,
        "online_data": "own",
        "bonus_scale": 0.01,
        "delta": 0.1,
        "pessimism_scale": 0.02,
        "refresh": EveryRound(),
    }
    return NaiveEllipsoidTPO(**{**parts, **changes})


def features_of(world, model: str) -> np.ndarray:
    S, A = world.log_ref.shape
    return world.features if model == "linear" else np.eye(S * A).reshape(S, A, S * A)


def ellipsoid(phi: np.ndarray, seed: int, labels: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A random centre `[d]` and the V `[d, d]` of random labels."""
    rng = np.random.default_rng(seed)
    V = 0.3 * np.eye(phi.shape[2])
    for _ in range(labels):
        s, (a, b) = rng.integers(phi.shape[0]), rng.integers(phi.shape[1], size=2)
        V += np.outer(phi[s, a] - phi[s, b], phi[s, a] - phi[s, b])
    return rng.random(phi.shape[2]), V


def upper(world, phi, theta) -> float:
    """F(theta) = beta E log Z - E_ref r, written out."""
    total, r = 0.0, phi @ theta
    for s, weight in enumerate(world.rho):
        ref = np.exp(world.log_ref[s])
        total += weight * (world.beta * math.log(np.sum(ref * np.exp(r[s] / world.beta))) - ref @ r[s])
    return float(total)


def lower(world, phi, centre, V, radius, log_policy) -> float:
    """<centre, x> - radius ||x||_{V^-1} - beta KL, written out."""
    x = sum(
        world.rho[s] * (np.exp(log_policy[s]) - np.exp(world.log_ref[s])) @ phi[s] for s in range(len(phi))
    )
    divergence = naive.kl(world.rho, log_policy, world.log_ref)
    return float(centre @ x - radius * math.sqrt(x @ np.linalg.inv(V) @ x) - world.beta * divergence)


def norm(V, difference) -> float:
    return math.sqrt(max(difference @ V @ difference, 0.0))


@pytest.mark.parametrize("model", ["linear", "tabular"])
@pytest.mark.parametrize("beta", [0.02, 0.5, 5.0])
@pytest.mark.parametrize("radius", [0.0, 0.05, 0.3, 0.8, 100.0])
def test_no_policy_is_better_and_no_parameter_is_worse(model, beta, radius):
    """Weak duality: a policy and a parameter of the ellipsoid with one value are both optimal."""
    with np.errstate(divide="ignore"):
        log_ref = np.log([[0.2, 0.8, 0, 0], [0.5, 0.3, 0.1, 0.1], [0.25] * 4])
    world = WORLD.replace(beta=beta, log_ref=log_ref)
    phi = features_of(world, model)
    centre, V = ellipsoid(phi, 1)
    found = pessimum(Potential(world, phi), phi, centre=centre, V=V, radius=radius)
    assert norm(V, found.theta - centre) <= radius + 1e-9
    assert upper(world, phi, found.theta) == pytest.approx(found.value, abs=1e-12)
    assert lower(world, phi, centre, V, radius, found.log_policy) == pytest.approx(found.value, abs=1e-12)
    assert_allclose(found.log_policy, naive.gibbs(world, phi @ found.theta), rtol=0, atol=1e-9)
    if radius == 100.0:
        assert found.value == 0.0
        assert_array_equal(found.log_policy, world.log_ref)
    if radius == 0.0:
        assert_array_equal(found.theta, centre)


@pytest.mark.parametrize("model", ["linear", "tabular"])
def test_the_worst_parameter_is_slsqp(model):
    phi = features_of(WORLD, model)
    centre, V = ellipsoid(phi, 2)
    found = pessimum(Potential(WORLD, phi), phi, centre=centre, V=V, radius=0.3)
    theirs = minimize(
        lambda theta: upper(WORLD, phi, theta),
        centre,
        jac=lambda theta: difference_to_ref(WORLD, phi, naive.gibbs(WORLD, phi @ theta)),
        method="SLSQP",
        constraints={
            "type": "ineq",
            "fun": lambda theta: 0.09 - (theta - centre) @ V @ (theta - centre),
            "jac": lambda theta: -2 * V @ (theta - centre),
        },
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert theirs.fun == pytest.approx(found.value, abs=1e-8)
    assert_allclose(found.log_policy, naive.gibbs(WORLD, phi @ theirs.x), rtol=0, atol=1e-5)


def test_the_value_falls_to_zero_where_the_ellipsoid_reaches_a_constant_reward():
    """Tabular: rewards constant per prompt, at distance d; V_pes is convex and decreasing in the radius."""
    phi = features_of(WORLD, "tabular")
    centre, V = ellipsoid(phi, 3)
    constant = np.repeat(np.eye(3), 4, axis=0)  # [12, 3]
    nearest = constant @ np.linalg.solve(constant.T @ V @ constant, constant.T @ V @ centre)
    distance = norm(V, centre - nearest)
    values = [
        pessimum(Potential(WORLD, phi), phi, centre=centre, V=V, radius=x * distance).value
        for x in (0.0, 0.25, 0.5, 0.75, 1 - 1e-6, 1 + 1e-9)
    ]
    assert (np.diff(values[:5]) < 0).all()
    assert (np.diff(values[:4], 2) > 0).all()
    assert 0 < values[4] < 1e-11
    assert values[5] == 0.0


def test_one_feature_by_hand():
    """k labels A > B: V = 1 + k, the interval ends at thetahat - bet / sqrt(V), F = log cosh(theta) / 2."""
    learner = tpo(share=0.0, bonus_scale=1.0, pessimism_scale=0.02, lam=1.0, radius=0.9)
    learner.start(LINE)
    gamma = 1 / (2 + math.exp(0.9) + math.exp(-0.9))
    assert learner.gamma == pytest.approx(gamma, rel=1e-15)
    assert learner.thetahat == 0.0
    assert learner.values() == [math.inf, 0.0]
    p = 1 / (1 + math.exp(-0.5))
    divergence = p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p))
    for k in range(1, 7):
        learner.observe(0, A, B, True)
        theta = learner.thetahat[0]
        slope = -k / (1 + math.exp(theta)) + gamma * theta  # of the penalised likelihood
        assert slope == pytest.approx(0, abs=1e-12) if theta < 0.9 - 1e-12 else slope < 0
        bet_1 = math.sqrt(math.log(1 + k) + 2 * math.log(10)) / (2 * gamma) + 0.9
        assert learner.bet_1 == pytest.approx(bet_1, rel=1e-13)
        source = theta * (p - 0.5) - 0.5 * divergence + bet_1 * (p - 0.5) / math.sqrt(1 + k)
        assert learner.values()[0] == pytest.approx(source, rel=1e-13)
        worst = max(theta - 0.02 * bet_1 / math.sqrt(1 + k), 0.0)
        assert learner.worst.theta[0] == pytest.approx(worst, abs=1e-11)
        assert learner.pessimistic_value == pytest.approx(math.log(math.cosh(worst)) / 2, abs=1e-12)
        assert np.exp(learner.distilled()[0, A]) == pytest.approx(1 / (1 + math.exp(-2 * worst)), abs=1e-11)
    learner.observe(0, A, A, True)
    assert learner.information == 7.0  # self-pairs tell nothing


@pytest.mark.parametrize("model", ["linear", "tabular"])
def test_before_any_label_pi_off_is_the_reference(model):
    learner = tpo(model=model)
    learner.start(WORLD)
    assert learner.pessimistic_value == 0.0
    assert_array_equal(learner.distilled(), WORLD.log_ref)
    assert_allclose(learner.thetahat, 0.0 if model == "linear" else 0.5, rtol=0, atol=0)
    assert learner.bet_1 == pytest.approx(
        math.sqrt(2 * math.log(10)) / (2 * learner.gamma) + (1 if model == "linear" else math.sqrt(3)),
        rel=1e-14,
    )


@pytest.mark.parametrize("model", ["linear", "tabular"])
def test_the_run_read_again_label_by_label(model):
    """V, thetahat (L-BFGS-B, SLSQP) and the last choice from the trace; both sides of V_pes meet."""
    learner = tpo(model=model)
    trace = naive_run(WORLD, learner, rounds=30, **TAPE)
    phi = features_of(WORLD, model)
    d = phi.shape[2]
    V = np.eye(d)
    z = np.zeros((30, d))
    for t, (s, a, b) in enumerate(zip(trace.prompt, trace.first, trace.second, strict=True)):
        z[t] = (phi[s, a] - phi[s, b]) * (1 if trace.first_won[t] else -1)
        V += np.outer(z[t], z[t])
    assert_allclose(learner.information, V, rtol=0, atol=1e-12)
    assert learner.bet_1 == pytest.approx(
        math.sqrt(np.log(np.linalg.det(V)) + 2 * math.log(10)) / (2 * learner.gamma) + learner.B0, rel=1e-12
    )
    centre, ridge = (0.0 if model == "linear" else 0.5), learner.gamma
    bounds = None if model == "linear" else [(0, 1)] * d
    ball = {"type": "ineq", "fun": lambda theta: 1 - theta @ theta}
    theirs = minimize(
        lambda theta: np.sum(np.logaddexp(0, -z @ theta)) + ridge / 2 * np.sum((theta - centre) ** 2),
        np.full(d, centre),
        jac=lambda theta: -z.T @ (1 / (1 + np.exp(z @ theta))) + ridge * (theta - centre),
        bounds=bounds,
        method="L-BFGS-B" if bounds else "SLSQP",
        constraints=() if bounds else ball,
        options={"ftol": 1e-15},
    )
    assert_allclose(learner.thetahat, theirs.x, rtol=0, atol=1e-5)

    worst, policy = learner.worst, learner.distilled()
    assert norm(V, worst.theta - learner.thetahat) <= learner.bet * (1 + 1e-10)
    assert learner.lower_value(policy) == pytest.approx(learner.pessimistic_value, abs=1e-12)
    assert upper(WORLD, phi, worst.theta) == pytest.approx(learner.pessimistic_value, abs=1e-12)
    for w, source in enumerate(WORLD.sources):
        law = naive.gibbs(WORLD, source)
        x = difference_to_ref(WORLD, phi, law)
        estimate = lower(WORLD, phi, learner.thetahat, V, 0.0, law)
        bonus = 0.01 * learner.bet_1 * math.sqrt(x @ np.linalg.inv(V) @ x)
        assert learner.pulls[w] == learner.chosen.count(w) > 0
        assert learner.values()[w] == pytest.approx(estimate + bonus, rel=1e-12)
    assert "off" in learner.chosen
    best = int(np.argmax(learner.values()))
    assert learner.upcoming == (best if best < 3 else "off")


@pytest.mark.parametrize("model", ["linear", "tabular"])
def test_share_one_is_the_online_learner_in_the_same_class(model):
    part = Linear(ridge=0.01, radius=1.0) if model == "linear" else Tabular(ridge=0.01)
    alone = NaiveSentence(
        model=part, loss=Logistic(), extra=XPO(0.001), first=Self(), second=Reference(), schedule=EveryRound()
    )
    ours = naive_run(WORLD, tpo(model=model, share=1.0, refresh=Every(20)), rounds=15, **TAPE)
    theirs = naive_run(WORLD, alone, rounds=15, **TAPE)
    assert_array_equal(ours.log_policy, theirs.log_policy)
    assert_array_equal(ours.gap_t, theirs.gap_t)


@pytest.mark.parametrize(("model", "world"), [("linear", LINEAR_WORLD), ("tabular", WORLD)])
def test_on_the_event_pessimism_and_optimism_hold(model, world):
    """||thetahat - theta*||_V <= bet_1 implies V_pes <= J(pi_OFF) - J(ref), V_opt(w) >= J(pi_w) - J(ref)."""
    learner = tpo(model=model, bonus_scale=1.0, pessimism_scale=0.1, refresh=Every(30))
    naive_run(world, learner, rounds=30, **TAPE)
    truth = THETA if model == "linear" else world.reward.ravel()
    distance = norm(learner.information, learner.thetahat - truth)
    assert distance <= learner.bet_1
    gain = [naive.value(world, law) - naive.value(world, world.log_ref) for law in learner.source_policies]
    assert (np.array(learner.values()[:3]) >= gain).all()
    learner.pessimism_scale = distance / learner.bet_1  # the tightest that is still true
    log_off, value = learner.pessimistic()
    assert value <= naive.value(world, log_off) - naive.value(world, world.log_ref) + 1e-12


def test_pi_off_is_held_between_refreshes_while_sources_use_all_labels():
    learner = tpo(share=0.0, refresh=Every(3), pessimism_scale=0.0)
    learner.start(LINE)
    held, sources = [], []
    for _ in range(7):
        learner.observe(0, A, B, True)
        held.append(learner.pessimistic_value)
        sources.append(learner.values()[0])
    assert held[:2] == [0.0, 0.0]
    assert held[2] == held[3] == held[4] > 0
    assert held[5] == held[6] >= held[4]
    assert len(set(sources)) == 7


def test_what_is_not_allowed_is_refused():
    for changes, match in [
        ({"model": "finite"}, "'finite'"),
        ({"lam": 0.0}, "lam is 0.0"),
        ({"radius": -1.0}, "radius is -1.0"),
        ({"radius": math.nan}, "radius is nan"),
    ]:
        with pytest.raises(ValueError, match=match):
            tpo(**changes)
    with pytest.raises(ValueError, match="no features"):
        tpo().start(WORLD.replace(features=None))
