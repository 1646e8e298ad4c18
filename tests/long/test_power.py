"""Every tight bound of the catalogue, sharpened by a tenth, is refuted with proof within half a minute.

SIMBENCH_LONG=full takes all of them; small takes five that differ in kind, file and in what refutes them.
"""

import os

import pytest

from simbench import registry
from simbench.errors import SimbenchError
from simbench.verify import find_claim, power

pytestmark = pytest.mark.long

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
FEW = [
    "coverage_from_value",
    "kappa_at_least",
    "largest_gap_quadratic",
    "three_point_lemma",
    "win_rate_floor",
]


def tight_bounds():
    """Return the names of the catalogue's own true bounds of declared tightness at least 0.99."""
    ours = [
        cls for cls in registry.everything("claim").values() if cls.__module__.startswith("simbench.theory.")
    ]
    claims = [find_claim(cls) for cls in ours]
    return sorted(
        claim.name
        for claim in claims
        if claim.kind in ("upper", "lower") and claim.expected == "consistent" and claim.tightness >= 0.99
    )


def test_the_few_are_tight_bounds():
    assert set(FEW) < set(tight_bounds())


@pytest.mark.parametrize("name", tight_bounds() if FULL else FEW)
def test_a_tenth_off_is_refuted(name):
    found = power(name)
    print(found)
    assert found.refuted
    assert found.seconds < 30
    assert found.constant in (0.9, 1 / 0.9)
    assert found.random_evaluations >= found.evaluations
    assert found.to_json()["name"] == name
    assert found.random_refuted <= (found.random_first is not None)


def test_random_search_alone_is_not_enough():
    found = power("largest_gap_quadratic")
    assert found.refuted
    assert found.random_best < 1
    assert found.random_first is None


@pytest.mark.parametrize("name", ["value_gap_is_kl", "song_lemma_4_1_sharpened"])
def test_what_has_no_tenth_to_lose(name):
    with pytest.raises(SimbenchError, match=r"constant to sharpen|factor is"):
        power(name, factor=0.9 if name == "value_gap_is_kl" else 1.0)


def test_a_loose_bound_is_refused():
    loose = [cls for cls in registry.everything("claim").values() if 0 < getattr(cls, "tightness", 0) < 0.99]
    with pytest.raises(SimbenchError, match=r"tightness at least 0\.99"):
        power(loose[0])
