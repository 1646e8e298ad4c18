"""Relations the naive loop must satisfy by itself, before anything is compared with it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from simbench.bandit import Bandit
from simbench.tape import LABEL, run_key, uniforms_numpy
from tests.naive import NaiveOnlineDPO, NaiveReference, NaiveUniform, naive_run
from tests.naive import world as naive
from tests.naive.fit import fit_rewards

TAPE = {"seed": 0, "instance": 0, "run": 0}


@pytest.fixture(scope="module")
def world() -> Bandit:
    rng = np.random.default_rng(0)
    ref = rng.dirichlet(np.ones(4), size=3)
    ref[1, 2] = 0.0
    ref /= ref.sum(axis=1, keepdims=True)
    log_ref = np.log(ref, out=np.full_like(ref, -np.inf), where=ref > 0)
    return Bandit(rho=[0.5, 0.3, 0.2], log_ref=log_ref, reward=rng.random((3, 4)), beta=0.5)


def cells(trace, world) -> np.ndarray:
    """How often each (prompt, slot-1 response) was drawn."""
    counts = np.zeros(world.log_ref.shape)
    np.add.at(counts, (trace.prompt, trace.first), 1)
    return counts


def test_reference_pays_the_same_every_round(world):
    trace = naive_run(world, NaiveReference(), rounds=50, **TAPE)
    assert_allclose(
        trace.gap_t, world.beta * naive.kl(world.rho, world.log_ref, naive.optimal(world)), atol=1e-14
    )
    assert_array_equal(trace.log_policy, world.log_ref)
    assert_allclose(trace.mean_policy, np.exp(world.log_ref), atol=1e-14)


def test_uniform_is_uniform_over_the_support(world):
    trace = naive_run(world, NaiveUniform(), rounds=50, **TAPE)
    quarter = np.full(4, 0.25)
    assert_allclose(trace.mean_policy, [quarter, [1 / 3, 1 / 3, 0, 1 / 3], quarter], atol=1e-14)
    assert_allclose(trace.gap_t, naive.value_gap(world, trace.log_policy), atol=1e-14)


@pytest.mark.parametrize("learner", [NaiveReference(), NaiveUniform()])
def test_draws_follow_the_policy_and_labels_the_preference(world, learner):
    """13 counts a learner, each within 6 standard deviations: false alarm below 1e-6 (the tape is fixed)."""
    trace = naive_run(world, learner, rounds=2000, **TAPE)
    probability = world.rho[:, None] * trace.mean_policy
    deviation = np.sqrt(2000 * probability * (1 - probability))
    assert (np.abs(cells(trace, world) - 2000 * probability) <= 6 * deviation).all()
    won = np.array(
        [naive.preference(world, *draw) for draw in zip(trace.prompt, trace.first, trace.second, strict=True)]
    )
    assert abs(trace.first_won.sum() - won.sum()) <= 6 * np.sqrt(np.sum(won * (1 - won)))


@pytest.mark.parametrize("second", ["self", "reference"])
def test_online_dpo_is_the_gibbs_policy_of_one_fit_of_everything(world, second):
    """The policy after T rounds, refitted from the trace alone and from zero."""
    trace = naive_run(world, NaiveOnlineDPO(ridge=1e-2, second=second), rounds=300, **TAPE)
    wins = np.zeros((3, 4, 4))
    for s, a, b, won in zip(trace.prompt, trace.first, trace.second, trace.first_won, strict=True):
        wins[(s, a, b) if won else (s, b, a)] += 1
    rhat = np.array([fit_rewards(wins[s], 1e-2, start=np.zeros(4)) for s in range(3)])
    assert_allclose(np.exp(trace.log_policy), np.exp(naive.gibbs(world, rhat)), rtol=0, atol=1e-11)
    assert trace.gap_t[0] == naive.value_gap(world, world.log_ref)  # pi_0 = ref
    assert trace.mean_policy[1, 2] == 0.0


def test_a_longer_run_begins_with_the_shorter_one(world):
    learner = NaiveOnlineDPO(ridge=1e-2, second="self")  # the same object twice: `start` forgets
    long, short = (naive_run(world, learner, rounds=rounds, **TAPE) for rounds in (120, 60))
    for name in ("prompt", "first", "second", "first_won", "gap_t", "reward_gap_t", "argmax_gap_t"):
        assert_array_equal(getattr(long, name)[:60], getattr(short, name), err_msg=name)
    assert long.gap_t[60] == naive.value_gap(world, short.log_policy)  # charged before the round's label


def test_the_mean_policy_averages_what_was_charged(world):
    learner = NaiveOnlineDPO(ridge=1e-2, second="reference")
    charged = [np.exp(naive_run(world, learner, rounds=t, **TAPE).log_policy) for t in range(1, 8)]
    mean = naive_run(world, learner, rounds=8, **TAPE).mean_policy
    assert_allclose(mean, (np.exp(world.log_ref) + sum(charged)) / 8, atol=1e-14)


def test_learners_share_the_prompts_and_runs_do_not(world):
    reference, uniform = (
        naive_run(world, learner, rounds=200, **TAPE) for learner in (NaiveReference(), NaiveUniform())
    )
    assert_array_equal(reference.prompt, uniform.prompt)
    other = naive_run(world, NaiveReference(), rounds=200, **{**TAPE, "run": 1})
    assert (other.prompt != reference.prompt).any()


def test_a_label_is_one_uniform_below_the_preference(world):
    """With P(a > b) = 1 for a < b the lower index always wins; a self-pair follows the tape's LABEL slot."""
    order = np.tile(np.triu(np.ones((4, 4)), 1) + 0.5 * np.eye(4), (3, 1, 1))
    trace = naive_run(world.replace(prefs=order), NaiveReference(), rounds=300, **TAPE)
    same = trace.first == trace.second
    assert_array_equal(trace.first_won[~same], (trace.first < trace.second)[~same])
    label = uniforms_numpy(run_key(**TAPE), np.arange(300), LABEL)
    assert_array_equal(trace.first_won[same], label[same] < 0.5)


def test_online_dpo_learns_against_the_reference(world):
    """After 2000 labels the gap is below a quarter of ref's; slot 2 drew what ref draws on this tape."""
    trace = naive_run(world, NaiveOnlineDPO(ridge=1e-2, second="reference"), rounds=2000, **TAPE)
    assert trace.gap_t[-1] < trace.gap_t[0] / 4
    assert_array_equal(trace.second[:500], naive_run(world, NaiveReference(), rounds=500, **TAPE).second)


def test_self_sampling_begins_at_the_reference_and_leaves_it(world):
    self_play, reference = (
        naive_run(world, learner, rounds=200, **TAPE)
        for learner in (NaiveOnlineDPO(ridge=1e-2, second="self"), NaiveReference())
    )
    for name in ("first", "second"):
        assert getattr(self_play, name)[0] == getattr(reference, name)[0]
        assert (getattr(self_play, name) != getattr(reference, name)).any()


def test_an_unknown_second_slot_is_refused():
    with pytest.raises(ValueError, match="it is 'self' or 'reference'"):
        NaiveOnlineDPO(ridge=1.0, second="uniform")
