"""Sources of a prescribed gap: exact, inside the box and the class, and refused when there is none.

Gaps and coverages are computed here in plain NumPy, beta KL(pi || pi*) and sum rho pi*^2 / pi.
"""

import itertools

import numpy as np
import pytest

from simbench.errors import SimbenchError, UnknownNameError
from simbench.tape import tape_key
from simbench.worlds import make
from simbench.worlds.exact_gap import (
    DIRECTIONS,
    extreme_path,
    largest,
    largest_gap,
    path,
    reward_of_gap,
    tabular_path,
    value_gap,
)

KEY = tape_key(axis="direction")
SHAPE = {"prompts": 3, "responses": 4}  # one shape: one compilation
WORLDS = {
    "tabular": make("random_tabular", beta=0.25, **SHAPE),
    "sharp": make("random_tabular", beta=0.01, **SHAPE),
    "blunt": make("random_tabular", beta=20.0, reward_bound=3.0, **SHAPE),
    "missing support": make("missing_support", **SHAPE),
    "log-linear": make("random_linear", dimension=3, **SHAPE),
    "finite": make("random_finite", members=8, **SHAPE),
    "a prompt without weight": make("random_tabular", beta=0.25, **SHAPE).replace(rho=[0.25, 0.75, 0.0]),
}


def gibbs(world, reward):
    logits = world.log_ref + (reward - reward.max(-1, keepdims=True)) / world.beta
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def gap_by_numpy(world, reward):
    p, q = gibbs(world, reward), gibbs(world, world.reward)
    seen = np.isfinite(p)
    difference = np.where(seen, p, 0) - np.where(seen, q, 0)
    return float(world.beta * (world.rho @ (np.exp(p) * difference).sum(-1)))


def coverage_by_numpy(world, reward):
    p, q = gibbs(world, reward), gibbs(world, world.reward)
    seen = np.isfinite(p)
    return float(world.rho @ np.exp(2 * np.where(seen, q, -np.inf) - np.where(seen, p, 0)).sum(-1))


def is_source(world, reward, gap):
    """What a source promises: the gap, the box, and |log pi/ref| <= R/beta."""
    bound = float(world.reward_bound)
    seen = np.isfinite(world.log_ref)
    ratio = np.abs(gibbs(world, reward)[seen] - world.log_ref[seen])
    return (
        abs(gap_by_numpy(world, reward) - gap) < 1e-12
        and reward.min() >= 0
        and reward.max() <= bound
        and ratio.max() <= bound / world.beta * (1 + 1e-12)
    )


@pytest.mark.parametrize("name", WORLDS)
def test_gaps_are_met_in_every_direction_that_reaches_them(name):
    world = WORLDS[name]
    for direction in DIRECTIONS:
        road = path(direction, world, KEY)
        for share in (1.0, 0.1):
            reward = reward_of_gap(road, share * road.reach)
            assert is_source(world, reward, share * road.reach), (direction, share)


def test_what_a_source_promises_can_be_broken():
    """A gap off by a billionth, a time off by a billionth, a reward outside the box: each is noticed."""
    world = WORLDS["tabular"]
    road = path("reverse", world, KEY)
    gap = 0.5 * road.reach
    reward = reward_of_gap(road, gap)
    assert is_source(world, reward, gap)
    assert not is_source(world, reward, gap * (1 + 1e-9))
    assert not is_source(world, reward + 1e-9 * road.change, gap)
    assert not is_source(world, reward - reward.min() - 1e-9, gap)
    assert not is_source(world, reward_of_gap(path("reverse", WORLDS["sharp"], KEY), gap), gap)


@pytest.mark.parametrize("name", ["tabular", "sharp", "log-linear", "missing support"])
def test_the_gap_grows_along_a_path_that_begins_at_the_true_reward(name):
    world = WORLDS[name]
    for direction in ("reverse", "random", "raise_worst", "extreme"):
        road = path(direction, world, KEY)
        np.testing.assert_array_equal(road.reward(0.0), world.reward)
        gaps = [road.gap(t) for t in np.linspace(0, road.end, 20)]
        assert gaps[0] == 0
        assert (np.diff(gaps) > -1e-15).all()
        assert gaps[-1] == road.reach == road.gap(2 * road.end + 1)


