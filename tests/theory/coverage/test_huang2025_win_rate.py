"""Lemma 5.1 and its companions: verdicts, tightness, the order of the four bounds, preferences of any link."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simbench.precision import float64
from simbench.theory.coverage import huang2025_win_rate as lemma
from tests.theory.judged import assert_as_expected, claims_of, judged


@pytest.mark.parametrize("name", claims_of(lemma))
def test_verdict_is_the_expected_one(name):
    assert_as_expected(judged(lemma)[name])


@pytest.mark.parametrize("name", [n for n in claims_of(lemma) if n.startswith("coverage_from_win_rate")][:4])
def test_bound_is_attained_at_the_optimal_policy(name):
    assert judged(lemma)[name].tightness == pytest.approx(1.0, abs=1e-3)


def test_every_form_is_stronger_than_the_one_before_where_it_says_anything():
    """For A + B <= 1, which is where the lemma says anything: (A+B)^{-1} <= (A+B)^{-2} <= A^{-2} e^{-4B^2}."""
    a, b = np.meshgrid(np.linspace(0.001, 1, 400), np.linspace(0, 1, 400))
    a, b = a[a + b <= 1], b[a + b <= 1]
    printed, squared, exponential = 1 / (a + b), (a + b) ** -2.0, a**-2.0 * np.exp(-4 * b**2)
    assert (printed <= squared * (1 + 1e-12)).all()
    assert (squared <= exponential * (1 + 1e-12)).all()


def test_preferences_respect_the_order_of_rewards_and_contain_bradley_terry():
    worlds = lemma.OrderedWorlds(shapes=((1, 3),))
    rng = np.random.default_rng(1)
    with float64():
        blocks = {
            name: jnp.asarray(rng.uniform(size=size)) for name, size in worlds.coordinates((1, 3)).items()
        }
        build = jax.jit(lambda blocks: worlds.world((1, 3), blocks))
        world = build(blocks)
        ahead = np.asarray(world.reward[:, :, None] - world.reward[:, None, :])
        assert (np.asarray(world.prefs)[ahead >= 0] >= 0.5).all()
        np.testing.assert_allclose(world.prefs + jnp.swapaxes(world.prefs, -1, -2), 1.0, atol=1e-15)
        same = build(blocks | {"strength": np.abs(np.tanh(ahead / 2))})
        np.testing.assert_allclose(same.prefs, 1 / (1 + np.exp(-ahead)), atol=1e-15)
