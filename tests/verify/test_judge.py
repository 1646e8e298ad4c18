"""Judging: true claims are consistent, false ones violated with proof, ill-posed ones neither."""

import dataclasses
import inspect

import jax.numpy as jnp
import pytest
from jax import lax

from simbench import quantities as q
from simbench.precision import float64
from simbench.verify import Control, Exists, Identity, Instance, Lower, Upper, claim, family, judge, judge_all
from simbench.verify.certificate import replay
from simbench.verify.explore import EFFORTS, samples
from simbench.verify.protocol import find_claim
from simbench.verify.sides import Sides
from tests.verify import sample_claims  # noqa: F401 - registers them


@pytest.fixture(scope="module")
def verdicts():
    """The sample claims, judged together on two threads."""
    names = [
        "test_lemma_3_1",
        "test_gap_is_kl",
        "test_exponent_misprinted",
        "test_high_win_rate_poor_coverage",
    ]
    return {verdict.name: verdict for verdict in judge_all(names, workers=2)}


def test_lemma_3_1_is_consistent_and_tight(verdicts):
    verdict = verdicts["test_lemma_3_1"]
    assert verdict.verdict == "consistent", verdict
    assert 0.999 < verdict.tightness <= 1
    assert verdict.smallest_constant == pytest.approx(verdict.tightness, rel=1e-6)
    assert verdict.instances["random"] >= 10_000
    assert {"corners", "tight family", "hunter"} <= set(verdict.instances)
    assert [control.refuted for control in verdict.controls] == [True, True]
    assert verdict.as_expected
    assert verdict.witness is None


def test_the_identity_is_consistent_and_both_mutants_are_refuted(verdicts):
    verdict = verdicts["test_gap_is_kl"]
    assert verdict.verdict == "consistent", verdict
    assert verdict.tightness is None
    assert len(verdict.controls) == 2
    assert verdict.instances["random"] >= 10_000
    assert "hunter" not in verdict.instances


def test_identities_are_hunted_at_paper_only():
    effort = dataclasses.replace(EFFORTS["paper"], random=256, corners=128, tight=16, steps=2, waves=1)
    with float64():
        found = [one.found_by for one in samples(find_claim("test_gap_is_kl"), effort)]
    assert found.count("hunter") == len(find_claim("test_gap_is_kl").domain.shapes)


def test_a_misprint_is_violated_with_proof_and_its_correction_holds_at_the_witness(verdicts):
    verdict = verdicts["test_exponent_misprinted"]
    assert verdict.verdict == "violated", verdict
    assert verdict.as_expected
    assert "test_lemma_3_1" in verdict.controls[-1].name
    assert replay(verdict.witness).status == "proved"


def test_existence_is_proved_by_its_witness(verdicts):
    verdict = verdicts["test_high_win_rate_poor_coverage"]
    assert verdict.verdict == "consistent", verdict
    assert replay(verdict.witness).status == "proved"


@family(a=(0.0, 1.0), b=(0.0, 1.0))
def square(a, b):
    """The unit square: enough domain to be wrong on."""
    return Instance(world=None, a=a, b=b)


A_TENTH = (Control("a tenth", constant=0.1),)


def _method(theory):
    if "constant" in inspect.signature(theory).parameters:
        return lambda self, x, constant=1.0: theory(x, constant)
    return lambda self, x: theory(x)


def _judge(name, measured, theory, *, kind=Upper, controls=A_TENTH, **options):
    body = {
        "__doc__": "A claim about the unit square.",
        "domain": options.pop("domain", square),
        "measured": lambda self, x: measured(x),
        "theory": _method(theory),
        "controls": controls,
    }
    fields = {key: options.pop(key) for key in ("tightness", "assumes", "tight_on") if key in options}
    return judge(claim(f"test_square_{name}", source="me", **options)(type(name, (kind,), body | fields)))


def test_a_false_claim_is_violated_and_proved():
    verdict = _judge("half", lambda x: x.a + x.b, lambda x: 1.0 + 0 * x.a, expected="consistent")
    assert verdict.verdict == "violated"
    assert not verdict.as_expected
    assert verdict.smallest_constant == pytest.approx(2.0, rel=1e-6)
    assert float(verdict.witness["margin"][0]) > 0


