"""One test of the protocol over all registered learners, worlds and claims, those of a user's plug-in included.

No numbers here: what must hold of any learner, family or claim, whoever wrote it.
"""

import dataclasses
import inspect

import jax
import numpy as np
import pytest

import simbench as sb
from simbench import registry
from simbench.bandit import Bandit
from simbench.engine import choose_engine
from simbench.errors import SimbenchError
from simbench.learners.protocols.batch import BatchLearner
from simbench.learners.protocols.collecting import CollectingLearner
from simbench.learners.protocols.iterative import IterativeMethod
from simbench.learners.protocols.round import Comparison, RoundLearner
from simbench.study.execution.plugins import load_plugins
from simbench.study.scaffold import VARIANTS, scaffold
from simbench.tape import instance_key, run_key
from simbench.verify import find_claim
from tests.study.conftest import workplace  # noqa: F401 - a fixture

DRAWN = {"file": {"path": "a_world.csv", "beta": 1.0}}


def shipped(kind):
    things = registry.everything(kind)
    return sorted(name for name, thing in things.items() if thing.__module__.startswith("simbench."))


@pytest.fixture(scope="module")
def world():
    """A small world with all that a learner may ask for: features, a finite class that holds r*, two sources."""
    plain = sb.make("random_linear", prompts=2, responses=3, dimension=2, beta=0.5)
    sources = np.stack([plain.reward, plain.reward[:, ::-1]])
    return plain.replace(sources=sources, reward_class=sources)


def learner_of(name):
    return registry.configure("learner", name, {}, name)


def shapes(state):
    return jax.tree.map(lambda leaf: (np.shape(leaf), np.asarray(leaf).dtype), state)


def check_policy(log_policy, world):
    policy = np.asarray(log_policy)
    assert policy.shape == world.log_ref.shape
    assert policy.dtype == np.float64
    np.testing.assert_allclose(np.exp(policy).sum(axis=-1), 1.0, atol=1e-9)


def observed(learner, state, world):
    """The state after a label, a batch of them, or a step."""
    if isinstance(learner, IterativeMethod):
        return learner.step(state, world, tuple(jax.numpy.asarray(run_key(seed=0, instance=0, run=0))), 0)
    if isinstance(learner, RoundLearner):
        return learner.observe(state, world, Comparison(0, 1, 2, jax.numpy.asarray(True), 0))
    if isinstance(learner, CollectingLearner):
        ends = learner.iteration_ends(40)
        assert list(ends) == sorted(set(ends.tolist()))
        assert ends[-1] == 40
        key = run_key(seed=0, instance=0, run=0)
        data = learner.collect(state, world, tuple(jax.numpy.asarray(key)), 0, int(ends[0]))
        return learner.observe(state, world, data)
    wins = np.zeros((*world.log_ref.shape, world.responses))
    wins[0, 1, 2], wins[1, 0, 1] = 3.0, 2.0
    return learner.observe(state, world, jax.numpy.asarray(wins))


def started(learner, world):
    """The state before any data."""
    if isinstance(learner, IterativeMethod):
        assert learner.labels(3) >= 0
        return learner.init(world, tuple(jax.numpy.asarray(run_key(seed=0, instance=0, run=0))))
    return learner.init(world)


def policies(learner, state, world):
    """What the learner would sample from, and what it would deploy."""
    acted = () if isinstance(learner, IterativeMethod) else learner.act(state, world)
    return (*acted, learner.policy(state, world))


def check_learner(learner, world):
    assert isinstance(learner, RoundLearner | BatchLearner | IterativeMethod)
    assert inspect.getdoc(type(learner))
    assert hash(learner) == hash(dataclasses.replace(learner))
    with sb.float64():
        world = jax.tree.map(jax.numpy.asarray, world)  # as the engines hand it over
        state = started(learner, world)
        for before in (state, observed(learner, state, world)):
            assert shapes(before) == shapes(state)
            for log_policy in policies(learner, before, world):
                check_policy(log_policy, world)
            assert set(learner.diagnose(before)) >= set(learner.named_diagnostics(world))
            assert not any(np.isnan(value) for value in learner.diagnose(before).values())


def check_family(family):
    assert inspect.getdoc(type(family))
    assert inspect.getmodule(type(family)).__doc__
    key = instance_key(seed=0, instance=0)
    world, again = family.draw(key), family.draw(key)
    assert isinstance(world, Bandit)
    for one, twin in zip(jax.tree.leaves(world), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, twin)


def check_claim(claim):
    assert claim.source
    assert claim.summary
    assert claim.controls or claim.expected == "violated"  # whose control is the corrected formula
    assert all(control.name for control in claim.controls)
    assert claim.expected == "consistent" or find_claim(claim.corrected_by).expected == "consistent"


# Seconds each, one operation at a time.
SLOW = dict.fromkeys(("empirical_tpo", "tpo", "rpo"), pytest.mark.thorough)


@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW.get(n, ())) for n in shipped("learner")])
def test_learners(name, world):
    check_learner(learner_of(name), world)


def test_a_world_without_reward_is_refused_by_name_or_fit_to_learn_in():
    games = sb.make("cyclic_games")
    for name in shipped("learner"):
        learner = learner_of(name)
        if isinstance(learner, RoundLearner):  # charged by the reward in every round
            with pytest.raises(SimbenchError, match=r"which is charged regret.* needs a reward"):
                choose_engine("auto", learner, games)
        elif name == "empirical_tpo":
            with pytest.raises(SimbenchError, match="empirical_tpo needs a reward"):
                learner.check(games)
        else:
            with sb.float64():
                check_policy(learner.policy(started(learner, games), games), games)


@pytest.mark.parametrize("name", shipped("family"))
def test_families(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_world.csv").write_text("prompt,response,ref,reward\n0,0,0.5,1\n0,1,0.5,0\n")
    check_family(registry.configure("family", name, DRAWN.get(name, {}), name))


@pytest.mark.parametrize("name", shipped("claim"))
def test_claims(name):
    check_claim(find_claim(name))


@pytest.mark.parametrize("protocol", VARIANTS["learner"])
def test_a_plug_ins_learner(protocol, workplace, world):  # noqa: F811
    scaffold("learner", f"own_{protocol}", folder=workplace, variant=protocol)
    load_plugins([workplace / f"own_{protocol}.py"])
    check_learner(learner_of(f"own_{protocol}"), world)


def test_a_plug_ins_family(workplace):  # noqa: F811
    scaffold("family", "own_family", folder=workplace)
    load_plugins([workplace / "own_family.py"])
    check_family(registry.configure("family", "own_family", {}, "own_family"))


@pytest.mark.parametrize("about", VARIANTS["claim"])
def test_a_plug_ins_claim(about, workplace, monkeypatch):  # noqa: F811
    monkeypatch.setitem(registry._things, "claim", registry.everything("claim"))
    scaffold("claim", f"own_{about}", folder=workplace, variant=about)
    load_plugins([workplace / f"own_{about}.py"])
    check_claim(find_claim(f"own_{about}"))
