"""The runs behind the high-probability claims: against plain loops, KKT conditions, enumeration; and mutants.

Runs are pinned by their seed. Where a share of runs is compared with a probability, the band is 4.5 standard
deviations (false-alarm rate below 1e-5).
"""

import itertools
import math

import jax
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simbench import quantities as q
from simbench import tape
from simbench.precision import float64
from simbench.theory.foundations import concentration, linear_concentration
from simbench.theory.offline import offline_chain
from simbench.verify.statistical import ALPHA
from simbench.worlds.families.random_finite import RandomFinite


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def small_world(instance=0):
    family = RandomFinite(members=5, prompts=2, responses=3, beta=0.5, reward_bound=2.0)
    return family.draw(tape.instance_key(seed=3, instance=instance))


def gibbs(world, member):
    weights = np.exp(world.log_ref) * np.exp(world.reward_class[member] / world.beta)
    return weights / weights.sum(axis=1, keepdims=True)


def label(u, policy_1, policy_2, rho, reward):
    """Draw one label, by the contract of the tape, from uniforms `[4]`."""
    s = tape.choose_numpy(rho, u[0])
    a, b = tape.choose_numpy(policy_1[s], u[1]), tape.choose_numpy(policy_2[s], u[2])
    return s, a, b, u[3] < sigmoid(reward[s, a] - reward[s, b])


