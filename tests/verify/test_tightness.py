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


def one_as_far_as_float64_can_tell(a):
    """Return one; in balls the comparison stays undecided for a > 0, and the number unknown."""
    return jnp.where(jnp.sin(a) > jnp.sin(a), jnp.inf, 1.0)


def test_an_instance_that_is_found_again_and_again_does_not_use_up_the_looks():
    """A square has nine corners, and a thousand are drawn; the hunter, too, returns a corner it cannot better."""

    @claim("test_square_unclear_corner", source="me")
    class UnclearCorner(Upper):
        """a/2 <= 1, and 9/10 <= 1 at a = b = 1, where balls cannot tell."""

        domain = square
        tightness = 0.49
        controls = (Control("a third", constant=1 / 3),)

        def measured(self, x):
            corner = (x.a >= 1.0) & (x.b >= 1.0)
            return jnp.where(corner, 0.9 * one_as_far_as_float64_can_tell(x.a), x.a / 2.0)

        def theory(self, x, constant=1.0):
            return constant * jnp.ones(())

    verdict = judge("test_square_unclear_corner")
    assert verdict.tightness == pytest.approx(0.5, rel=0.01)
    assert verdict.verdict == "consistent"


@family(a=(0.0, 0.25), b=(0.0, 1.0))
def left_quarter(a, b):
    """The left quarter of the unit square."""
    return Instance(world=None, a=a, b=b)


class UnclearOnTheRight(Upper):
    """a <= 1 for a <= 1/4, and 9/10 <= 1 elsewhere, where balls cannot tell (not a claim by itself)."""

    domain = square
    tightness = 0.24
    controls = (Control("a tenth", constant=0.1),)

    def measured(self, x):
        return jnp.where(x.a > 0.25, 0.9 * one_as_far_as_float64_can_tell(x.a), x.a)

    def theory(self, x, constant=1.0):
        return constant * jnp.ones(())


def test_random_instances_that_balls_cannot_tell_leave_the_tight_family_its_looks():
    """Most random instances, all different, have a ratio in float64 alone; the tight family has one in balls."""

    @claim("test_square_unclear_on_the_right", source="me")
    class Unclear(UnclearOnTheRight):
        """a <= 1 for a <= 1/4, and 9/10 <= 1 elsewhere."""

        tight_on = left_quarter

    verdict = judge("test_square_unclear_on_the_right")
    assert (verdict.tightness, verdict.found_by) == (0.25, "tight family")
    assert verdict.verdict == "consistent"


def test_a_refuted_suspicion_that_recurs_is_one_suspicion():
    """Hundreds of draws of one corner, where float64 is wrong, are decided by one look and leave nothing open."""

    @claim("test_square_suspicious_corner", source="me")
    class SuspiciousCorner(Upper):
        """a/2 <= 1, and 1 <= 1 at a = b = 1, where float64 says 1.00000004."""

        domain = square
        controls = (Control("a third", constant=1 / 3),)

        def measured(self, x):
            rounding = jnp.abs(jnp.sqrt(3.0 * x.a) ** 2 - 3.0 * x.a)
            corner = (x.a >= 1.0) & (x.b >= 1.0)
            return jnp.where(corner, 1.0 + 1e8 * rounding, x.a / 2.0)

        def theory(self, x, constant=1.0):
            return constant * jnp.ones(())

    verdict = judge("test_square_suspicious_corner")
    assert verdict.verdict == "consistent"
    assert "float64 suspected 1 violation; ball arithmetic refuted it" in verdict.notes[0]


def test_where_balls_confirm_no_ratio_the_verdict_says_so():
    """A tightness that is not known is not a tightness of zero."""

    @claim("test_square_unclear_everywhere", source="me")
    class UnclearEverywhere(UnclearOnTheRight):
        """9/10 <= 1."""

        def measured(self, x):
            return 0.9 * one_as_far_as_float64_can_tell(1.0 + x.a)

    verdict = judge("test_square_unclear_everywhere")
    assert verdict.verdict == "inconclusive"
    assert verdict.tightness is None
    assert "no instance" in verdict.problem
