"""Series and roots enter a proof by what they stand for, never by what their code happens to compute."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from simbench import quantities as q
from simbench.quantities.log_arithmetic import exp_remainder
from simbench.verify.ball import enclose, encloses_root, to_interval
from simbench.verify.ball.interpreter import run, working_precision
from simbench.verify.ball.named import NAMED


def _enclose(function, *arguments, precision=256):
    return enclose(jax.make_jaxpr(function)(*arguments), arguments, precision=precision)[0]


def test_exp_remainder_is_the_function_not_its_series():
    x = np.array([1e-30, -1e-3, 0.06, -5.0, 0.0, 3.0])
    balls = _enclose(exp_remainder, x)
    with working_precision(600):
        for ball, number in zip(balls, x, strict=True):
            exact = arb(number).expm1() - arb(number)
            assert ball.overlaps(exact)
            assert ball.rad() <= abs(exact) * arb(2) ** -150
    literal = enclose(jax.make_jaxpr(exp_remainder)(x).eqns[0].params["jaxpr"], [x], precision=256)[0]
    with working_precision(600):  # the nine terms of the code, read literally, miss the function
        assert not literal[2].overlaps(arb(x[2]).expm1() - arb(x[2]))


def test_exp_remainder_of_a_ball_over_zero_is_tight_and_never_negative():
    program = jax.make_jaxpr(exp_remainder)(0.5)
    with working_precision(128):
        (value,) = run(program.jaxpr, [], [np.array(arb(0, 1e-20), dtype=object)])
    assert value.item() >= 0
    assert value.item() < 1e-39


def test_batched_calls_of_a_declared_function_are_recognised():
    x = np.full((2, 3), 0.05)
    one = _enclose(exp_remainder, x)
    batched = _enclose(jax.vmap(lambda row: jax.vmap(exp_remainder)(row)), x)
    assert all(a.overlaps(b) and b.rad() < 1e-60 for a, b in zip(one.flat, batched.flat, strict=True))


def test_a_namesake_and_a_derivative_are_refused():
    def exp_remainder_twin(x):
        return x + 1.0

    exp_remainder_twin.__name__ = "exp_remainder"
    for function in (jax.jit(exp_remainder_twin), jax.grad(exp_remainder)):
        with pytest.raises(ValueError, match="Rename yours"):
            _enclose(function, 0.5)


@pytest.mark.parametrize("log_p", [-1e-3, -0.7, -5.0, -40.0, -600.0])
@pytest.mark.parametrize("budget", [1e-14, 1e-6, 0.3, 0.69, 4.9, 39.0])
def test_binary_kl_root_is_enclosed_by_a_sign_change(log_p, budget):
    ball = _enclose(q.binary_kl_root, budget, log_p).item()
    low, high = to_interval(ball)
    found = float(q.binary_kl_root(budget, log_p))
    assert low - 1e-9 * abs(found) <= found <= high + 1e-9 * abs(found)
    assert float(ball.rad()) <= 1e-40 * max(1.0, abs(found))
    with working_precision(2000):
        p = arb(log_p).exp()

        def divergence(log_q):
            other = 1 - log_q.exp()
            rest = other * (other.log() - (1 - p).log()) if other > 0 else arb(0)
            return log_q.exp() * (log_q - arb(log_p)) + rest

        if budget >= -log_p:
            assert ball == 0
        else:
            assert not divergence(ball.lower()) > budget
            assert not divergence(ball.upper()) < budget


def test_binary_kl_root_at_its_ends():
    assert _enclose(q.binary_kl_root, 0.0, -2.0).item() == -2
    assert _enclose(q.binary_kl_root, 2.5, -2.0).item() == 0
    brim = _enclose(q.binary_kl_root, 2.0, -2.0).item()  # the budget is log(1/p) to the last bit
    assert brim.contains(0)
    assert brim.rad() < 1e-60
    assert _enclose(q.binary_kl_root, np.inf, -2.0).item() == 0


def test_local_coverage_is_enclosed_around_its_own_value():
    log_ref = np.log(np.array([[0.7, 0.2, 0.1], [0.05, 0.45, 0.5]]))

    def coverage(budget):
        from simbench.verify import traced_world

        world = traced_world(rho=jnp.array([0.25, 0.75]), log_ref=log_ref, reward=jnp.zeros((2, 3)), beta=1.0)
        return q.local_coverage(world, budget)

    ball = _enclose(coverage, 0.2).item()
    low, high = to_interval(ball)
    assert low * (1 - 1e-12) <= float(coverage(0.2)) <= high * (1 + 1e-12)
    assert float(ball.rad()) < 1e-50


@jax.jit
def _newton_cube_root(a):
    return jax.lax.fori_loop(0, 60, lambda _, x: x - (x * x * x - a) / (3.0 * x * x), jnp.maximum(a, 1.0))


@jax.jit
def _bad_cube_root(a):
    return jnp.cbrt(a) * 1.5 + 2.0


@pytest.mark.parametrize("function", [_newton_cube_root, _bad_cube_root])
def test_a_root_of_ones_own_is_declared_once(function, monkeypatch):
    """Even where the code's number is no root at all, the enclosure holds the true one: it is proved, not believed."""
    monkeypatch.setattr("simbench.verify.ball.named.NAMED", dict(NAMED))
    from simbench.verify.ball import named

    encloses_root(
        function, residual=lambda x, a: x**3 - a, low=lambda a: 0.0 * a, high=lambda a: jnp.maximum(a, 1.0)
    )
    assert function.__name__ in named.NAMED
    ball = _enclose(function, 5.0).item()
    with working_precision(256):
        exact = arb(5).root(3)
        assert not ball.is_finite() or ball.overlaps(exact)
    if function is _newton_cube_root:
        assert float(ball.rad()) < 1e-60
