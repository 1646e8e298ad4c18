import jax
import numpy as np
import pytest
from flint import arb

from simbench import quantities as q
from simbench.bandit import Bandit
from tests.quantities import arb_oracle as oracle
from tests.quantities import compiled
from tests.quantities.instances import (
    corners_and_random,
    extreme_bandits,
    near,
    normalised,
    random_bandit,
    random_policy,
)

pytestmark = pytest.mark.usefixtures("in_float64", "in_400_bits")

EXTREMES = extreme_bandits(np.random.default_rng(0))


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("spread", [1.0, 50.0])
def test_coverage_and_density_ratios_vs_400_bits(case, spread):
    bandit = EXTREMES[case]
    log_policy = random_policy(np.random.default_rng(1), bandit, spread)
    best, policy = oracle.gibbs(bandit, bandit.reward), oracle.policy(log_policy)
    cells = [cell for cell in oracle.cells(bandit) if policy[cell] > 0]
    ratios = [best[cell] / policy[cell] for cell in cells]
    terms = [arb(float(bandit.rho[s])) * best[s, a] * x for (s, a), x in zip(cells, ratios, strict=True)]
    coverage = sum(terms, arb(0))
    computed = compiled.single(bandit, log_policy)
    ulps = 1e-14 * max(1.0, float(1 / bandit.beta))
    for name, exact in (("log_coverage", coverage), ("log_max", max(ratios)), ("log_min", min(ratios))):
        error = abs(float(float(computed[name]) - exact.log()))
        assert error < ulps + 1e-15 * abs(float(exact.log()))
    if coverage < 1e300:
        assert oracle.relative_error(computed["coverage"], coverage) < ulps
        assert oracle.relative_error(computed["excess"], oracle.chi_squared(bandit, best, policy)) < ulps


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_excess_of_a_nearly_optimal_policy_vs_400_bits(distance):
    for bandit in EXTREMES.values():
        best = compiled.single(bandit, bandit.log_ref)["log_optimal"]
        log_policy = near(np.random.default_rng(2), best, distance)
        exact = oracle.chi_squared(bandit, oracle.gibbs(bandit, bandit.reward), oracle.policy(log_policy))
        ulps = 1e-15 * max(1.0, float(1 / bandit.beta))
        error = oracle.relative_error(compiled.single(bandit, log_policy)["excess"], exact)
        assert error < 1e-14 + ulps / distance or exact < 1e-30


def both_sides(worlds, policies):
    """Return log(Cov - 1) and the logs of its lower and upper bound, where they are finite."""
    columns = compiled.batched(worlds, policies)
    excess = np.asarray(columns["excess"])
    counted = np.isfinite(excess) & (excess > 0)
    log_gap = np.log(np.asarray(columns["value_gap"])[counted] / worlds.beta[counted])
    lower = log_gap + np.asarray(columns["log_kappa_min"])[counted]
    upper = log_gap + np.asarray(columns["log_kappa_max"])[counted]
    return np.log(excess[counted]), lower, upper


def policies_near_and_far(rng, worlds):
    """Return Gibbs policies, those of vertex rewards, mixtures of the two, wild ones, and neighbours of pi*."""
    supported, shape = worlds.log_ref > -np.inf, worlds.log_ref.shape
    interior = np.asarray(compiled.gibbs_batched(worlds, rng.uniform(size=shape)))
    vertex = np.asarray(compiled.gibbs_batched(worlds, rng.uniform(size=shape).round()))
    mix = rng.uniform(size=(shape[0], 1, 1))
    best = np.asarray(compiled.gibbs_batched(worlds, worlds.reward))
    size = 10.0 ** rng.uniform(-12, -1, size=(shape[0], 1, 1))
    return {
        "interior": interior,
        "vertex": vertex,
        "mixture": normalised(np.logaddexp(np.log(mix) + interior, np.log1p(-mix) + vertex)),
        "wild": normalised(np.where(supported, rng.choice([1, 100]) * rng.normal(size=shape), -np.inf)),
        "close": normalised(best + size * rng.normal(size=shape)),
    }