def test_no_control_no_verdict():
    verdict = _judge("uncontrolled", lambda x: x.a * x.b, lambda x: x.a, controls=())
    assert verdict.verdict == "inconclusive"
    assert "no control" in verdict.problem


def test_a_control_that_is_not_refuted_silences_the_claim():
    verdict = _judge(
        "loose", lambda x: x.a * x.b, lambda x: 2 + x.a, controls=(Control("nine tenths", constant=0.9),)
    )
    assert verdict.verdict == "inconclusive"
    assert "'nine tenths'" in verdict.problem
    assert not verdict.as_expected


def _compilations(monkeypatch):
    """Return the list that sides enter when they are compiled."""
    compiled, compile_sides = [], Sides._compile
    monkeypatch.setattr(
        Sides, "_compile", lambda self, function: compiled.append(self) or compile_sides(self, function)
    )
    return compiled


def test_a_mutant_that_is_false_nearly_everywhere_is_refuted_without_compiling_it(monkeypatch):
    compiled = _compilations(monkeypatch)
    mutant = Control("its negative", theory=lambda x: -1.0 - x.a)
    verdict = _judge("plainly_false", lambda x: x.a, lambda x: 2.0 * x.a + x.b, controls=(mutant,))
    assert verdict.controls[0].refuted, verdict
    assert {id(sides.claim) for sides in compiled} == {id(compiled[0].claim)}


def test_a_mutant_that_is_false_in_a_corner_is_refuted_by_the_search(monkeypatch):
    compiled = _compilations(monkeypatch)
    mutant = Control("false near b = 1/3", theory=lambda x: x.a + 1e3 * (x.b - 1 / 3) ** 2 - 1e-4)
    verdict = _judge("hidden_falsehood", lambda x: x.a, lambda x: 2.0 * x.a + x.b, controls=(mutant,))
    assert verdict.controls[0].refuted, verdict
    assert len({id(sides.claim) for sides in compiled}) == 2


def test_a_bound_that_is_looser_than_stated_is_inconclusive_and_a_vacuous_one_says_so():
    loose = _judge("unreached", lambda x: x.a / 2, lambda x: 1.0 + 0 * x.a, tightness=0.9)
    assert loose.verdict == "inconclusive"
    assert "0.5 of the stated 0.9" in loose.problem
    vacuous = _judge(
        "vacuous", lambda x: x.a, lambda x: 1000.0 + 0 * x.a, controls=(Control("c", constant=1e-4),)
    )
    assert vacuous.verdict == "consistent"
    assert vacuous.vacuous
    assert vacuous.bound_over_observed == pytest.approx(1000.0)


def test_nan_on_part_of_the_domain_is_a_problem_not_a_verdict():
    verdict = _judge("nan", lambda x: jnp.sqrt(x.a - 0.5), lambda x: 2.0 + 0 * x.a)
    assert verdict.verdict == "inconclusive"
    assert "measured side is NaN" in verdict.problem
    helped = _judge(
        "nan_assumed",
        lambda x: jnp.sqrt(x.a - 0.5),
        lambda x: 1.0 + 0 * x.a,
        assumes=lambda self, x: x.a > 0.5,
    )
    assert helped.verdict == "consistent", helped


def test_assumptions_that_never_hold_are_a_problem():
    verdict = _judge("never", lambda x: x.a, lambda x: x.b, assumes=lambda self, x: x.a > 2)
    assert verdict.verdict == "inconclusive"
    assert "at none of" in verdict.problem


def test_zero_on_the_right():
    both = _judge("zeros", lambda x: 0 * x.a, lambda x: 0 * x.b)
    assert both.verdict == "inconclusive"
    assert "both sides are zero" in both.problem
    only_right = _judge("zero_bound", lambda x: x.a, lambda x: 0 * x.b)
    assert only_right.verdict == "violated", "a bound of zero is false where the measured side is positive"
    assert float(only_right.witness["margin"][0]) > 0


