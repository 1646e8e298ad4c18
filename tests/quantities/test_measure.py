import jax
import numpy as np
import pytest

from simbench import quantities as q
from simbench.bandit import Bandit
from simbench.errors import SimbenchError, UnknownNameError
from simbench.precision import Float32Error, float64
from simbench.quantities.measure import MANY_CELLS, _measured_quickly
from tests.quantities import compiled
from tests.quantities.instances import random_bandit, random_policy

RNG = np.random.default_rng(0)
WORLD = random_bandit(RNG)
POLICIES = np.stack([random_policy(RNG, WORLD) for _ in range(6)])


def test_every_name_measures_what_its_function_says():
    columns = q.measure(WORLD, POLICIES)
    assert list(columns) == list(q.MEASURED)
    for name, measured in q.MEASURED.items():
        assert measured.function is getattr(q, name)
        assert measured.unit
        assert measured.summary
    with float64():
        one = compiled.single(WORLD, POLICIES[2])
    for name in set(one) & set(columns):
        assert columns[name][2] == pytest.approx(float(one[name]), rel=1e-12)
    rates = [float(columns[name][2]) for name in ("log_coverage", "coverage", "coverage_excess")]
    assert rates[1:] == pytest.approx([np.exp(rates[0]), np.expm1(rates[0])], rel=1e-12)


def test_leading_axes_are_kept_and_arrays_are_numpy():
    names = ["value", "coverage"]
    flat = q.measure(WORLD, POLICIES, names)
    grid = q.measure(WORLD, POLICIES.reshape(2, 3, 3, 4), names)
    one = q.measure(WORLD, POLICIES[4], names)
    for name in names:
        assert type(flat[name]) is np.ndarray
        assert flat[name].dtype == np.float64
        assert grid[name].shape == (2, 3)
        np.testing.assert_array_equal(grid[name].ravel(), flat[name])
        assert one[name].shape == ()
        assert one[name] == pytest.approx(flat[name][4], rel=1e-12)
    assert list(grid) == names


def test_measuring_opens_its_own_scope_and_leaves_the_users_jax_alone():
    q.measure(WORLD, POLICIES[0], ["value"])
    assert jax.numpy.ones(1).dtype == np.float32


def test_unknown_name_offers_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"'coverge' is not a measured quantity\. Did you mean 'coverage'"
    ):
        q.measure(WORLD, POLICIES[0], ["value", "coverge"])
    with pytest.raises(SimbenchError, match=r"give a list of names, such as \['value'\]"):
        q.measure(WORLD, POLICIES[0], "value")


def test_float32_is_refused():
    with pytest.raises(Float32Error, match="float32"):
        q.measure(WORLD, POLICIES[0].astype(np.float32))
    with pytest.raises(Float32Error, match="float32"):
        q.value(WORLD, POLICIES[0])  # outside float64() JAX makes it float32
    with pytest.raises(Float32Error, match="float32"):
        q.measure_batch(WORLD, POLICIES, ("value",))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.zeros((3, 5)), r"log_policy has shape \(3, 5\)"),
        (np.zeros(4), r"log_policy has shape \(4,\)"),
        (np.full((3, 4), np.nan), r"log_policy\[0, 0\] is nan"),
        (np.zeros((3, 4)), "sum to 4"),
        (np.full((3, 4), 0.25), "logs of probabilities"),
    ],
)
def test_what_is_no_policy_is_refused(policy, message):
    with pytest.raises(SimbenchError, match=message):
        q.measure(WORLD, policy)


def test_world_must_be_a_bandit():
    with pytest.raises(SimbenchError, match="needs a Bandit as its first argument, not dict"):
        q.measure({"rho": WORLD.rho}, POLICIES[0])


def test_policies_without_support_are_measured_not_refused():
    log_ref = np.array(WORLD.log_ref)
    log_ref[0] = [-np.inf, *np.log(np.full(3, 1 / 3))]
    world = WORLD.replace(log_ref=log_ref)
    columns = q.measure(world, POLICIES)
    assert np.all(columns["value"] == -np.inf)
    assert np.all(columns["value_gap"] == np.inf)
    assert np.all(columns["min_density_ratio"] == 0.0)
    assert not any(np.isnan(column).any() for column in columns.values())


def test_many_policies_are_measured_as_few_are():
    """They are compiled with other settings."""
    many = np.tile(POLICIES, (-(-MANY_CELLS // POLICIES.size), 1, 1))
    few = q.measure(WORLD, POLICIES)
    for name, column in q.measure(WORLD, many).items():
        np.testing.assert_allclose(column, np.resize(few[name], column.shape), rtol=1e-12, err_msg=name)


def test_batch_is_compiled_once_per_shapes_and_names():
    names = ("value_gap", "kl_ref")
    with float64():
        before = _measured_quickly.jitted()._cache_size()
        q.measure_batch(WORLD, POLICIES[:5], names)
        other = Bandit(rho=WORLD.rho, log_ref=WORLD.log_ref, reward=WORLD.reward / 2, beta=0.7)
        q.measure_batch(other, POLICIES[1:6], names)
        assert _measured_quickly.jitted()._cache_size() == before + 1
        given = other.replace(sources=np.stack([other.reward] * 3), reward_class=other.reward[None])
        q.measure_batch(given, POLICIES[1:6], names)  # what learners are given is not measured
        assert _measured_quickly.jitted()._cache_size() == before + 1
        q.measure_batch(WORLD, POLICIES[:5], ("value_gap",))
        assert _measured_quickly.jitted()._cache_size() == before + 2
