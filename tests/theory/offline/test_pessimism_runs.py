"""The runs behind the claims on pessimism: against plain loops, the links of the proof, and the learner's own code."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench import tape
from simbench.learners.confidence.version_space import Likelihoods, VersionSpace
from simbench.precision import float64
from simbench.theory.foundations import concentration
from simbench.theory.offline import liu2024_runs
from simbench.theory.transfer import huang2025_self_transfer
from simbench.worlds.families.random_finite import RandomFinite

MEMBERS = 5
WORLD = RandomFinite(members=MEMBERS, prompts=2, responses=3, beta=0.4, reward_bound=1.5).draw(
    tape.instance_key(seed=5, instance=0)
)
TRUE = next(m for m in range(MEMBERS) if np.array_equal(WORLD.reward_class[m], WORLD.reward))
WIDTH = math.log(2 * MEMBERS / 0.1)


def gibbs(reward):
    weights = np.exp(WORLD.log_ref) * np.exp(reward / WORLD.beta)
    return weights / weights.sum(axis=1, keepdims=True)


def advantage(reward, member):
    """E_{pi - ref} r - beta KL(pi||ref), cell by cell."""
    policy, total = gibbs(WORLD.reward_class[member]), 0.0
    for s, rho in enumerate(WORLD.rho):
        for a, p in enumerate(policy[s]):
            ref = math.exp(WORLD.log_ref[s, a])
            total += rho * ((p - ref) * reward[s, a] - WORLD.beta * p * math.log(p / ref))
    return total


VALUES = np.array([[advantage(r, k) for k in range(MEMBERS)] for r in WORLD.reward_class])


def maximin(log_ratio):
    """pi_OFF by enumeration, from log-likelihood ratios `[M]`."""
    inside = [m for m in range(MEMBERS) if max(log_ratio) - log_ratio[m] <= WIDTH]
    return int(np.argmax([min(VALUES[m, k] for m in inside) for k in range(MEMBERS)]))


def test_advantages_are_those_of_loops():
    np.testing.assert_allclose(concentration.advantages_of(WORLD), VALUES, atol=1e-12)
    assert concentration.truth_of(WORLD) == TRUE


@pytest.mark.parametrize("rule", ["greedy", "optimistic", "reference"])
def test_gathered_data_are_those_of_loops(rule, monkeypatch):
    monkeypatch.setattr(huang2025_self_transfer, "COUNTS", (4, 25, 60))
    choose = {
        "greedy": concentration.likeliest,
        "optimistic": huang2025_self_transfer.optimistic(WORLD),
        "reference": huang2025_self_transfer.reference_only(WORLD),
    }[rule]
    u = concentration.run_tapes(0, 0, range(3), 60)
    off, shares = huang2025_self_transfer.gathered(WORLD, u, choose)
    ref = np.exp(WORLD.log_ref)
    for run in range(3):
        current, played, ratio = MEMBERS, np.zeros(MEMBERS + 1), np.zeros(MEMBERS)
        for t in range(60):
            first = ref if current == MEMBERS else gibbs(WORLD.reward_class[current])
            played[current] += 1
            s = tape.choose_numpy(WORLD.rho, u[0, t, run])
            a, b = tape.choose_numpy(first[s], u[1, t, run]), tape.choose_numpy(ref[s], u[2, t, run])
            chance = 1 / (1 + math.exp(WORLD.reward[s, b] - WORLD.reward[s, a]))
            sign = 1 if u[3, t, run] < chance else -1
            for m, r in enumerate(WORLD.reward_class):
                ratio[m] -= math.log1p(math.exp(-sign * (r[s, a] - r[s, b])))
                ratio[m] += math.log1p(math.exp(-sign * (WORLD.reward[s, a] - WORLD.reward[s, b])))
            inside = ratio >= ratio.max() - WIDTH
            current = {
                "greedy": int(np.argmax(ratio)),
                "optimistic": int(np.argmax(np.where(inside, np.diag(VALUES), -np.inf))),
                "reference": MEMBERS,
            }[rule]
            if t + 1 in (4, 25, 60):
                at = (4, 25, 60).index(t + 1)
                assert off[at, run] == maximin(ratio)
                np.testing.assert_allclose(shares[at, run], played / (t + 1), atol=1e-12)


def random_ratios(shape, scale=3.0):
    ratio = np.random.default_rng(7).normal(size=(*shape, MEMBERS)) * scale
    ratio[..., TRUE] = 0.0
    return ratio


def test_every_link_of_the_proof_holds():
    """gap <= E_{pi*, ref}(D_a - D_b) <= sqrt(Cov E_{pibar, ref}(D_a - D_b)^2) while r* is in CS, for any pibar."""
    generator, ref, best = np.random.default_rng(3), np.exp(WORLD.log_ref), gibbs(WORLD.reward)
    rho = WORLD.rho[:, None]
    tried = 0
    for ratio in random_ratios((300,)):
        inside = [m for m in range(MEMBERS) if ratio.max() - ratio[m] <= WIDTH]
        if TRUE not in inside:
            continue
        tried += 1
        off = huang2025_self_transfer.pessimistic(WORLD, ratio[None])[0]
        gap = VALUES[TRUE, TRUE] - VALUES[TRUE, off]
        pibar = generator.dirichlet(np.ones(3), size=2)
        worst = min(inside, key=lambda m: VALUES[m, TRUE])
        off_by = WORLD.reward - WORLD.reward_class[worst]
        first = np.sum(rho * (best - ref) * off_by)
        pairs = (off_by[:, :, None] - off_by[:, None, :]) ** 2
        second = np.einsum("s,sa,sb,sab->", WORLD.rho, pibar, ref, pairs)
        coverage = np.sum(rho * best**2 / pibar)
        assert gap <= first + 1e-12
        assert first <= math.sqrt(coverage * second) + 1e-12
    assert tried > 100


def test_coverage_and_gaps_of_the_table(monkeypatch):
    """The columns, for a run in which the reference and two members were played."""
    shares = np.zeros((1, 1, MEMBERS + 1))
    shares[0, 0, [0, 3, MEMBERS]] = 0.2, 0.5, 0.3
    monkeypatch.setattr(huang2025_self_transfer, "COUNTS", (10,))
    monkeypatch.setattr(huang2025_self_transfer, "gathered", lambda *_: (np.array([[3]]), shares))
    with float64():
        row = huang2025_self_transfer.tabled("any", WORLD, None, 0, 0, range(1)).iloc[0]
    pibar = (
        0.2 * gibbs(WORLD.reward_class[0]) + 0.5 * gibbs(WORLD.reward_class[3]) + 0.3 * np.exp(WORLD.log_ref)
    )
    assert row["coverage"] == pytest.approx(
        np.sum(WORLD.rho[:, None] * gibbs(WORLD.reward) ** 2 / pibar), rel=1e-10
    )
    gaps = [VALUES[TRUE, TRUE] - VALUES[TRUE, k] for k in range(MEMBERS)] + [VALUES[TRUE, TRUE]]
    assert row["gap"] == pytest.approx(gaps[3], rel=1e-9, abs=1e-12)
    assert row["mean_gap"] == pytest.approx(0.2 * gaps[0] + 0.5 * gaps[3] + 0.3 * gaps[-1], rel=1e-9)


def test_the_world_of_the_control_is_where_it_can_be_refuted():
    """T p_best << 1, and the bound with full coverage falls below the gap of a policy that never learns."""
    world, largest = huang2025_self_transfer.rare_best_arm(), max(huang2025_self_transfer.COUNTS)
    assert largest * huang2025_self_transfer.TAIL < 0.02
    steepest = 2 + math.e + 1 / math.e
    with float64():
        stuck = float(q.value_gap(world, world.log_ref))
    enough = 3 * (steepest / stuck) ** 2 * math.log(2 * 2 / 0.1)
    assert enough == pytest.approx(483, abs=1)
    assert largest > 2 * enough


def test_rpo_s_shortfalls_are_those_of_loops(monkeypatch):
    monkeypatch.setattr(liu2024_runs, "COUNTS", (20, 500))
    ratio = random_ratios((2, 3))
    found = liu2024_runs.shortfalls(WORLD, ratio, 4.0)
    for i, n in enumerate((20, 500)):
        weight = 4.0 * math.sqrt(n * WIDTH) / (1 + math.exp(1.5)) ** 2
        assert found["allowance"][i] == pytest.approx(WIDTH / weight)
        for run in range(3):
            behind = ratio[i, run].max() - ratio[i, run]
            excess = [
                min(VALUES[m, k] + behind[m] / weight for m in range(MEMBERS)) - VALUES[TRUE, k]
                for k in range(MEMBERS)
            ]
            returned = int(np.argmin([VALUES[m, m] + behind[m] / weight for m in range(MEMBERS)]))
            assert found["largest"][i, run] == pytest.approx(max(excess), abs=1e-12)
            assert found["returned"][i, run] == pytest.approx(excess[returned], abs=1e-12)


def test_the_correction_is_all_that_the_event_needs():
    """Deterministically: P - (NLL(r*) - NLL(rhat))/eta never exceeds the value, at any policy and weight."""
    ratio = random_ratios((len(liu2024_runs.COUNTS), 50))
    for scale in (0.1, 1.0, 100.0):
        found = liu2024_runs.shortfalls(WORLD, ratio, scale)
        charged = ratio.max(axis=2) / WIDTH * found["allowance"][:, None]
        assert np.all(found["largest"] <= charged + 1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize("pessimism", ["version_space", "rpo"])
def test_the_parts_of_tpo_say_the_same(pessimism):
    """pi_OFF and its pessimistic value in simbench/learners/confidence/version_space.py."""
    part = VersionSpace(delta=0.1, pessimism=pessimism, eta=4.0)
    with float64():
        world = jax.tree.map(jnp.asarray, WORLD)
        for ratio in random_ratios((5,)):
            data = Likelihoods(loss=jnp.asarray(-ratio), source_values=None)
            found = part.pessimistic(data, world, jnp.asarray(500.0))
            if pessimism == "version_space":
                member = maximin(ratio)
                assert float(found.value) == pytest.approx(
                    min(VALUES[m, member] for m in range(MEMBERS) if ratio.max() - ratio[m] <= WIDTH),
                    abs=1e-10,
                )
            else:
                weight = 4.0 * math.sqrt(500 * WIDTH) / (1 + math.exp(1.5)) ** 2
                lowest = np.min(VALUES + ((ratio.max() - ratio) / weight)[:, None], axis=0) - WIDTH / weight
                member = int(np.argmax(lowest))
                assert float(found.value) == pytest.approx(lowest[member], abs=1e-10)
            np.testing.assert_allclose(
                np.exp(found.log_policy), gibbs(WORLD.reward_class[member]), atol=1e-10
            )
