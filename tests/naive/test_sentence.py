"""Composed learners against the plain one, against enumeration and against refits from the trace alone."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from tests.naive import (
    RPO,
    VPO,
    XPO,
    BestOf,
    Box,
    Every,
    EveryRound,
    Finite,
    Geometric,
    Linear,
    Logistic,
    NaiveBestSource,
    NaiveOnlineDPO,
    NaiveSentence,
    NaiveUniformSource,
    NaiveWorstSource,
    NoExtra,
    OfflineFirst,
    Reference,
    Self,
    Squared,
    Tabular,
    Uniform,
    naive_run,
)
from tests.naive import world as naive
from tests.naive.instances import draw_world

TAPE = {"seed": 0, "instance": 0, "run": 0}
WORLD = draw_world(7)
MODELS = [Tabular(ridge=0.01), Box(ridge=0.01), Linear(ridge=0.01, radius=1.0), Finite()]


def sentence(model, loss=None, extra=None, **parts) -> NaiveSentence:
    parts = {"first": Self(), "second": Reference(), "schedule": EveryRound(), **parts}
    return NaiveSentence(model=model, loss=loss or Logistic(), extra=extra or NoExtra(), **parts)


@pytest.mark.parametrize("second", ["self", "reference"])
def test_the_plain_sentence_is_online_dpo(second):
    slot = Self() if second == "self" else Reference()
    ours = naive_run(WORLD, sentence(Tabular(ridge=0.01), second=slot), rounds=30, **TAPE)
    plain = naive_run(WORLD, NaiveOnlineDPO(ridge=0.01, second=second), rounds=30, **TAPE)
    for name in ("prompt", "first", "second", "first_won"):
        assert_array_equal(getattr(ours, name), getattr(plain, name))
    assert_allclose(ours.gap_t, plain.gap_t, rtol=0, atol=1e-12)
    assert_allclose(ours.log_policy, plain.log_policy, rtol=0, atol=1e-11)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("extra", [XPO(0.0), VPO(0.0), VPO(0.0, weight="constant"), RPO(0.0)])
def test_an_extra_of_weight_zero_is_none(model, extra):
    with_it, without = (
        naive_run(WORLD, sentence(model, Squared(), part), rounds=8, **TAPE) for part in (extra, NoExtra())
    )
    assert_array_equal(with_it.log_policy, without.log_policy)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("loss", [Logistic(), Squared()], ids=["logistic", "squared"])
def test_a_convex_fit_forgets_its_schedule(model, loss):
    """Pessimism is convex: 20 labels on a fixed stream give one fit, warm-started or not."""
    fits = []
    for schedule in (Every(4), Every(20)):
        learner = sentence(model, loss, RPO(0.05), first=Reference(), schedule=schedule)
        naive_run(WORLD, learner, rounds=20, **TAPE)
        fits.append(naive.gibbs(WORLD, learner.rhat))
    assert_allclose(fits[1], fits[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("model", MODELS[:3], ids=lambda model: type(model).__name__)
def test_a_fit_has_no_newton_step_left_and_a_perturbed_one_has_its_perturbation(model):
    learner = sentence(model, extra=XPO(1e-3))
    naive_run(WORLD, learner, rounds=25, **TAPE)
    data = learner.data()
    assert model.newton_step(data, learner.rhat) < 1e-11
    size = 1e-5
    inside = (learner.rhat > 0.01) & (learner.rhat < 0.99)  # away from the bounds of the box
    moved = learner.rhat + size * (WORLD.features[:, :, 0] if isinstance(model, Linear) else inside)
    assert model.newton_step(data, moved) > size / 100
    assert model.objective(data, moved) > model.objective(data, learner.rhat)


def written_out(trace, world, reward: np.ndarray) -> float:
    """Squared loss with RPO(0.05), one label at a time."""
    total = 0.0
    for s, a, b, won in zip(trace.prompt, trace.first, trace.second, trace.first_won, strict=True):
        u = (reward[s, a] - reward[s, b]) * (1 if won else -1)
        ref = np.exp(world.log_ref[s])
        optimum = world.beta * math.log(np.sum(ref * np.exp(reward[s] / world.beta)))
        total += (u - 0.5) ** 2 + 0.05 * (optimum - ref @ reward[s])
    return total


@pytest.mark.parametrize("kind", ["tabular", "box", "linear"])
def test_the_fit_minimises_the_objective_written_out_label_by_label(kind):
    """L-BFGS-B and SLSQP from the trace alone: r in R^A, r in [0, R]^A with R = 0.6, theta in the ball."""
    world = WORLD.replace(reward=0.6 * WORLD.reward, reward_bound=0.6)
    model = {"tabular": Tabular(ridge=0.1), "box": Box(ridge=0.1), "linear": Linear(ridge=0.1, radius=0.03)}[
        kind
    ]
    learner = sentence(model, Squared(), RPO(0.05))
    trace = naive_run(world, learner, rounds=12, **TAPE)
    assert set(trace.prompt) == {0, 1, 2}
    if kind == "linear":
        found = minimize(
            lambda theta: written_out(trace, world, world.features @ theta) + 0.05 * theta @ theta,
            np.zeros(3),
            method="SLSQP",
            constraints={"type": "ineq", "fun": lambda theta: 1 - (theta @ theta) / 0.03**2},
            options={"ftol": 1e-12},
        )
        assert np.linalg.norm(found.x) == pytest.approx(0.03, abs=1e-7)
        assert_allclose(learner.rhat, world.features @ found.x, rtol=0, atol=1e-5)
        return
    centre, bounds = (0.3, (0, 0.6)) if kind == "box" else (0.0, (None, None))
    found = minimize(
        lambda r: written_out(trace, world, r.reshape(3, 4)) + 0.05 * np.sum((r - centre) ** 2),
        np.full(12, 0.1),
        method="L-BFGS-B",
        bounds=[bounds] * 12,
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    assert_allclose(learner.rhat.ravel(), found.x, rtol=0, atol=1e-5)
    if kind == "box":
        assert learner.rhat.min() == 0.0
        assert learner.rhat.max() == 0.6


def test_the_finite_class_minimises_over_its_members_label_by_label():
    learner = sentence(Finite(), extra=XPO(0.2))
    trace = naive_run(WORLD, learner, rounds=40, **TAPE)
    totals = []
    for member in WORLD.reward_class:
        log_policy, total = naive.gibbs(WORLD, member), 0.0
        for s, a, b, won in zip(trace.prompt, trace.first, trace.second, trace.first_won, strict=True):
            u = (member[s, a] - member[s, b]) * (1 if won else -1)
            total += math.log1p(math.exp(-u)) + 0.2 * (log_policy[s, b] - WORLD.log_ref[s, b])
        totals.append(total)
    assert_allclose(learner.model.values(learner.data()), totals, rtol=0, atol=1e-11)
    assert learner.model.chosen == int(np.argmin(totals))
    assert_array_equal(learner.rhat, WORLD.reward_class[np.argmin(totals)])


def test_the_finite_class_takes_the_first_of_equals():
    twice = WORLD.replace(reward_class=np.concatenate([WORLD.reward_class, WORLD.reward_class]))
    learner = sentence(Finite())
    naive_run(twice, learner, rounds=40, **TAPE)
    assert learner.model.chosen < 6


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_before_the_first_fit_the_policy_is_the_reference(model):
    """Also with a bonus that is there from the start; rows of unseen prompts stay at ref after it."""
    learner = sentence(model, extra=VPO(0.1, weight="constant"), schedule=Every(5))
    trace = naive_run(WORLD, learner, rounds=5, **TAPE)
    assert_allclose(trace.mean_policy, np.exp(WORLD.log_ref), atol=1e-15)
    assert np.abs(trace.log_policy - WORLD.log_ref).max() > 1e-3


def test_offline_rounds_sample_the_reference_in_both_slots_and_bonuses_see_them():
    schedule = OfflineFirst(10, Geometric(2.0))
    learner = sentence(Tabular(ridge=0.01), extra=XPO(1e-3), first=Uniform(), schedule=schedule)
    trace = naive_run(WORLD, learner, rounds=12, **TAPE)
    assert_allclose(12 * trace.mean_policy, 10 * np.exp(WORLD.log_ref) + 2 * 0.25, atol=1e-14)
    assert learner.extra.labels.sum() == 12


def test_slot_2_may_look_at_the_estimate():
    """Best-of-4 by rhat against ref; the fit holds it away from ref."""
    learner = sentence(Tabular(ridge=0.01), second=BestOf(4, Reference()))
    naive_run(WORLD, learner, rounds=30, **TAPE)
    _, second = learner.act()
    mean = np.sum(np.exp(second) * learner.rhat, axis=1)
    assert (mean >= np.sum(np.exp(WORLD.log_ref) * learner.rhat, axis=1)).all()


def test_labels_come_from_the_training_prompts_and_gaps_from_rho():
    shifted = WORLD.replace(train_rho=[0.0, 0.0, 1.0])
    trace = naive_run(shifted, sentence(Tabular(ridge=0.01)), rounds=30, **TAPE)
    assert (trace.prompt == 2).all()
    assert trace.gap_t[0] == naive.value_gap(WORLD, WORLD.log_ref)
    assert_allclose(trace.log_policy[:2], WORLD.log_ref[:2], rtol=0, atol=1e-15)


def test_optimism_raises_the_estimated_value_and_pessimism_lowers_it():
    """beta log Z_rhat - E_ref rhat, on the same fixed labels, is monotone in the weight of the bonus."""

    def estimated(extra) -> float:
        learner = sentence(Box(ridge=0.1), extra=extra, first=Reference(), schedule=Every(30))
        naive_run(WORLD, learner, rounds=30, **TAPE)
        r = learner.rhat
        log_z = np.log(np.sum(np.exp(WORLD.log_ref + r / WORLD.beta), axis=1))
        frequency = learner.extra.labels / 30
        return float(frequency @ (WORLD.beta * log_z - np.sum(np.exp(WORLD.log_ref) * r, axis=1)))

    values = [estimated(extra) for extra in (RPO(0.5), RPO(0.05), NoExtra(), VPO(0.025), VPO(0.25))]
    assert values == sorted(values)
    assert values[-1] > values[0] + 1e-3


def test_constant_source_policies():
    gaps = [naive.value_gap(WORLD, naive.gibbs(WORLD, source)) for source in WORLD.sources]
    laws = [naive.gibbs(WORLD, source) for source in WORLD.sources]
    for learner, law in [
        (NaiveBestSource(), laws[int(np.argmin(gaps))]),
        (NaiveWorstSource(), laws[int(np.argmax(gaps))]),
        (NaiveUniformSource(), np.log(sum(np.exp(law) for law in laws) / 3)),
    ]:
        trace = naive_run(WORLD, learner, rounds=3, **TAPE)
        assert_allclose(trace.log_policy, law, rtol=0, atol=1e-14)
        assert_allclose(trace.gap_t, naive.value_gap(WORLD, law), rtol=0, atol=1e-14)
        with pytest.raises(ValueError, match="no sources"):
            learner.start(WORLD.replace(sources=None))


def test_what_is_not_unique_or_not_there_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        Tabular(ridge=0.0)
    with pytest.raises(ValueError, match="both must be positive"):
        Linear(ridge=1.0, radius=0.0)
    with pytest.raises(ValueError, match="no features"):
        Linear(ridge=1.0, radius=1.0).start(WORLD.replace(features=None))
    with pytest.raises(ValueError, match="no reward_class"):
        Finite().start(WORLD.replace(reward_class=None))
    with pytest.raises(ValueError, match="above 1"):
        Geometric(1.0)
