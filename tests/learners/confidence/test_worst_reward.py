"""The worst reward of an ellipsoid, certified: a policy and a parameter of one value are optimal (duality)."""

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from simbench.learners.confidence.potential_kernel import open_cells, open_search
from simbench.learners.confidence.worst_reward import Groups, occurring, worst_reward
from simbench.learners.confidence.worst_reward_kernel import FOUND, REFERENCE, find_worst_reward
from simbench.learners.kernels.ball import factorise
from simbench.precision import entry_point, float64
from simbench.tape.kernel import kernel

RADII = (0.0, 1e-6, 0.1, 0.5, 0.9, 1 - 1e-6, 1 - 1e-10, 1 + 1e-9, 3.0)  # of the way to the reference
BETAS = (0.01, 0.1, 1.0, 10.0)
PROMPTS, RESPONSES = 3, 4


@entry_point
def solve(groups, theta, factor, radius):
    """Solve all cases at once, as a block of runs does."""
    return jax.tree.map(
        np.asarray, jax.jit(jax.vmap(worst_reward))(groups, theta, jnp.swapaxes(factor, -1, -2), radius)
    )


def normalised(logits):
    top = logits.max(axis=-1, keepdims=True)
    return logits - top - np.log(np.sum(np.exp(logits - top), axis=-1, keepdims=True))


def upper(groups, theta):
    """F(theta), whatever the policy."""
    reward = np.einsum("gpak,gk->gpa", groups.features, theta)
    ref = np.exp(groups.log_ref)
    tops = (groups.log_ref + reward / groups.beta).max(axis=2)
    rest = np.exp(groups.log_ref + reward / groups.beta - tops[..., None]).sum(axis=2)
    values = groups.beta * (tops + np.log(rest)) - np.sum(ref * reward, axis=2)
    return np.sum(groups.rho * values)


def lower(groups, theta, factor, radius, log_policy):
    """<thetahat, x> - bet ||x||_{V^-1} - beta KL of a policy, whatever the parameter."""
    policy = np.exp(log_policy)
    x = np.einsum("gp,gpa,gpak->gk", groups.rho, policy - np.exp(groups.log_ref), groups.features)
    ratio = np.where(policy > 0, log_policy - np.where(policy > 0, groups.log_ref, 0.0), 0.0)
    divergence = np.einsum("gp,gpa->", groups.rho, policy * ratio)
    width = np.sqrt(sum(np.sum(np.linalg.solve(f, y) ** 2) for f, y in zip(factor, x, strict=True)))
    return np.sum(theta * x) - radius * width - groups.beta * divergence


def distance_to_ref(groups, theta, factor):
    """min of ||theta - theta'||_V over theta' whose rewards are constant on every prompt that occurs."""
    psi = groups.features - np.einsum("gpa,gpak->gpk", np.exp(groups.log_ref), groups.features)[:, :, None]
    psi = psi * ((groups.rho[..., None] > 0) & np.isfinite(groups.log_ref))[..., None]
    square = 0.0
    for rows, start, f in zip(psi.reshape(len(psi), -1, psi.shape[-1]), theta, factor, strict=True):
        square += np.sum((np.linalg.pinv(rows @ np.linalg.inv(f).T) @ rows @ start) ** 2)
    return np.sqrt(square)


def cases(model, seed):
    """Yield (groups, thetahat, factor of V, radius): all betas and radii; rare, missing and idle cells."""
    rng = np.random.default_rng(seed)
    refs = rng.dirichlet(np.ones(RESPONSES), size=(2, PROMPTS))
    refs[1, 0] = [0.2, 0.8 - 1e-9, 1e-9, 0.0]
    weights = np.array([[0.2, 0.3, 0.5], [0.4, 0.6, 0.0]])
    if model == "linear":
        features = rng.normal(size=(1, PROMPTS, RESPONSES, 3))
        features[..., 2] = 2.0 * features[..., 0]  # of rank two
        shape = (1, PROMPTS)
    else:
        features = np.broadcast_to(np.eye(RESPONSES), (PROMPTS, 1, RESPONSES, RESPONSES))
        shape = (PROMPTS, 1)
    size = features.shape[-1]
    for ref, rho in zip(refs, weights, strict=True):
        z = rng.normal(size=(shape[0], 10, size)) * rng.choice([0.1, 10.0], size=(shape[0], 10, 1))
        factor = np.linalg.cholesky(np.eye(size) + np.swapaxes(z, 1, 2) @ z)
        theta = rng.uniform(size=(shape[0], size))
        with np.errstate(divide="ignore"):
            log_ref = np.log(ref).reshape(*shape, RESPONSES)
        for beta in BETAS:
            groups = Groups(features, rho.reshape(shape), log_ref, beta)
            distance = distance_to_ref(groups, theta, factor)
            for radius in RADII:
                yield groups, theta, factor, radius * distance


@pytest.mark.parametrize("model", ["linear", pytest.param("tabular", marks=pytest.mark.thorough)])
def test_no_policy_is_better_and_no_parameter_is_worse(model):
    given = list(cases(model, seed=0))
    with float64():
        stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *given)
    found = solve(*stacked)
    assert found.solved.all()
    assert_allclose(found.is_reference, np.tile(np.array(RADII) > 1.0, 2 * len(BETAS)))
    for i, case in enumerate(given):
        certify(*case, found.theta[i], found.value[i], found.is_reference[i])


def certify(groups, theta, factor, radius, worst, value, is_reference):
    """The parameter is one of the ellipsoid's, and its policy is worth what it is."""
    move = np.einsum("gkl,gk->gl", factor, worst - theta)
    assert np.sqrt(np.sum(move**2)) <= radius * (1 + 1e-9) + 1e-12
    assert upper(groups, worst) == pytest.approx(value, abs=1e-12)
    reward = np.einsum("gpak,gk->gpa", groups.features, worst)
    log_policy = normalised(groups.log_ref + reward / groups.beta)
    if is_reference:
        log_policy = groups.log_ref
        assert value == 0.0
    assert lower(groups, theta, factor, radius, log_policy) == pytest.approx(value, abs=1e-11)


@kernel
def solve_numba(cells, search, theta, factors, radius):
    for g in range(theta.shape[0]):
        factorise(factors[g], 0.0, factors[g])
    return find_worst_reward(cells, search, theta, factors, radius)


@pytest.mark.parametrize(
    "model",
    ["linear", "tabular"]
    if numba.config.DISABLE_JIT
    else [pytest.param(m, marks=pytest.mark.thorough) for m in ("linear", "tabular")],
)
def test_the_kernel_passes_the_same_check(model):
    prepare = entry_point(jax.jit(occurring))
    for i, (groups, theta, factor, radius) in enumerate(cases(model, seed=0)):
        cells = open_cells(groups, *prepare(groups))
        search = open_search(cells)
        outcome = solve_numba(cells, search, theta, factor @ np.swapaxes(factor, 1, 2), radius)
        assert outcome == (REFERENCE if RADII[i % len(RADII)] > 1.0 else FOUND)
        if outcome == FOUND:  # else no parameter is written
            certify(groups, theta, factor, radius, search.theta, search.value[0], False)
        assert outcome == FOUND or search.value[0] == 0.0
