"""RPO in each function class, against the naive oracle and SciPy; eta = 0; and what pessimism must not change."""

import itertools
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from simbench import quantities as q
from simbench import registry
from simbench.engine import run_batches
from simbench.errors import SimbenchError
from simbench.learners.offline.offline_mle import OfflineMLE
from simbench.learners.offline.rpo import RPO
from simbench.precision import float64
from simbench.worlds import make
from tests import naive
from tests.naive.rpo import fit, mean_objective, theory_eta
from tests.naive.world import gibbs

S, A, D = 2, 3, 2
RNG = np.random.default_rng(2)
WORLD = make("random_tabular", prompts=S, responses=A, beta=0.3).replace(
    rho=np.array([0.3, 0.7]), features=RNG.normal(size=(S, A, D)), reward_class=RNG.random((40, S, A))
)
WINS = RNG.integers(0, 12, size=(S, A, A)) * (
    1.0 + 3.0 * np.triu(np.ones((A, A)))
)  # responses in order of merit
RIDGE = 0.4
MODELS = {
    "tabular": lambda: naive.Tabular(ridge=RIDGE),
    "box": lambda: naive.Box(ridge=RIDGE),
    "linear": lambda: naive.Linear(ridge=RIDGE, radius=0.3),
    "finite": lambda: naive.Finite(),
}
_observe = jax.jit(lambda learner, state, world, wins: learner.observe(state, world, wins), static_argnums=0)


def fitted(learner, wins=WINS, world=WORLD):
    """Return the log-policy after one batch; its fit was solved."""
    learner.check(world)
    with float64():
        world = jax.tree.map(jnp.asarray, world)
        state = _observe(learner, learner.init(world), world, wins)
        assert float(state.unsolved) == 0
        return np.asarray(learner.policy(state, world))


def rpo(model, **values):
    return RPO(model=model, ridge=RIDGE, radius=0.3, **values)


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("tabular", "reference"),
        ("finite", "chosen"),
        *(
            pytest.param(model, base, marks=pytest.mark.thorough)
            for model, base in [
                ("tabular", "chosen"),
                ("finite", "reference"),
                ("box", "reference"),
                ("box", "chosen"),
                ("linear", "reference"),
                ("linear", "chosen"),
            ]
        ),
    ],
)
def test_vs_naive(model, base):
    found = fitted(rpo(model, eta=0.5, weight="constant", base=base))
    reward = fit(WORLD, WINS, MODELS[model](), 0.5, base)
    np.testing.assert_allclose(found, gibbs(WORLD, reward), atol=1e-9)


@pytest.mark.parametrize("base", ["reference", "chosen"])
def test_naive_vs_scipy_on_the_definition(base):
    def objective(flat):
        r = flat.reshape(S, A)
        return WINS.sum() * mean_objective(WORLD, WINS, r, 0.5, base) + RIDGE / 2 * np.sum(r**2)

    found = optimize.minimize(objective, np.zeros(S * A), method="BFGS", options={"gtol": 1e-7})
    reward = fit(WORLD, WINS, MODELS["tabular"](), 0.5, base)
    np.testing.assert_allclose(reward, found.x.reshape(S, A), atol=1e-4)
    assert objective(np.asarray(reward, dtype=float).ravel()) <= found.fun + 1e-9


def assert_enumerated(learner):
    """The learner of weight 5 plays the member that the definition, cell by cell, finds best."""
    values = [mean_objective(WORLD, WINS, r, 5.0, learner.base) for r in WORLD.reward_class]
    best = int(np.argmin(values))
    np.testing.assert_allclose(fitted(learner), gibbs(WORLD, WORLD.reward_class[best]), atol=1e-12)
    return best


STRONG = {"model": "finite", "eta": 5.0, "weight": "constant"}


@pytest.mark.parametrize("base", ["reference", "chosen"])
def test_finite_class_is_enumerated(base):
    losses = [mean_objective(WORLD, WINS, r, 0.0, base) for r in WORLD.reward_class]
    assert assert_enumerated(RPO(base=base, **STRONG)) != int(np.argmin(losses))  # pessimism has a say


