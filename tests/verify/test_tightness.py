"""The tightest instance is found behind any number of instances at which float64 says nothing."""

import jax.numpy as jnp
import pytest

from simbench.verify import Control, Instance, Upper, claim, family, judge


@family(a=(0.0, 1.0), b=(0.0, 1.0))
def square(a, b):
    """The unit square."""
    return Instance(world=None, a=a, b=b)


def test_rounding_errors_do_not_hide_the_tightest_instance():
    """Nearly everywhere the measured side is zero over the reals, and up to 2e-16 in float64."""

    def honest(x):
        return jnp.abs(x.a - 0.53) < 0.025  # no corner

    @claim("test_square_mostly_rounding", source="me")
    class MostlyRounding(Upper):
        """b/1000 <= 1 for a near 0.53, and 0 <= 1e-14 elsewhere."""

        domain = square
        tightness = 0.0005
        controls = (Control("a thousandth", constant=1e-3),)

        def measured(self, x):
            return jnp.where(honest(x), x.b / 1000.0, jnp.abs(jnp.sin(x.a) ** 2 + jnp.cos(x.a) ** 2 - 1.0))

        def theory(self, x):
            return jnp.where(honest(x), 1.0, 1e-14)

    verdict = judge("test_square_mostly_rounding")
    assert verdict.tightness == pytest.approx(1e-3, rel=0.01)
