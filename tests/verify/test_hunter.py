"""The hunter finds what chance does not, does it again the same way, and finds nothing when it is blind."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from simbench import quantities as q
from simbench.verify import Instance, Upper, claim, family
from simbench.verify import hunt as run_hunt
from simbench.verify.certificate import replay
from simbench.verify.domains import Gibbs, Instances, Worlds
from simbench.verify.hunter import ascend, random_search
from simbench.verify.proof import decide
from simbench.verify.sides import BATCH, Sides

STEPS = 120


@claim("test_hunted", source="huang2025, Lemma 3.1")
class Hunted(Upper):
    """Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) gap/beta at ten responses and R/beta = 4 or more."""

    domain = Instances(Worlds(shapes=((1, 10),), ratio=(4.0, 8.0), ref_depth=30.0), log_policy=Gibbs())

    def measured(self, x):
        return q.coverage_excess(x.world, x.log_policy)

    def theory(self, x):
        scale = jnp.exp(q.log_kappa(2 * x.world.reward_bound / x.world.beta))
        return scale * q.value_gap(x.world, x.log_policy) / x.world.beta


@pytest.fixture(scope="module")
def sides():
    known = Hunted()
    return Sides(known, known.domain, known.domain.shapes[0])


@pytest.fixture(scope="module")
def found(sides):
    return ascend(sides, steps=STEPS)


def test_the_hunter_reaches_the_bound_and_chance_does_not(sides, found):
    blind = random_search(sides, evaluations=found.evaluations)
    assert found.evaluations == STEPS * BATCH
    assert blind.best < 0.3
    assert found.best > 0.999


def test_what_it_finds_is_never_a_violation(sides, found):
    for i in np.argsort(-found.ratios)[:5]:
        proof = decide(sides, found.points[i])
        assert proof.status in ("holds", "touches")
        assert proof.middle_ratio <= 1.0


def test_a_wave_is_a_pure_function_and_waves_differ(sides, found):
    again, other = ascend(sides, steps=STEPS), ascend(sides, steps=STEPS, wave=1)
    np.testing.assert_array_equal(found.points, again.points)
    np.testing.assert_array_equal(found.trajectory, again.trajectory)
    assert not np.array_equal(found.points, other.points)


def test_the_trajectory_rises_from_its_start(sides, found):
    assert found.trajectory[0] < 0.9
    assert (np.diff(found.trajectory) >= -1e-9).all()
    assert found.trajectory[-1] == found.best


def test_seeds_are_climbed_from(sides):
    seed = np.linspace(0.1, 0.9, sides.dimension)[None, :]
    value = sides.values(seed)
    result = ascend(sides, steps=1, seeds=seed)
    np.testing.assert_array_equal(result.points[0], seed[0])
    assert result.ratios[0] == pytest.approx(float(value.measured[0] / value.theory[0]), rel=1e-12)


def test_a_blinded_hunter_is_no_better_than_its_start(sides, monkeypatch):
    """The control of the hunter: without gradients it must neither climb nor pretend to."""
    sighted = sides.climb
    monkeypatch.setattr(
        sides, "climb", lambda *a: sighted(*a)._replace(gradient=np.zeros((BATCH, sides.dimension)))
    )
    blinded = ascend(sides, steps=20)
    assert blinded.flat == BATCH
    assert blinded.best == blinded.trajectory[0] < 0.9


def test_undefined_gradients_pause_a_start_and_are_counted():
    @family(a=(0.0, 1.0))
    def numbers(a):
        return Instance(world=None, a=a)

    @claim("test_kinked", source="me")
    class Kinked(Upper):
        """sqrt(max(a - 1/2, 0)) <= 2, whose slope at 1/2 is infinite and below it undefined."""

        domain = numbers

        def measured(self, x):
            return 1.0 + jnp.sqrt(jnp.maximum(x.a - 0.5, 0.0))

        def theory(self, x):
            return 2.0 + 0.0 * x.a

    result = ascend(Sides(Kinked(), numbers, ()), steps=30)
    assert 0 < result.frozen <= BATCH
    assert result.best == pytest.approx((1 + np.sqrt(0.5)) / 2)


@claim("test_hunted_falsely", source="me")
class HuntedFalsely(Hunted):
    """The same with the exponent 1.9 R/beta, which chance does not refute."""

    def theory(self, x):
        scale = jnp.exp(q.log_kappa(1.9 * x.world.reward_bound / x.world.beta))
        return scale * q.value_gap(x.world, x.log_policy) / x.world.beta


def test_a_hunt_refutes_with_proof_what_chance_does_not():
    quarry = run_hunt("test_hunted_falsely", seconds=0.1)
    assert quarry.blind < 1
    assert quarry.best > 1
    assert replay(quarry.certificate).status == "proved"
    assert "proved at" in str(quarry)


@pytest.mark.thorough
def test_a_hunt_for_a_true_claim_comes_home_with_its_tightness():
    quarry = run_hunt(Hunted, seconds=0.1)
    assert quarry.certificate is None
    assert quarry.waves == 1
    assert 0.999 < quarry.best <= 1
    assert json.loads(json.dumps(quarry.to_json()))["shape"] == [1, 10]


def test_a_hunt_needs_a_budget():
    with pytest.raises(ValueError, match="must be positive"):
        run_hunt(Hunted, seconds=0.0)