@pytest.mark.thorough
def test_value_controls_coverage_from_both_sides():
    # [huang2025, Lemma 3.1], two-sided: no violation, near-equal policies and corners included.
    rng = np.random.default_rng(3)
    halved = total = 0
    for _ in range(10):
        worlds = corners_and_random(rng)
        for name, policies in policies_near_and_far(rng, worlds).items():
            excess, lower, upper = both_sides(worlds, policies)
            assert np.all(excess <= upper + 1e-12), name
            assert np.all(lower <= excess + 1e-12), name
            halved += np.sum(excess > upper - np.log(2))
            total += excess.size
    assert total > 15_000
    assert halved > 0.1 * total  # control: half the constant is refuted


@pytest.mark.thorough
def test_lemma_is_tight_and_its_exponent_is_two():
    # Two arms, ref = (e, 1-e), r* = (R, 0), source (0, R): attains kappa(exp(2R/beta)) as e -> 0.
    for log_e in (-20.0, -30.0):
        log_ref = normalised([[log_e, 0.0, -np.inf, -np.inf]] * 3)
        reward = np.array([[1.0, 0.0, 0.0, 0.0]] * 3)
        bandit = Bandit(rho=[1.0, 0.0, 0.0], log_ref=log_ref, reward=reward, beta=0.25)
        _, source = compiled.gibbs(bandit, 1 - reward)
        computed = compiled.single(bandit, source)
        excess, gap = float(computed["excess"]), float(computed["value_gap"]) / 0.25
        assert 0.999 < excess / (float(q.kappa(np.exp(2 / 0.25))) * gap) <= 1 + 1e-12
        assert excess > float(q.kappa(np.exp(1 / 0.25))) * gap  # control: exponent R/beta


def test_missed_response_gives_infinite_coverage_and_weightless_prompts_none():
    bandit = random_bandit(np.random.default_rng(5))
    narrow = np.zeros((3, 4))
    narrow[0, 0] = -np.inf
    computed = compiled.single(bandit, normalised(narrow))
    for name in ("coverage", "excess", "log_coverage", "log_max"):
        assert computed[name] == np.inf
    assert np.isfinite(computed["log_min"])
    silent = compiled.single(bandit.replace(rho=[0.0, 0.4, 0.6]), normalised(narrow))
    assert all(np.isfinite(x).all() for x in silent.values())


def test_mass_outside_the_support_counts_for_the_smallest_ratio_only():
    bandit = random_bandit(np.random.default_rng(6), missing=True)
    computed = compiled.single(bandit, normalised(np.zeros((3, 4))))
    assert computed["log_min"] == -np.inf
    assert np.isfinite(computed["log_max"])
    assert np.isfinite(computed["coverage"])


def test_global_coverage():
    log_ref = normalised([[0.0, -3.0], [0.0, -50.0]])
    bandit = Bandit(rho=[0.5, 0.5], log_ref=log_ref, reward=np.zeros((2, 2)), beta=1.0)
    assert q.global_coverage(bandit) == pytest.approx(1 / np.exp(log_ref).min(), rel=1e-13)
    assert q.global_coverage(bandit.replace(rho=[1.0, 0.0])) == pytest.approx(
        np.exp(-log_ref[0, 1]), rel=1e-14
    )
    assert q.global_coverage(bandit.replace(log_ref=[[0.0, -np.inf], [0.0, -np.inf]])) == np.inf


def test_global_coverage_bounds_every_policy_and_the_others_agree_with_their_definitions():
    # C_glo >= pi/ref; Cov = E_{pi*}[pi*/pi], and M, m are its extreme ratios.
    rng = np.random.default_rng(7)
    worlds = jax.tree.map(lambda x: x[9:], corners_and_random(rng, size=409))
    policies = normalised(rng.normal(size=worlds.log_ref.shape))
    columns = {name: np.asarray(column) for name, column in compiled.batched(worlds, policies).items()}
    assert np.all((policies - worlds.log_ref).max(axis=(1, 2)) <= columns["log_global"])
    best = np.exp(columns["log_optimal"])
    ratio = best / np.exp(policies)
    average = np.einsum("ns,nsa,nsa->n", worlds.rho, best, ratio)
    np.testing.assert_allclose(columns["coverage"], average, rtol=1e-11)
    np.testing.assert_allclose(np.exp(columns["log_max"]), ratio.max(axis=(1, 2)), rtol=1e-11)
    positive = ratio.min(axis=(1, 2)) > 1e-300
    smallest = np.exp(columns["log_min"])[positive]
    np.testing.assert_allclose(smallest, ratio.min(axis=(1, 2))[positive], rtol=1e-11)