def test_an_infinite_bound_says_nothing():
    verdict = _judge("infinite", lambda x: x.a, lambda x: jnp.exp(1e4 + x.b))
    assert verdict.verdict == "inconclusive"
    assert "infinite" in verdict.problem


def test_overflow_in_float64_is_not_taken_for_a_violation():
    """e^{800 a} overflows; over the reals it is e^{400 a} squared, and no violation."""
    verdict = _judge(
        "overflow",
        lambda x: jnp.exp(800 * x.a) * (1 + x.b) / 2,
        lambda x: jnp.where(x.a > 2, 0.0, 1.0) * jnp.exp(400 * x.a) * jnp.exp(400 * x.a),
        controls=(Control("a half", constant=0.5),),
    )
    assert verdict.verdict == "consistent", verdict


def test_a_side_that_is_not_smooth_is_said_to_be():
    verdict = _judge("kink", lambda x: jnp.sqrt(jnp.abs(x.a - 0.5) * x.b), lambda x: jnp.sqrt(0.5) + 0 * x.a)
    assert verdict.verdict == "consistent"
    assert any("not smooth" in note for note in verdict.notes)
    flat = _judge("flat", lambda x: jnp.floor(2 * x.a), lambda x: 2.0 + 0 * x.a)
    assert any("no slope" in note for note in flat.notes)


@pytest.mark.parametrize(
    ("measured", "complaint"),
    [
        (lambda x: x.a.astype(jnp.float32), "float32"),
        (lambda x: jnp.stack([x.a, x.b]), "shape \\(2,\\)"),
        (lambda x: "one", "returns str"),
        (lambda x: x.c, "no part 'c'"),
        (lambda x: 1.0 if x.a > 0 else 0.0, "measured side failed: TracerBoolConversionError"),
        (lambda x: q.kappa(x.a.astype(jnp.float32)), "float64 only"),
    ],
)
def test_a_side_that_cannot_be_run_is_an_error_in_a_sentence(measured, complaint):
    with pytest.raises(ValueError, match=complaint):
        _judge("broken", measured, lambda x: x.b)


def test_an_unknown_operation_is_named_with_the_claim():
    verdict = _judge("gamma", lambda x: lax.erf_inv(0.5 * x.a), lambda x: 2.0 + 0 * x.a)
    assert verdict.verdict == "inconclusive"
    assert "'test_square_gamma'" in verdict.problem
    assert "'erf_inv'" in verdict.problem


def test_a_suspicion_that_stays_undecided_leaves_the_verdict_open(monkeypatch):
    from simbench.verify import findings
    from simbench.verify.proof import Proof

    monkeypatch.setattr(findings, "decide", lambda *_, **__: Proof(status="undecided", precision=1024))
    verdict = _judge("undecided", lambda x: x.a + x.b, lambda x: 1.0 + 0 * x.a)
    assert verdict.verdict == "inconclusive"
    assert "neither proved nor refuted" in verdict.problem


def test_kinds_identity_lower_exists_on_the_square():
    identity = _judge(
        "identity",
        lambda x: (x.a + x.b) ** 2,
        lambda x: x.a**2 + 2 * x.a * x.b + x.b**2,
        kind=Identity,
        controls=(Control("a millionth", constant=1 + 1e-6),),
    )
    assert identity.verdict == "consistent", identity
    wrong = _judge("false_identity", lambda x: x.a * x.b, lambda x: x.a * jnp.sin(x.b), kind=Identity)
    assert wrong.verdict == "violated"

    lower = _judge(
        "lower",
        lambda x: 1 + x.a,
        lambda x: jnp.exp(x.a * jnp.log(2.0)),
        kind=Lower,
        controls=(Control("d", constant=1.01),),
    )
    assert lower.verdict == "consistent", lower
    assert lower.smallest_constant == pytest.approx(1 / lower.tightness, rel=1e-6)
    nowhere = _judge("nowhere", lambda x: x.a, lambda x: 1.5 + 0 * x.b, kind=Exists)
    assert nowhere.verdict == "inconclusive"
    assert "no witness" in nowhere.problem


