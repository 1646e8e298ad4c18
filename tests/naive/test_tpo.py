"""TPO in a finite class: cases worked by hand, limits that are other learners, and the trace read again."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simbench.bandit import Bandit
from tests.naive import (
    VPO,
    XPO,
    Every,
    EveryRound,
    Finite,
    Geometric,
    Logistic,
    NaiveSentence,
    NaiveTPO,
    NoExtra,
    Reference,
    Self,
    naive_run,
)
from tests.naive import world as naive
from tests.naive.instances import draw_world
from tests.naive.tpo_blocks import first_best

TAPE = {"seed": 0, "instance": 0, "run": 0}
WORLD = draw_world(7)  # W = 3, M = 6, R = 1, r* is member 4
C_R = 2 + math.e + 1 / math.e

# Two members that mirror each other: A beats B by 1 in the first, loses by 1 in the second; ref is even.
MIRROR = Bandit(
    rho=[1.0],
    log_ref=np.log([[0.5, 0.5]]),
    reward=[[1.0, 0.0]],
    beta=0.5,
    reward_class=[[[1.0, 0.0]], [[0.0, 1.0]]],
    sources=[[[0.25, 0.0]]],
)
P = 1 / (1 + math.exp(-2.0))  # G(r^0)[A] at beta = 1/2
KL = P * math.log(2 * P) + (1 - P) * math.log(2 * (1 - P))
TRUE, MIRRORED = P - 0.5 - 0.5 * KL, 0.5 - P - 0.5 * KL  # value(r^0, pi_0), value(r^1, pi_0)
A, B = 0, 1


def tpo(**changes) -> NaiveTPO:
    parts = {
        "block": 4,
        "share": 0.5,
        "online": "xpo",
        "online_alpha": 0.01,
        "online_data": "own",
        "bonus_scale": 0.1,
        "delta": 0.1,
        "pessimism": "version_space",
        "pessimism_scale": 1.0,
        "eta": 1.0,
        "refresh": EveryRound(),
    }
    return NaiveTPO(**{**parts, **changes})


def xpo() -> NaiveSentence:
    return NaiveSentence(
        model=Finite(),
        loss=Logistic(),
        extra=XPO(0.01),
        first=Self(),
        second=Reference(),
        schedule=EveryRound(),
    )


def gain(world, reward, log_policy) -> float:
    """E_pi r - E_ref r - beta KL(pi || ref) as a difference of two values J."""
    other = world.replace(reward=reward)
    return naive.value(other, log_policy) - naive.value(other, world.log_ref)


def test_share_one_is_the_online_learner_and_share_zero_never_plays_it():
    alone = naive_run(WORLD, xpo(), rounds=30, **TAPE)
    learner = tpo(share=1.0)
    trace = naive_run(WORLD, learner, rounds=30, **TAPE)
    for name in ("prompt", "first", "second", "first_won", "gap_t", "log_policy"):
        assert_array_equal(getattr(trace, name), getattr(alone, name))
    assert learner.chosen == ["online"] * 30
    assert learner.pulls == [0, 0, 0]

    learner = tpo(share=0.0)
    naive_run(WORLD, learner, rounds=30, **TAPE)
    assert "online" not in learner.chosen
    assert learner.online_learner.labels == 0
    assert sum(learner.pulls) + learner.chosen.count("off") == 30


@pytest.mark.parametrize(("block", "share", "online"), [(4, 0.5, 2), (5, 0.5, 3), (3, 0.5, 2), (10, 0.04, 0)])
def test_the_rounds_of_a_run_that_ends_inside_a_block(block, share, online):
    """share N rounds to the nearest integer, halves up."""
    learner = tpo(block=block, share=share)
    naive_run(WORLD, learner, rounds=13, **TAPE)
    assert [choice == "online" for choice in learner.chosen] == [t % block < online for t in range(13)]


@pytest.mark.parametrize("data", ["own", "all"])
def test_the_online_learner_sees_its_own_labels_or_all_of_them(data):
    learner = tpo(online_data=data, bonus_scale=0.0)
    trace = naive_run(WORLD, learner, rounds=21, **TAPE)
    replay = xpo()
    replay.start(WORLD)
    for t in range(21):
        if data == "all" or t % 4 < 2:
            replay.observe(trace.prompt[t], trace.first[t], trace.second[t], trace.first_won[t])
    assert learner.online_learner.labels == replay.labels == (21 if data == "all" else 11)
    assert_array_equal(learner.online_learner.rhat, replay.rhat)
    assert_array_equal(learner.online_learner.extra.seconds, replay.extra.seconds)


def test_the_three_online_learners():
    for name, extra in [("xpo", XPO), ("vpo", VPO), ("online_dpo", NoExtra)]:
        learner = tpo(online=name)
        learner.start(WORLD)
        assert type(learner.online_learner.extra) is extra
        assert_allclose(learner.act()[0], WORLD.log_ref, atol=1e-15)  # before its first label


def test_without_sources_every_transfer_round_plays_pi_off():
    learner = tpo(share=0.0)
    trace = naive_run(WORLD.replace(sources=None), learner, rounds=12, **TAPE)
    assert learner.chosen == ["off"] * 12
    assert learner.pulls == []
    assert_array_equal(learner.distilled(), trace.log_policy)


def test_without_pessimism_pi_off_is_the_likeliest_member():
    """p = 0 leaves the version space of the minimisers, and G(r) is best for r; without labels it is whole."""
    learner, mle = tpo(share=0.0, pessimism_scale=0.0), xpo()
    mle.extra = NoExtra()
    trace = naive_run(WORLD.replace(sources=None), learner, rounds=25, **TAPE)
    mle.start(WORLD)
    learner.start(WORLD.replace(sources=None))
    assert learner.version_space() == [0, 1, 2, 3, 4, 5]
    ones = 0
    for t in range(25):
        label = trace.prompt[t], trace.first[t], trace.second[t], trace.first_won[t]
        mle.observe(*label)
        learner.observe(*label)
        assert learner.likeliest == mle.model.chosen
        if len(learner.version_space()) == 1:  # self-pairs alone leave all of them
            ones += 1
            assert learner.off == learner.likeliest
            assert_array_equal(learner.distilled(), mle.act()[0])
    assert ones > 15


def test_a_source_that_is_optimal_is_always_chosen_while_its_bonus_lasts():
    """c = 1: the bonus exceeds 2, and values lie in [-1, 1]."""
    learner = tpo(share=0.0, bonus_scale=1.0)
    trace = naive_run(WORLD.replace(sources=WORLD.reward[None]), learner, rounds=30, **TAPE)
    assert learner.chosen == [0] * 30
    assert learner.pulls == [30]
    assert_allclose(trace.gap_t, 0, atol=1e-15)


def test_an_unpulled_source_is_chosen_whatever_the_bonus_is_worth():
    """c = 0 and sources that lose: each is pulled once, in order, and none once CS = {r*}, at label 4.

    Before, V_pes = MIRRORED = -.54 loses to the milder source, -.29.
    """
    wrong = MIRROR.replace(sources=[[[0.0, 1.0]], [[0.0, 0.5]]])
    learner = tpo(share=0.0, bonus_scale=0.0)
    learner.start(wrong)
    for _ in range(8):
        learner.observe(0, A, B, True)
    assert learner.chosen == [0, 1, 1, 1, "off", "off", "off", "off"]
    assert learner.pulls == [1, 3]


def test_values_of_a_source_by_hand():
    """Two labels A > B; the source rewards A with 1/4, so pi_w(A) = sigma(1/2)."""
    learner = tpo(share=0.0, bonus_scale=1.0)
    learner.start(MIRROR)
    assert learner.values() == pytest.approx([math.inf, MIRRORED], rel=1e-13)
    learner.observe(0, A, B, True)
    learner.observe(0, B, A, False)
    p = 1 / (1 + math.exp(-0.5))
    divergence = p * math.log(2 * p) + (1 - p) * math.log(2 * (1 - p))
    bonus = C_R * math.sqrt(2 * math.log(2 * 2 * 1 / 0.1) / 2)
    assert learner.pulls == [2]
    assert learner.values()[0] == pytest.approx(p - 0.5 - 0.5 * divergence + bonus, rel=1e-14)


def test_the_version_space_shrinks_to_the_truth():
    """k labels A > B put the members k log((1 + e)/(1 + 1/e)) = k apart, and log 40 = 3.69."""
    learner = tpo(share=0.0)
    learner.start(MIRROR)
    assert learner.off == 0  # both have the worst case MIRRORED: the first
    for k in range(1, 7):
        learner.observe(0, A, B, True)
        nll = learner.nll()
        assert nll == pytest.approx([k * math.log1p(1 / math.e), k * math.log1p(math.e)], rel=1e-14)
        assert learner.version_space() == ([0, 1] if k < 4 else [0])
        assert learner.pessimistic_value == pytest.approx(MIRRORED if k < 4 else TRUE, rel=1e-13)
        assert_allclose(np.exp(learner.distilled()), [[P, 1 - P]], rtol=1e-14)
    mirrored = tpo(share=0.0)
    mirrored.start(MIRROR)
    for _ in range(4):
        mirrored.observe(0, B, A, True)
    assert (mirrored.off, mirrored.version_space()) == (1, [1])


def test_self_pairs_count_and_say_nothing():
    learner = tpo(share=0.0, bonus_scale=1.0)
    learner.start(MIRROR)
    for k in range(1, 9):
        learner.observe(0, A, A, True)
        assert learner.nll() == pytest.approx([k * math.log(2)] * 2, rel=1e-14)
    assert learner.pulls == [8]
    assert learner.version_space() == [0, 1]


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_rpo_by_hand(scale):
    """pes_0 = min(TRUE, MIRRORED + k/x) - scale log(40)/x,  pes_1 = min(MIRRORED, TRUE + k/x) - ...,  x = n eta_n."""
    learner = tpo(share=0.0, pessimism="rpo", pessimism_scale=scale, eta=0.5)
    learner.start(MIRROR)
    assert learner.pessimistic_value == pytest.approx(MIRRORED, rel=1e-13)
    for k in range(1, 40):
        learner.observe(0, A, B, True)
        x = k * 0.5 * math.sqrt(math.log(40) / k) / (1 + math.e) ** 2
        cost = scale * math.log(40) / x
        expected = [min(TRUE, MIRRORED + k / x) - cost, min(MIRRORED, TRUE + k / x) - cost]
        assert learner.pessimistic_values() == pytest.approx(expected, rel=1e-12)
        assert learner.off == 0
        assert learner.pessimistic_value == pytest.approx(expected[0], rel=1e-12)


@pytest.mark.parametrize("refresh", [Every(3), Geometric(3.0)], ids=["every 3", "geometric 3"])
def test_pi_off_is_held_between_refreshes(refresh):
    """The version space shrinks at label 4; it is seen at label 6 or 9."""
    learner = tpo(share=0.0, refresh=refresh)
    learner.start(MIRROR)
    for k in range(1, 10):
        learner.observe(0, A, B, True)
        seen = k >= (6 if isinstance(refresh, Every) else 9)
        assert learner.pessimistic_value == pytest.approx(TRUE if seen else MIRRORED, rel=1e-13)


@pytest.mark.parametrize("pessimism", ["version_space", "rpo"])
def test_one_member_is_played_from_the_start(pessimism):
    """M = 1: V_pes = beta E log Z - E_ref r, and every round of pi_OFF plays pi*."""
    alone = WORLD.replace(sources=None, reward_class=WORLD.reward[None])
    learner = tpo(share=0.0, pessimism=pessimism, pessimism_scale=0.0)
    trace = naive_run(alone, learner, rounds=5, **TAPE)
    ref = np.exp(WORLD.log_ref)
    log_z = np.log(np.sum(ref * np.exp(WORLD.reward / WORLD.beta), axis=1))
    best = WORLD.rho @ (WORLD.beta * log_z - np.sum(ref * WORLD.reward, axis=1))
    assert learner.pessimistic_value == pytest.approx(best, rel=1e-12)
    assert_allclose(trace.gap_t, 0, atol=1e-15)


def test_ties_go_to_the_first():
    assert first_best([0.0, 1.0, 1.0 + 5e-10]) == 1
    assert first_best([0.0, math.inf, math.inf]) == 1
    alone = WORLD.replace(sources=WORLD.reward[None], reward_class=np.stack([WORLD.reward, WORLD.reward]))
    learner = tpo(share=0.0, bonus_scale=0.0, pessimism_scale=0.0)
    naive_run(alone, learner, rounds=10, **TAPE)
    assert learner.chosen == [0] * 10  # V_opt(0) = V_pes: the source is listed first
    assert (learner.off, learner.likeliest) == (0, 0)

    twins = WORLD.replace(sources=np.stack([WORLD.reward, WORLD.reward]))
    learner = tpo(share=0.0, bonus_scale=1.0)
    naive_run(twins, learner, rounds=10, **TAPE)
    assert learner.chosen == [0, 1] * 5  # equal but for their bonus

    learner = tpo(share=0.0, bonus_scale=0.0)
    naive_run(twins.replace(reward_class=WORLD.reward[None]), learner, rounds=10, **TAPE)
    assert learner.chosen == [0, 1] + [0] * 8


@pytest.mark.parametrize(("pessimism", "c", "p"), [("version_space", 0.005, 0.1), ("rpo", 0.001, 0.02)])
def test_the_run_read_again_label_by_label(pessimism, c, p):
    """Every choice and every N_w from the trace alone, with values J of the other reward."""
    learner = tpo(bonus_scale=c, pessimism=pessimism, pessimism_scale=p, refresh=Every(5), eta=20.0)
    trace = naive_run(WORLD, learner, rounds=90, **TAPE)
    members = WORLD.reward_class
    laws = [naive.gibbs(WORLD, r) for r in members]
    gains = np.array([[gain(WORLD, r, law) for law in laws] for r in members])
    sources = [naive.gibbs(WORLD, r) for r in WORLD.sources]
    nll, pulls, log12 = np.zeros(6), np.zeros(3), math.log(2 * 6 / 0.1)
    values = gains.min(axis=0)
    for t in range(90):
        if t > 0 and t % 5 == 0:
            excess = nll - nll.min()
            rate = 20 * math.sqrt(log12 / t) / (1 + math.e) ** 2
            if pessimism == "rpo":
                values = (gains + excess[:, None] / (t * rate)).min(axis=0) - p * log12 / (t * rate)
            else:
                values = gains[excess <= p * log12].min(axis=0)
        best = members[nll.argmin()]
        ucb = [
            gain(WORLD, best, law) + c * C_R * math.sqrt(2 * math.log(12 * 3 / 0.1) / n) if n else math.inf
            for law, n in zip(sources, pulls, strict=True)
        ]
        arm = int(np.argmax([*ucb, values.max()]))
        played = "online" if t % 4 < 2 else "off" if arm == 3 else arm
        assert learner.chosen[t] == played
        if isinstance(played, int):
            pulls[played] += 1
        law = laws[int(values.argmax())] if arm == 3 else sources[arm]
        if played != "online":
            assert trace.gap_t[t] == pytest.approx(naive.value_gap(WORLD, law), abs=1e-13)
        s, a, b = trace.prompt[t], trace.first[t], trace.second[t]
        sign = 1 if trace.first_won[t] else -1
        nll += [math.log1p(math.exp(-sign * (r[s, a] - r[s, b]))) for r in members]
    assert learner.pulls == pulls.tolist()
    assert {"online", "off", 0, 1, 2} == set(learner.chosen)


def test_on_the_event_pessimism_and_optimism_hold():
    """r* in CS: V_pes <= J(pi_OFF) - J(ref);  mhat = r*: V_opt(w) >= J(pi_w) - J(ref)."""
    learner = tpo(refresh=Every(20))
    held = 0
    for run in range(3):
        naive_run(WORLD, learner, rounds=60, seed=0, instance=0, run=run)
        if 4 in learner.version_space():
            held += 1
            assert learner.pessimistic_value <= gain(WORLD, WORLD.reward, learner.distilled()) + 1e-12
        if learner.likeliest == 4:
            for w, source in enumerate(WORLD.sources):
                policy = naive.gibbs(WORLD, source)
                assert learner.values()[w] >= gain(WORLD, WORLD.reward, policy) - 1e-12
    assert held > 0


def test_what_is_not_allowed_is_refused():
    for changes, match in [
        ({"block": 0}, "at least 1"),
        ({"share": 1.5}, "share 1.5"),
        ({"online": "spin"}, "'spin'"),
        ({"online_data": "some"}, "'some'"),
        ({"delta": 1.0}, "delta 1.0"),
        ({"bonus_scale": -1.0}, "neither scale"),
        ({"pessimism": "none"}, "'none'"),
        ({"eta": 0.0}, "eta is 0.0"),
        ({"model": "tabular"}, "'tabular'"),
    ]:
        with pytest.raises(ValueError, match=match):
            tpo(**changes)
