import numpy as np
import pytest

from simbench.quantities import measure
from simbench.registry import configure
from simbench.tape import instance_key


def draw(instance=0, **values):
    return configure("family", "evenly_spaced", values, "test").draw(instance_key(seed=0, instance=instance))


@pytest.mark.parametrize(("responses", "beta"), [(1, 1.0), (2, 0.3), (10, 1.0)])
def test_steps_reference_and_value(responses, beta):
    world = draw(responses=responses, beta=beta, reward_bound=3.0)
    np.testing.assert_allclose(np.diff(world.reward[0]), 3.0 / max(responses - 1, 1))
    np.testing.assert_allclose(np.exp(world.log_ref), 1 / responses)
    ratio = np.exp(3.0 / beta / max(responses - 1, 1))  # J* = beta log of a geometric mean of these
    series = responses if responses == 1 else (ratio**responses - 1) / (ratio - 1)
    gap = beta * np.log(series / responses) - world.reward.mean()
    assert measure(world, world.log_ref, ["value_gap"])["value_gap"] == pytest.approx(gap, abs=1e-9)


def test_every_instance_is_the_same_world():
    np.testing.assert_array_equal(draw(instance=3).reward, draw().reward)