def finite_run_by_loops(world, u, second):
    """Return the four columns after every round of one run, by the definitions."""
    members, (prompts, responses) = len(world.reward_class), world.reward.shape
    ref = np.exp(world.log_ref)
    policies = [gibbs(world, m) for m in range(members)]
    history = [ref]
    hellinger, error, likelihood = [0.0] * members, [0.0] * members, [0.0] * members
    rows = []
    for t in range(u.shape[1]):
        first, other = history[t], ref if second == "reference" else history[t // 2]
        s, a, b, won = label(u[:, t], first, other, world.rho, world.reward)
        for m, r in enumerate(world.reward_class):
            for x in range(prompts):
                for c in range(responses):
                    for d in range(responses):
                        weight = world.rho[x] * first[x, c] * other[x, d]
                        p, true = sigmoid(r[x, c] - r[x, d]), sigmoid(world.reward[x, c] - world.reward[x, d])
                        roots = (math.sqrt(p) - math.sqrt(true)) ** 2
                        roots += (math.sqrt(1 - p) - math.sqrt(1 - true)) ** 2
                        hellinger[m] += weight * roots / 2
                        error[m] += weight * (p - true) ** 2
            likelihood[m] += math.log(sigmoid((r[s, a] - r[s, b]) * (1 if won else -1)))
        true = [np.array_equal(r, world.reward) for r in world.reward_class].index(True)
        best = int(np.argmax(likelihood))
        history.append(policies[best])
        behind = [value - likelihood[true] for value in likelihood]
        width = math.log(2 * members / 0.1)
        inside = [m for m in range(members) if likelihood[best] - likelihood[m] <= width]
        rows.append(
            {
                "supermartingale": max(h + 0.5 * g for h, g in zip(hellinger, behind, strict=True)),
                "mle_error": error[best],
                "truth_behind": max(behind),
                "version_space_error": max(error[m] for m in inside),
            }
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("second", ["reference", "past"])
def test_finite_runs_are_those_of_plain_loops(second):
    world, rounds = small_world(), 40
    u = concentration.run_tapes(0, 0, range(3), rounds)
    played = list(concentration.played(world, u, second))
    largest = concentration.largest_so_far(world, u, second)
    for run in range(3):
        loops = finite_run_by_loops(world, u[:, :, run], second)
        for column in loops:
            ours = [values[column][run] for values in played]
            assert ours == pytest.approx(loops[column].to_numpy(), abs=1e-10)
            for n, values in largest:
                assert values[column][run] == pytest.approx(loops[column][:n].max(), abs=1e-10)
    assert [n for n, _ in largest] == [5, 10, 15, 20, 25, 30, 35, 40]


def finite_rows(rounds=400):
    world = concentration.own_prompts(concentration.OWN_MEMBERS)
    u = concentration.run_tapes(0, 0, range(300), rounds)
    n, values = concentration.largest_so_far(world, u, "reference")[-1]
    keys = {"instance": 0, "run": np.arange(300), "round": n, "members": len(world.reward_class)}
    return {"": pd.DataFrame(keys | values)}


def test_a_hellinger_distance_without_its_half_is_noticed(monkeypatch):
    claim = concentration.FiniteClassConcentration()
    assert claim.test(finite_rows(), "test").against > ALPHA
    half = concentration.squared_hellinger
    monkeypatch.setattr(concentration, "squared_hellinger", lambda p, q: 2.0 * half(p, q))
    assert claim.test(finite_rows(), "test").against < 1e-6


def test_the_fit_in_a_ball_satisfies_kkt():
    generator = np.random.default_rng(5)
    z, counts = generator.normal(size=(7, 3)), generator.integers(0, 9, size=(60, 7)).astype(float)
    wins = np.floor(counts * generator.uniform(size=(60, 7)) ** 0.3 + 0.5)
    fit = {"ridge": 0.05, "radius": 0.8}
    theta = linear_concentration.fit_in_ball(z, counts, wins, **fit, start=np.zeros((60, 3)))
    chance = 1.0 / (1.0 + np.exp(-theta @ z.T))
    slope = (counts * chance - wins) @ z + fit["ridge"] * theta
    norm = np.linalg.norm(theta, axis=1)
    inside = norm < fit["radius"] * (1 - 1e-9)
    assert 5 < inside.sum() < 55
    assert norm.max() <= fit["radius"] * (1 + 1e-12)
    assert np.abs(slope[inside]).max() < 1e-9
    # On the sphere the slope points straight inwards, against theta: slope = -mu theta with mu >= 0.
    mu = -np.sum(slope * theta, axis=1)[~inside] / fit["radius"] ** 2
    assert mu.min() > 0.0
    assert np.abs(slope[~inside] + mu[:, None] * theta[~inside]).max() < 1e-8


def test_linear_runs_are_those_of_plain_loops():
    world = linear_concentration.greedy_world(tape.instance_key(seed=1, instance=0))
    rounds, runs = 15, 2
    u = linear_concentration.run_tapes(1, 0, range(runs), rounds)
    played = dict(linear_concentration.played(world, u, "ball"))
    assert list(played) == list(range(1, rounds + 1))
    phi, ref = world.features, np.exp(world.log_ref)
    widest = max(np.linalg.norm(x - y) for prompt in phi for x in prompt for y in prompt)
    gamma = 1.0 / (2.0 + math.exp(widest * world.radius) + math.exp(-widest * world.radius))
    for run in range(runs):
        theta, z, won = np.zeros(3), [], []
        for t in range(rounds):
            greedy = ref * np.exp(phi @ theta / world.beta)
            s, a, b, y = label(u[:, t, run], greedy, ref, np.array([0.5, 0.5]), phi @ world.theta)
            z.append(phi[s, a] - phi[s, b])
            won.append(float(y))
            labels = np.ones((1, t + 1))
            theta = linear_concentration.fit_in_ball(
                np.array(z),
                labels,
                np.array([won]),
                ridge=gamma * world.ridge,
                radius=1.0,
                start=np.zeros((1, 3)),
            )[0]
            covariance = world.ridge * np.eye(3) + sum(np.outer(x, x) for x in z)
            off = theta - world.theta
            growth = math.log(np.linalg.det(covariance)) - 3 * math.log(world.ridge)
            bound = math.sqrt(growth + 2 * math.log(10)) / (2 * gamma) + math.sqrt(world.ridge) * world.radius
            assert played[t + 1]["error"][run] == pytest.approx(math.sqrt(off @ covariance @ off), rel=1e-7)
            assert played[t + 1]["bound"][run] == pytest.approx(bound, rel=1e-10)


def enumerated(world, rounds, reading):
    """Return the probability that the bound breaks within `rounds` labels of one pair: (n, wins) is a Markov chain."""
    gamma, chance = world.curvature(reading), sigmoid(world.theta[0])
    alive, broken, z = np.array([1.0]), 0.0, np.ones((1, 1))
    for n in range(1, rounds + 1):
        alive = np.append(alive, 0.0) * (1 - chance) + np.append(0.0, alive) * chance
        counts, wins = np.full((n + 1, 1), float(n)), np.arange(n + 1.0)[:, None]
        theta = linear_concentration.fit_in_ball(
            z, counts, wins, ridge=gamma * world.ridge, radius=world.radius, start=np.zeros((n + 1, 1))
        )
        sides = linear_concentration.error_and_bound(world, z, counts, theta, gamma)
        breaks = sides["error"] > sides["bound"]
        broken, alive = broken + alive[breaks].sum(), np.where(breaks, 0.0, alive)
    return broken


@pytest.mark.parametrize("name", linear_concentration.STREAKS)
def test_the_wrong_reading_fails_as_often_as_enumeration_says(name):
    world, runs = linear_concentration.STREAKS[name], linear_concentration.STREAK_RUNS["quick"]
    probability = enumerated(world, 20, "truth")
    assert probability > 0.2
    assert enumerated(world, 20, "ball") == 0.0
    table = linear_concentration.tabled(name, world, 0, 0, range(runs), 20, "truth")
    share = (table["error"] > table["bound"]).groupby(table["run"]).any().mean()
    assert share == pytest.approx(
        probability, abs=4.5 * math.sqrt(probability * (1 - probability) / runs) + 1e-12
    )
    # Enough runs: what the exact test rejects at a hundredth of ALPHA is missed less than once in a million times.
    least = int(stats.binom.isf(ALPHA / 100, runs, 0.1)) + 1
    assert stats.binom.cdf(least - 1, runs, probability) < 1e-6


def test_the_event_is_one_of_all_n():
    """A run that breaks the bound early, and not at its last n, counts."""
    claim = linear_concentration.LinearMLEEllipsoidOfTheTruth()
    name, world = next(iter(linear_concentration.STREAKS.items()))
    rows = {"": linear_concentration.tabled(name, world, 0, 0, range(300), 20, "truth")}
    every = claim.test(rows, "test").detail["broken"]
    claim.checkpoints = "last"
    assert claim.test(rows, "test").detail["broken"] < every / 4


def test_offline_likelihoods_are_those_of_single_labels(monkeypatch):
    monkeypatch.setattr(offline_chain, "COUNTS", (3, 8, 20))
    world = small_world(1)
    u = offline_chain.run_tapes(2, 1, range(4), 20)
    found = offline_chain.log_ratios(world, u)
    ref = np.exp(world.log_ref)
    for run in range(4):
        ratio = np.zeros(5)
        for t in range(20):
            s, a, b, won = label(u[:, t, run], ref, ref, world.rho, world.reward)
            sign = 1 if won else -1
            for m, r in enumerate(world.reward_class):
                ratio[m] += math.log(sigmoid(sign * (r[s, a] - r[s, b])))
                ratio[m] -= math.log(sigmoid(sign * (world.reward[s, a] - world.reward[s, b])))
            if t + 1 in (3, 8, 20):
                assert found[(3, 8, 20).index(t + 1), run] == pytest.approx(ratio, abs=1e-10)


@pytest.mark.thorough
def test_every_link_of_the_chain_holds():
    """gap <= (C/(2 beta)) Var_ref D <= (C c_R^2/(4 beta)) E (P - P*)^2, for every member of both kinds of worlds."""
    key = tape.instance_key(seed=0, instance=0)
    local_coverage = jax.jit(q.local_coverage)
    for world in (offline_chain.RANDOM.draw(key), offline_chain.nested(key)):
        with float64():
            gap, coverage = offline_chain.gaps_and_coverage(world, np.log(concentration.gibbs_of(world)[:-1]))
            tilt = float(world.reward_bound / world.beta)
            assert float(coverage) <= float(local_coverage(world, min(tilt, tilt**2 / 8)))
        ref = np.exp(world.log_ref)
        off = world.reward_class - world.reward
        mean = np.sum(ref * off, axis=-1, keepdims=True)
        variance = np.sum(ref * (off - mean) ** 2, axis=-1) @ world.rho
        move = concentration.predictions(world.reward_class) - concentration.predictions(world.reward)
        error = np.einsum("s,sa,sb,msab->m", world.rho, ref, ref, move**2)
        steepest = 2 + np.exp(world.reward_bound) + np.exp(-world.reward_bound)
        links = [
            np.asarray(gap),
            float(coverage) / (2 * world.beta) * variance,
            float(coverage) * steepest**2 / (4 * world.beta) * error,
        ]
        for smaller, larger in itertools.pairwise(links):
            assert np.all(smaller <= larger * (1 + 1e-9) + 1e-15)