def test_the_slope_is_the_variance_of_the_direction():
    """g'(t) = (t/beta) E_rho Var_{G(r* + t u)} u, before any prompt has stopped."""
    world = WORLDS["tabular"]
    road = path("random", world, KEY)
    for t in (0.2, 0.5, 0.8):
        time, step = t * road.ends.min(), 1e-6
        policy = np.exp(gibbs(world, road.reward(time)))
        mean = (policy * road.change).sum(-1, keepdims=True)
        variance = world.rho @ (policy * (road.change - mean) ** 2).sum(-1)
        slope = (road.gap(time + step) - road.gap(time - step)) / (2 * step)
        assert slope == pytest.approx(time / world.beta * variance, rel=1e-7)


def test_a_path_ends_where_the_span_is_used_up():
    for name in ("tabular", "log-linear"):
        world = WORLDS[name]
        for direction in ("reverse", "random", "raise_rare"):
            road = path(direction, world, KEY)
            spans = np.ptp(road.reward(road.end), axis=-1)
            full = np.isclose(spans, world.reward_bound, rtol=0, atol=1e-9)
            assert full.any()
            if name == "tabular":
                assert (full | (np.ptp(road.change, axis=-1) == 0)).all()


def test_reversal_passes_through_the_reference_and_is_the_path_of_flattening():
    world = WORLDS["tabular"]
    reverse = path("reverse", world, KEY)
    np.testing.assert_allclose(gibbs(world, reverse.reward(0.5)), world.log_ref, rtol=0, atol=1e-13)
    np.testing.assert_allclose(reverse.reward(1.0), world.reward_bound - world.reward, rtol=0, atol=1e-15)
    flatten = tabular_path(world, world.reward_bound / 2 - world.reward)
    for gap in (0.01, 0.2):
        one, other = reward_of_gap(reverse, gap), reward_of_gap(flatten, gap)
        np.testing.assert_allclose(gibbs(world, one), gibbs(world, other), rtol=0, atol=1e-10)


@pytest.mark.parametrize("gap", [1e-16, 1e-12, 1e-8, 1e-4])
def test_tiny_gaps_keep_their_digits(gap):
    """KL as a sum of squares: for nearly equal policies it is Var(log ratio)/2 to first order."""
    world = WORLDS["tabular"]
    reward = reward_of_gap(path("random", world, KEY), gap)
    assert value_gap(world, reward) == pytest.approx(gap, rel=1e-6)
    policy, tilt = np.exp(gibbs(world, world.reward)), (reward - world.reward) / world.beta
    variance = world.rho @ (policy * (tilt - (policy * tilt).sum(-1, keepdims=True)) ** 2).sum(-1)
    assert world.beta * variance / 2 == pytest.approx(gap, rel=10 * np.sqrt(gap / world.beta) + 1e-6)


def test_one_gap_has_many_coverages():
    """Deep in a tail: mass taken from the optimum against mass put where pi* has none."""
    world = make("rare_optimum_equal_gaps")
    coverages = [coverage_by_numpy(world, reward) for reward in world.sources]
    assert np.ptp([gap_by_numpy(world, reward) for reward in world.sources]) < 1e-12
    assert max(coverages) > 3 * min(coverages)


# ---- the largest gap


def vertices(world):
    """Every reward of {0, R}^A on one prompt, [2^A, A]."""
    return world.reward_bound * np.array(list(itertools.product((0.0, 1.0), repeat=world.responses)))


def largest_by_brute_force(world):
    best = 0.0
    for s in range(world.prompts):
        one = world.replace(rho=np.eye(world.prompts)[s])
        best += world.rho[s] * max(gap_by_numpy(one, np.tile(v, (world.prompts, 1))) for v in vertices(world))
    return best


@pytest.mark.parametrize("name", ["tabular", "sharp", "blunt", "missing support", "a prompt without weight"])
def test_the_largest_gap_is_the_best_vertex(name, monkeypatch):
    world = WORLDS[name]
    found, expected = largest_gap(world), largest_by_brute_force(world)
    assert found.lower == pytest.approx(expected, rel=1e-10, abs=1e-14)
    assert found.upper == found.lower
    assert gap_by_numpy(world, found.reward) == pytest.approx(expected, rel=1e-10, abs=1e-14)
    monkeypatch.setattr(largest, "MOST_RESPONSES", 0)  # as in a world of many responses: a bracket
    bracket = largest_gap(world)
    assert bracket.lower <= expected * (1 + 1e-10) <= bracket.upper * (1 + 2e-10)