class WrongSign(RPO):
    """Optimism: the term is subtracted."""

    def mass_and_credit(self, world, wins):
        m, c = super().mass_and_credit(world, wins)
        return -m, -c


class Once(RPO):
    """The weight of one label in place of n: the likelihood is a sum, the value is not."""

    def weight_of_value(self, world, labels):
        return super().weight_of_value(world, labels) / labels


class Rejected(RPO):
    """The losers in place of the chosen responses."""

    def mass_and_credit(self, world, wins):
        return super().mass_and_credit(world, jnp.swapaxes(wins, 1, 2))


MUTANTS = {
    "rpo, sign of eta": WrongSign(**STRONG),
    "rpo, weight of one label": Once(**STRONG),
    "rpo, rejected for chosen": Rejected(base="chosen", **STRONG),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.thorough] * (place > 0)) for place, name in enumerate(MUTANTS)],
)
def test_mutants_are_told_from_rpo(name):
    with pytest.raises(AssertionError):
        assert_enumerated(MUTANTS[name])


def test_the_document_lists_the_mutants():
    text = (Path(__file__).parents[3] / "docs" / "mutants.md").read_text(encoding="utf-8")
    listed = text.partition("## Told apart by enumeration")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (rpo, [^|]*?) \|", listed, flags=re.MULTILINE) == list(MUTANTS)


@pytest.mark.parametrize(
    ("model", "log_members"), [("finite", math.log(40)), ("tabular", S * A), ("box", S * A), ("linear", D)]
)
@pytest.mark.parametrize("base", ["reference", "chosen"])
def test_the_weight_of_the_theory(model, log_members, base):
    """The bonus of 300 labels is that of the constant which the formula gives."""
    wins = WINS * 300 / WINS.sum()
    eta = theory_eta(WORLD, 300, 40.0, log_members, 0.05)
    with float64():
        world, wins = jax.tree.map(jnp.asarray, WORLD), jnp.asarray(wins)
        theory = rpo(model, eta=40.0, delta=0.05, base=base).mass_and_credit(world, wins)
        constant = rpo(model, eta=eta, weight="constant", base=base).mass_and_credit(world, wins)
    for ours, same in zip(theory, constant, strict=True):
        np.testing.assert_allclose(ours, same, rtol=1e-12)


@pytest.mark.parametrize(
    "model", ["finite", *(pytest.param(m, marks=pytest.mark.thorough) for m in ("tabular", "box", "linear"))]
)
def test_eta_zero_is_offline_mle_to_the_bit(model):
    mle = OfflineMLE(model=model, ridge=RIDGE, radius=0.3)
    np.testing.assert_array_equal(fitted(rpo(model, eta=0.0)), fitted(mle))


@pytest.mark.thorough
def test_pessimism_lowers_the_value_it_expects():
    """As eta grows the fitted value beta E log Z - E_ref r falls, to zero: the policy returns to the reference."""
    values = []
    for eta in (0.0, 0.1, 1.0, 10.0, 1e6):
        log_policy = fitted(rpo("tabular", eta=eta, weight="constant"))
        values.append(
            float(-np.sum(WORLD.rho[:, None] * np.exp(WORLD.log_ref) * (log_policy - WORLD.log_ref)))
        )
    assert all(later < earlier for earlier, later in itertools.pairwise(values))
    np.testing.assert_allclose(log_policy, WORLD.log_ref, atol=1e-4)


