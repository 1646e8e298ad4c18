"""A claim that is not complete is refused where it is written; verdicts print, and survive JSON."""

import json

import pytest

from simbench.verify import Claim, Control, ControlOutcome, Upper, Verdict, claim, find_claim
from simbench.verify.domains import Gibbs, Instances
from tests.verify.sample_claims import GapIsKL, Lemma31

DOMAIN = Instances(log_policy=Gibbs())


def _define(statement="x <= 1", *, source="me", domain=DOMAIN, sides=("measured", "theory"), **options):
    body = {"__doc__": statement, "domain": domain} | {side: lambda self, x: 1.0 for side in sides}
    return claim(options.pop("name", "test_incomplete"), source=source, **options)(
        type("Incomplete", (Upper,), body)
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"statement": None}, "docstring is the statement"),
        ({"source": ""}, "names no source"),
        ({"expected": "false"}, "one of consistent, violated"),
        ({"expected": "violated"}, "go together"),
        ({"corrected_by": "test_lemma_3_1"}, "go together"),
        ({"sides": ("measured",)}, "defines no theory"),
        ({"sides": ("theory",)}, "defines no measured"),
        ({"domain": None}, "has no domain"),
    ],
)
def test_incomplete_claims_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        _define(**options)


def test_a_control_must_change_something():
    with pytest.raises(ValueError, match="changes nothing"):
        Control("idle")


def test_find_claim_takes_name_class_and_instance():
    for given in ("test_lemma_3_1", Lemma31, Lemma31()):
        assert isinstance(find_claim(given), Lemma31)
    with pytest.raises(ValueError, match="Did you mean 'test_lemma_3_1'"):
        find_claim("test_lemma_3_2")
    with pytest.raises(ValueError, match="is no claim"):
        find_claim(Claim())


def test_the_summary_is_the_first_line_of_the_statement():
    assert GapIsKL().summary == "J(pi*) - J(pi) = beta KL(pi||pi*), the left side by the values themselves."


def test_the_constant_multiplies_unless_the_claim_places_it():
    class Outside(Upper):
        def theory(self, x):
            return 3.0 * x

    class Inside(Upper):
        def theory(self, x, constant=1.0):
            return 1.0 + constant * x

    assert Outside().theory_at(2.0, 0.5) == 3.0
    assert Inside().theory_at(2.0, 0.5) == 2.0


def test_a_control_replaces_sides_and_domain_of_a_copy_only():
    original = Lemma31()
    variant = original.altered(Control("mutant", measured=lambda x: 7.0, domain=DOMAIN))
    assert variant.measured(None) == 7.0
    assert variant.domain is DOMAIN
    assert variant.tight_on is None
    assert original.domain is not DOMAIN
    assert original.altered(Control("constant", constant=2.0)) is original


def _verdict(**changes):
    fields = {
        "name": "lemma",
        "source": "me, Lemma <1>",
        "kind": "upper",
        "verdict": "consistent",
        "tightness": 0.5,
        "controls": (ControlOutcome(name="half", refuted=True, how="random"),),
        "instances": {"random": 10_240},
    }
    return Verdict(**(fields | changes))


def test_verdicts_print_and_survive_json():
    verdict = _verdict(vacuous=True, bound_over_observed=200.0)
    record = json.loads(json.dumps(verdict.to_json()))
    assert record["controls"] == [{"name": "half", "refuted": True, "how": "random"}]
    assert record["verdict"] == "consistent"
    text, page = str(verdict), verdict._repr_html_()
    assert "10,240 random" in text
    assert "never below 200" in text
    assert "me, Lemma &lt;1&gt;" in page


def test_as_expected_needs_every_control():
    assert _verdict().as_expected
    assert not _verdict(verdict="violated").as_expected
    assert not _verdict(controls=(ControlOutcome(name="half", refuted=False),)).as_expected
    assert _verdict(verdict="violated", expected="violated").as_expected