def test_brackets_hold_and_are_close(monkeypatch):
    """Many responses: no reward of 2000 beats the upper value; the lower one is attained and within a tenth of it."""
    for instance in range(5):
        world = make("random_tabular", instance=instance, beta=0.05 * 2**instance, **SHAPE)
        exact = largest_gap(world)
        monkeypatch.setattr(largest, "MOST_RESPONSES", 0)
        bracket = largest_gap(world)
        monkeypatch.undo()
        assert exact.lower * 0.9 <= bracket.lower <= exact.lower * (1 + 1e-10)
        assert exact.lower <= bracket.upper * (1 + 1e-10)
        assert bracket.upper <= exact.lower * 1.25


def test_no_reward_in_the_box_beats_it():
    generator = np.random.default_rng(0)
    for name in ("tabular", "sharp"):
        world = WORLDS[name]
        best = largest_gap(world).upper
        drawn = float(world.reward_bound) * generator.uniform(size=(200, 3, 4)).round(1)
        assert max(gap_by_numpy(world, reward) for reward in drawn) <= best * (1 + 1e-9)
        bound = float(world.reward_bound)
        assert best <= min(2 * bound, bound**2 / (2 * float(world.beta)))


def test_the_extreme_direction_reaches_it():
    for name in ("tabular", "missing support", "sharp"):
        world = WORLDS[name]
        assert extreme_path(world).reach == pytest.approx(largest_gap(world).lower, rel=1e-12)
    linear = WORLDS["log-linear"]
    reaches = [path(direction, linear, KEY).reach for direction in DIRECTIONS]
    assert max(reaches) <= extreme_path(linear).reach <= largest_gap(linear).upper * (1 + 1e-12)


# ---- log-linear worlds


def test_log_linear_sources_stay_linear_and_in_the_ball():
    world = WORLDS["log-linear"]
    centred = world.features - world.features.mean(1, keepdims=True)

    def parameters(reward):
        target = (reward - reward.mean(1, keepdims=True)).ravel()
        theta, *_ = np.linalg.lstsq(centred.reshape(-1, 3), target, rcond=None)
        assert np.abs(centred.reshape(-1, 3) @ theta - target).max() < 1e-12
        return np.linalg.norm(theta)

    start = parameters(world.reward)
    for direction in DIRECTIONS:
        free = path(direction, world, KEY)
        parameters(free.reward(free.end))
        radius = 1.05 * start
        held = path(direction, world, KEY, radius)
        assert held.reach <= free.reach
        norm = parameters(held.reward(held.end))
        assert norm <= radius * (1 + 1e-9)
        if held.reach < free.reach:
            assert norm == pytest.approx(radius, rel=1e-9)


def test_log_linear_refusals():
    world = WORLDS["log-linear"]
    with pytest.raises(
        SimbenchError, match=r"radius is 0\.01; the parameters of the true reward have norm 0\."
    ):
        path("reverse", world, KEY, 0.01)
    reward = np.array(world.reward)
    reward[0, 0] = 0.0
    with pytest.raises(SimbenchError, match=r"the features miss the true reward by 0\."):
        path("reverse", world.replace(reward=reward), KEY)


# ---- refusals


def test_what_cannot_be_met_is_refused():
    world = WORLDS["tabular"]
    road = path("lower_rare", world, KEY)
    with pytest.raises(SimbenchError, match=r"gap is 0\.5; this direction reaches at most 0\.00"):
        reward_of_gap(road, 0.5)
    for gap in (-0.1, float("nan"), float("inf")):
        with pytest.raises(SimbenchError, match=rf"gap is {gap}; it must be a finite number >= 0"):
            reward_of_gap(road, gap)
    with pytest.raises(UnknownNameError, match=r"no direction is called 'revers'\. Did you mean 'reverse'"):
        path("revers", world, KEY)


def test_a_direction_that_moves_nothing_reaches_nothing():
    world = make("random_tabular", prompts=3, responses=4, beta=0.25)
    road = tabular_path(world, np.full((3, 4), 0.7))
    assert (road.end, road.reach) == (0.0, 0.0)
    with pytest.raises(SimbenchError, match="reaches at most 0"):
        reward_of_gap(road, 1e-3)