def test_separable_data_have_a_finite_fit():
    """One response wins always: likelihood alone sends its reward to infinity, ridge or walls do not."""
    wins = np.zeros((S, A, A))
    wins[:, 0, 1:] = 1e6
    reward = fit(WORLD, wins, MODELS["tabular"](), 0.5, "reference")
    found = fitted(rpo("tabular", eta=0.5, weight="constant"), wins)
    np.testing.assert_allclose(found, gibbs(WORLD, reward), atol=1e-9)
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize("model", ["finite", pytest.param("tabular", marks=pytest.mark.thorough)])
def test_one_response(model):
    """Nothing to choose: the reference, though every label is of the response with itself."""
    world = WORLD.replace(
        log_ref=np.zeros((S, 1)),
        reward=WORLD.reward[:, :1],
        features=None,
        reward_class=WORLD.reward_class[:, :, :1],
    )
    for base in ("reference", "chosen"):
        found = fitted(rpo(model, weight="constant", base=base), np.full((S, 1, 1), 7.0), world)
        np.testing.assert_allclose(found, 0.0, atol=1e-15)


def test_one_member_is_played_whatever_the_labels_say():
    world = WORLD.replace(reward_class=WORLD.reward_class[3:4])
    found = fitted(rpo("finite", eta=50.0), WINS, world)
    np.testing.assert_allclose(found, gibbs(world, WORLD.reward_class[3]), atol=1e-12)


def test_of_equals_the_first():
    """Rewards that differ by a constant are equal to every term; the one worse by 1e-3 per label never wins."""
    one = WORLD.reward_class[2]
    for order in ([0, 1, 2], [1, 0, 2], [2, 1, 0]):
        tied = np.stack([0.5 * one, 0.5 * one + 0.3, one])[order]
        world = WORLD.replace(reward_class=tied)
        values = np.array([mean_objective(world, WINS, r, 0.5, "reference") for r in tied]) * WINS.sum()
        first = int(np.flatnonzero(values <= values.min() + 1e-9)[0])
        found = fitted(rpo("finite", eta=0.5, weight="constant"), WINS, world)
        np.testing.assert_allclose(found, gibbs(world, tied[first]), atol=1e-12)
        assert np.ptp(values[[order.index(0), order.index(1)]]) < 1e-9


def test_what_is_refused():
    for delta in (0.0, 1.0):
        with pytest.raises(SimbenchError, match="delta"):
            registry.configure("learner", "rpo", {"delta": delta}, "study.toml")
    with pytest.raises(SimbenchError, match="reward_class"):
        run_batches(WORLD.replace(reward_class=None), RPO(model="finite"), labels=10, runs=[0])


@pytest.mark.thorough
def test_with_the_theory_s_weight_the_gap_vanishes_and_with_a_constant_one_it_does_not():
    world = WORLD.replace(features=None, reward_class=None)
    gap = {}
    for weight in ("theory", "constant"):
        played = run_batches(
            world, RPO(weight=weight), labels=10**10, runs=[0], checkpoints=np.array([10**10])
        )
        gap[weight] = played["value_gap"][-1]
    assert gap["theory"] < 1e-5 < 1e-2 < gap["constant"]
    with float64():
        log_policy = fitted(RPO(weight="constant"), 1e10 * expected_wins(world), world)
        assert gap["constant"] == pytest.approx(float(q.value_gap(world, log_policy)), rel=1e-3)


def expected_wins(world):
    """The win frequencies of reference pairs."""
    ref = np.exp(world.log_ref)
    chance = 1 / (1 + np.exp(world.reward[:, None, :] - world.reward[:, :, None]))
    return 2 * world.rho[:, None, None] * ref[:, :, None] * ref[:, None, :] * chance


@pytest.mark.thorough
@pytest.mark.parametrize("model", ["tabular", "box"])
def test_a_ridge_lost_in_rounding_does_no_harm(model):
    """1e11 labels at beta = 0.003: n eta / beta is 1e17 times the ridge. The same policy as with a ridge of 1."""
    world = WORLD.replace(beta=0.003)
    wins = np.rint(1e11 * WINS / WINS.sum())
    weak, strong = (
        fitted(RPO(model=model, ridge=ridge, weight="constant"), wins, world) for ridge in (1e-3, 1.0)
    )
    np.testing.assert_allclose(np.exp(weak), np.exp(strong), atol=1e-6)
