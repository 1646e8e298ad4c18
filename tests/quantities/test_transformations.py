"""jit, vmap and grad of every quantity: shapes, equality with the plain call, finite gradients in the corners."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Array, Float, jaxtyped

from simbench import quantities as q
from simbench.precision import Float32Error
from tests.quantities.instances import extreme_bandits, normalised, random_bandit, random_policy

pytestmark = pytest.mark.usefixtures("in_float64")

Prompts = Float[Array, "S"]
Cells = Float[Array, "S A"]
Scalar = Float[Array, ""]
Pairs = Float[Array, "S A A"]
Features = Float[Array, "2"]
Covariance = Float[Array, "2 2"]
RHO = np.array([0.2, 0.3, 0.5])


def smooth(bandit, policy):
    """Return the quantities that are differentiable wherever they are finite, as one vector."""
    shifted = q.gibbs(bandit, 1.0 - bandit.reward)
    return jnp.stack(
        [
            q.value(bandit, policy),
            q.value_gap(bandit, policy),
            q.reward_gap(bandit, policy),
            q.kl(bandit.rho, shifted, policy),
            q.coverage_excess(bandit, policy),
            q.log_coverage(bandit, policy),
            q.log_max_density_ratio(bandit, policy),
            q.win_rate(bandit, policy),
        ]
    )


def twice(bandit, policy):
    values = smooth(bandit, policy)
    return values, values


slopes_and_values = jax.jit(jax.jacrev(twice, (0, 1), has_aux=True))


def test_gradients_are_finite_wherever_the_value_is():
    rng = np.random.default_rng(0)
    for name, bandit in extreme_bandits(rng).items():
        for policy in (
            random_policy(rng, bandit),
            random_policy(rng, bandit, 50.0),
            np.array(bandit.log_ref),
        ):
            slopes, values = slopes_and_values(bandit, policy)
            finite = np.isfinite(np.asarray(values))
            assert finite.sum() >= 7
            for leaf in jax.tree.leaves(slopes):
                assert np.isfinite(np.asarray(leaf)[finite]).all(), name


def test_gradient_stays_finite_for_mass_outside_the_support():
    bandit = random_bandit(np.random.default_rng(1), missing=True)
    slopes, _ = slopes_and_values(bandit, normalised(np.zeros((3, 4))))
    for leaf in jax.tree.leaves(slopes):
        assert not np.isnan(leaf).any()


def test_slopes_agree_with_differences_of_the_values():
    # Every input moves at once: weights, reference, reward, beta and policy.
    rng = np.random.default_rng(2)
    bandit = random_bandit(rng)
    point = (bandit, random_policy(rng, bandit))
    direction = jax.tree.map(lambda leaf: rng.normal(size=np.shape(leaf)), point)

    def moved(step):
        return np.asarray(slopes_and_values(*jax.tree.map(lambda x, d: x + step * d, point, direction))[1])

    slopes, _ = slopes_and_values(*point)
    columns = jax.tree.map(lambda leaf, d: np.asarray(leaf).reshape(8, -1) @ d.ravel(), slopes, direction)
    step = 1e-4  # five-point rule: the error is of order step^4
    difference = (8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step)
    np.testing.assert_allclose(sum(jax.tree.leaves(columns)), difference, rtol=1e-8, atol=1e-9)


def test_shapes():
    rng = np.random.default_rng(4)
    bandit = random_bandit(rng).replace(features=rng.normal(size=(3, 4, 2)))

    @jaxtyped(typechecker=beartype)
    def per_prompt(log_ref: Cells) -> tuple[Prompts, Prompts, Prompts]:
        log_q, log_p = q.local_coverage_witness(bandit, q.tilt_budgets(bandit, 1.0))
        return q.log_partition(bandit), log_q, log_p

    @jaxtyped(typechecker=beartype)
    def per_cell(log_ref: Cells) -> tuple[Cells, Cells]:
        return q.gibbs(bandit), q.response_win_rate(bandit, log_ref)

    @jaxtyped(typechecker=beartype)
    def scalars(log_ref: Cells) -> list[Scalar]:
        single = [measured.function(bandit, log_ref) for measured in q.MEASURED.values()]
        return [
            *single,
            q.local_coverage(bandit, 0.1),
            q.tilt_coverage(bandit, 0.1),
            q.global_coverage(bandit),
        ]

    @jaxtyped(typechecker=beartype)
    def table(log_ref: Cells) -> tuple[Pairs, Covariance, Features]:
        return q.preference(bandit), q.reference_pair_covariance(bandit, 1.0), q.feature_mean(bandit, log_ref)

    for function in (per_prompt, per_cell, scalars, table):
        jax.eval_shape(function, jnp.asarray(bandit.log_ref))


def test_float32_arrays_are_refused():
    bandit = random_bandit(np.random.default_rng(5))
    low = jnp.asarray(bandit.log_ref, dtype=jnp.float32)
    high = jnp.asarray(bandit.log_ref)
    calls = [
        lambda: q.kl(RHO, low, high),
        lambda: q.chi_squared(RHO, high, low),
        lambda: q.coverability(RHO, low[None]),
        lambda: q.gibbs(bandit, low),
        lambda: q.kappa(jnp.float32(2.0)),
        lambda: q.win_rate(bandit, low),
        lambda: q.local_coverage(bandit, jnp.float32(0.1)),
        lambda: q.coverage_profile(bandit, low, 2.0),
        lambda: q.expectation(RHO, low, high),
        lambda: q.expected_variance(RHO, high, low),
        *(lambda f=measured.function: f(bandit, low) for measured in q.MEASURED.values()),
    ]
    for call in calls:
        with pytest.raises(Float32Error):
            call()