def test_a_witness_without_freedom_is_decided_either_way():
    @family()
    def point():
        return Instance(world=None, a=jnp.asarray(0.25))

    there = _judge(
        "there",
        lambda x: jnp.sqrt(x.a),
        lambda x: 0.49,
        kind=Exists,
        domain=point,
        controls=(Control("m", constant=2.0),),
    )
    assert there.verdict == "consistent", there
    absent = _judge("absent", lambda x: jnp.sqrt(x.a), lambda x: 0.5, kind=Exists, domain=point)
    assert absent.verdict == "violated"


def test_unknown_presets_and_claims_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'quick'"):
        judge("test_lemma_3_1", preset="quik")
    with pytest.raises(ValueError, match="no claim is called"):
        judge("test_no_such")


def test_a_verdict_is_the_same_every_time():
    first, again = (
        _judge("again", lambda x: jnp.sin(3 * x.a) * x.b, lambda x: 0.9 + 0 * x.a).to_json() for _ in range(2)
    )
    assert first | {"seconds": 0} == again | {"seconds": 0}


def test_a_witness_that_cannot_be_proved_is_a_problem():
    verdict = _judge(
        "gamma_exists", lambda x: lax.erf_inv(0.9 - 0.1 * x.a), lambda x: 0.1 + 0 * x.a, kind=Exists
    )
    assert verdict.verdict == "inconclusive"
    assert "'erf_inv'" in verdict.problem


def test_sides_of_either_sign_are_compared_by_their_difference():
    negative = _judge(
        "negative", lambda x: -2.0 - x.a, lambda x: -1.0 - x.a, controls=(Control("thrice", constant=3.0),)
    )
    assert negative.verdict == "consistent", negative
    assert negative.tightness == pytest.approx(2 / 3)
    mixed = _judge("mixed", lambda x: x.a - x.b, lambda x: x.a, controls=(Control("less", constant=0.5),))
    assert mixed.verdict == "consistent", mixed
    crossing = _judge("crossing", lambda x: x.a - 0.5, lambda x: x.a - x.b)
    assert crossing.verdict == "violated"


def test_infinite_sides_are_exact():
    infinite = _judge("infinite_measured", lambda x: 1 / (x.a - x.a + jnp.exp(-jnp.inf)), lambda x: 1.0 + x.a)
    assert infinite.verdict == "inconclusive", "1/0 is unknown, not infinite: nothing is proved from it"
    logarithm = _judge("infinite_log", lambda x: -jnp.log(jnp.floor(x.a / 2)), lambda x: 1.0 + x.a)
    assert logarithm.verdict == "violated"
    assert logarithm.witness["margin"] == ["inf", "inf"]
    identity = _judge(
        "infinite_identity", lambda x: -jnp.log(jnp.floor(x.a / 2)), lambda x: 1.0 + x.a, kind=Identity
    )
    assert identity.verdict == "violated"


def test_a_constant_in_a_denominator_is_reported_in_its_own_direction():
    verdict = _judge(
        "denominator", lambda x: 1 + x.a, lambda x, constant=1.0: 2 / (constant * (2 + x.b)), kind=Lower
    )
    assert verdict.verdict == "consistent", verdict
    assert verdict.smallest_constant == pytest.approx(1.0, rel=1e-6)


def test_unknown_compiler_settings_are_done_without(monkeypatch):
    from simbench import compiling

    assert compiling.quick_options() == compiling.QUICK_COMPILE
    monkeypatch.setattr(compiling, "QUICK_COMPILE", {"xla_no_such_setting": "1"})
    compiling.quick_options.cache_clear()
    assert compiling.quick_options() == {}
    compiling.quick_options.cache_clear()


def test_a_correction_that_fails_at_the_witness_is_no_control():
    claim("test_square_other", source="me")(
        type(
            "Other",
            (Upper,),
            {
                "__doc__": "Also false.",
                "domain": square,
                "measured": lambda self, x: x.a,
                "theory": lambda self, x: x.a / 2,
            },
        )
    )
    options = {"expected": "violated", "corrected_by": "test_square_other", "controls": ()}
    verdict = _judge("miscorrected", lambda x: x.a, lambda x: x.a / 3, **options)
    assert verdict.verdict == "violated"
    assert not verdict.as_expected
    assert [control.refuted for control in verdict.controls] == [False]
