"""Assumptions: said by a margin along which the hunter climbs, or by a boolean; thin ones are not taken as searched."""

import jax.numpy as jnp
import pytest

from simbench.errors import SimbenchError
from simbench.verify import Control, Instance, Upper, claim, family, judge
from simbench.verify.findings import LEAST_CHANCED, LEAST_CLIMBED


@family(a=(0.0, 1.0), b=(0.0, 1.0), c=(0.0, 1.0))
def cube(a, b, c):
    return Instance(world=None, a=a, b=b, c=c)


def planted(name, share, **options):
    """A claim that fails only next to the boundary of its assumption, a curved slab of about that share of the cube.

    Within a < share (1 + b^2)/(4/3), sup of a/(1 + b^2) is 3 share/4; the bound is short of it by a thousandth, so that
    about a thousandth of the slab violates it.
    """

    def width(x):
        return 0.75 * share * (1 + x.b**2)

    class Planted(Upper):
        """a <= .999 of the slab's width."""

        domain = cube
        controls = (Control("half of it", constant=0.5),)

        def measured(self, x):
            return x.a / (1 + x.b**2) + 0.0 * x.c

        def theory(self, x):
            return jnp.asarray(0.999 * 0.75 * share)

        if options.get("boolean"):

            def assumes(self, x):
                return x.a < width(x)
        else:

            def assumes_margin(self, x):
                return width(x) - x.a

    return claim(name, source="tests")(Planted)


@pytest.mark.parametrize("share", [0.3, 0.03, 3 * LEAST_CLIMBED])
def test_violations_at_the_boundary_are_found_down_to_the_least_share(share):
    verdict = judge(planted(f"test_planted_{share}", share))
    assert verdict.verdict == "violated", verdict
    assert f"assumption holds at {share:.1g}"[:22] in " ".join(verdict.notes)


def test_a_share_below_the_least_is_never_called_consistent():
    verdict = judge(planted("test_planted_thinner", LEAST_CLIMBED / 30))
    assert verdict.verdict != "consistent"
    assert verdict.verdict == "violated" or "too few to have been searched" in verdict.problem


def test_a_thin_boolean_is_inconclusive_and_says_what_to_write():
    verdict = judge(planted("test_planted_boolean", LEAST_CHANCED / 10, boolean=True))
    assert verdict.verdict in ("inconclusive", "violated")
    if verdict.verdict == "inconclusive":
        assert "assumes_margin" in verdict.problem


@pytest.mark.parametrize(
    ("assumes", "words"),
    [
        (lambda self, x: x.a - 0.5, "assumes returns float64; it must return one boolean.*assumes_margin"),
        (lambda self, x: 1.0, "assumes returns float; it must return one boolean"),
        (lambda self, x: jnp.stack([x.a > 0.5, x.b > 0.5]), r"an array of shape \(2,\)"),
    ],
)
def test_what_is_no_boolean_is_one_sentence(assumes, words):
    class Assuming(Upper):
        """a <= 1."""

        domain = cube
        controls = (Control("half", constant=0.5),)

        def measured(self, x):
            return x.a

        def theory(self, x):
            return jnp.asarray(1.0)

    Assuming.assumes = assumes
    with pytest.raises(SimbenchError, match=words):
        judge(claim("test_no_boolean", source="tests")(type("Assuming", (Assuming,), {"__doc__": "a <= 1."})))


def test_claims_without_an_assumption_say_nothing_of_one():
    class Plain(Upper):
        """a <= 1."""

        domain = cube
        tightness = 0.99
        controls = (Control("half", constant=0.5),)

        def measured(self, x):
            return x.a

        def theory(self, x):
            return jnp.asarray(1.0)

    verdict = judge(claim("test_no_assumption", source="tests")(Plain))
    assert verdict.verdict == "consistent", verdict
    assert not any("assumption" in note for note in verdict.notes)
