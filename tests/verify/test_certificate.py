"""Proofs and their certificates: where float64 is wrong, what is proved, and what a tampered certificate meets."""

import json
import subprocess
import sys
import time

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from simbench import quantities as q
from simbench.verify import Control, Instance, Upper, claim, family, find_claim, judge
from simbench.verify.certificate import CertificateError, certify, confirms, digest, replay, save
from simbench.verify.certificate_file import ENTRIES
from simbench.verify.explore import sample
from simbench.verify.proof import decide
from simbench.verify.sampling import grid_points
from simbench.verify.sides import Sides
from tests.verify.sample_claims import Lemma31, two_arms


@claim("test_naive_lemma_3_1", source="huang2025, Lemma 3.1")
class NaiveLemma31(Upper):
    """Cov(pi*|pi) - 1 <= kappa(e^{2R/beta}) gap/beta on the two-arm family, both sides by their naive formulas."""

    domain = two_arms

    def measured(self, x):
        return jnp.sum(jnp.exp(2 * q.log_optimal(x.world) - x.log_policy)) - 1.0

    def theory(self, x):
        scale = jnp.exp(q.log_kappa(2 * x.world.reward_bound / x.world.beta))
        gap = jnp.sum(jnp.exp(x.log_policy) * (x.log_policy - q.log_optimal(x.world)))
        return scale * gap


@pytest.fixture(scope="module")
def naive():
    known = NaiveLemma31()
    return Sides(known, two_arms, ())


@pytest.fixture(scope="module")
def grid(naive):
    from simbench.precision import float64

    with float64():
        return sample(naive, "grid", grid_points(two_arms, (), 400))


def test_float64_alone_would_report_violations_of_a_true_lemma(naive, grid):
    false_alarms = np.flatnonzero(grid.ratios > 1 + 1e-5)
    assert len(false_alarms) >= 5
    for i in false_alarms:
        assert decide(naive, grid.points[i]).status in ("holds", "touches")


def test_the_constant_is_exactly_right_on_the_two_arm_family():
    """The bound holds with its constant and is proved false with a millionth less, in milliseconds."""
    lemma = Lemma31()
    sides = Sides(lemma, two_arms, ())
    tight = np.array([0.0, 0.5])  # a tail of e^-50
    assert decide(sides, tight).status == "holds"
    began = time.perf_counter()
    proof = decide(sides, tight, 0.999999)
    assert time.perf_counter() - began < 0.5
    assert proof.status == "proved"
    assert float(proof.margin[0]) > 0
    assert float(proof.ratio[0]) == pytest.approx(1 / 0.999999, rel=1e-9)
    with pytest.raises(CertificateError, match="nothing to certify"):
        certify(sides, tight, 1.0, decide(sides, tight), found_by="test")


def test_the_precision_rises_until_the_margin_has_a_sign():
    @family(a=(0.0, 1.0))
    def number(a):
        return Instance(world=None, a=a)

    @claim("test_close", source="me")
    class Close(Upper):
        """1 + e^-200 a^2 <= 1, false by e^-200 unless a = 0."""

        domain = number

        def measured(self, x):
            return 1.0 + jnp.exp(-200.0) * x.a**2

        def theory(self, x):
            return 1.0 + 0.0 * x.a

    sides = Sides(Close(), number, ())
    proof = decide(sides, np.array([1.0]))
    assert (proof.status, proof.precision) == ("proved", 512)
    assert decide(sides, np.array([1.0]), precisions=(128, 256)).status == "touches"
    assert decide(sides, np.array([0.0])).status == "holds"
    third = sides.claim.altered(Control("a third", measured=lambda x: 3.0 * ((1.0 + x.a) / 3.0) - x.a))
    assert decide(Sides(third, number, ()), np.array([0.3])).status == "touches", "1 <= 1, but for rounding"


PLUGIN = '''
"""A false claim in a file of its own."""
import jax.numpy as jnp
from simbench.verify import Upper, claim, Instance, family

@family(a=(0.0, 1.0))
def number(a):
    return Instance(world=None, a=a)

@claim("test_plugin_square", source="me")
class Square(Upper):
    """a^2 <= 0.9 a on [0, 1]; false near 1."""

    domain = number

    def measured(self, x):
        return x.a ** 2

    def theory(self, x):
        return 0.9 * x.a
'''

REPLAY = """
import sys
from simbench.registry import load_plugin
from simbench.verify.certificate import CertificateError, replay
try:
    replay(sys.argv[1])
except CertificateError as error:
    print("--plugin" in str(error))
load_plugin(sys.argv[2])
proof = replay(sys.argv[1])
print(proof.status, proof.precision)
"""


@pytest.fixture
def certificate(tmp_path):
    from simbench.registry import load_plugin

    path = tmp_path / "square_plugin.py"
    path.write_text(PLUGIN)
    load_plugin(path)
    known = find_claim("test_plugin_square")
    sides = Sides(known, known.domain, ())
    point = np.array([0.95])
    return certify(sides, point, 1.0, decide(sides, point), found_by="test")


def test_a_certificate_is_replayed_in_another_process_at_twice_the_precision(certificate, tmp_path):
    path = save(certificate, tmp_path / "out" / "square.json")
    assert json.loads(path.read_text()) == certificate
    command = [sys.executable, "-c", REPLAY, str(path), certificate["file"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["True", "proved", "256"], done.stderr
    low, high = certificate["margin"]
    assert float(low) <= 0.95**2 - 0.9 * 0.95 <= float(high) + 1e-15


def _tampered(certificate, **changes):
    altered = dict(certificate) | changes
    return altered | {"digest": digest(altered)}


def test_a_tampered_certificate_is_rejected_in_a_sentence(certificate):
    point = certificate["point"]
    moved = [(float.fromhex(point[0]) - 0.25).hex()]
    cases = [
        (dict(certificate) | {"point": moved}, "digest does not match"),
        (dict(certificate) | {"digest": "0" * 32}, "digest does not match"),
        (_tampered(certificate, point=moved), "not confirmed.*the instance holds"),
        (_tampered(certificate, point=[(0.96).hex()]), "does not come out again"),
        (_tampered(certificate, point=[(1.5).hex()]), "not in the domain"),
        (_tampered(certificate, constant=(1.5).hex()), "not confirmed"),
        (_tampered(certificate, margin=["0.1", "0.2"]), "enclosure of the margin"),
        (_tampered(certificate, ratio=["1.5", "1.6"]), "enclosure of the ratio"),
        (_tampered(certificate, claim="test_lemma_3_1"), "another text of claim"),
        (_tampered(certificate, statement="0" * 32), "another text of claim"),
        (_tampered(certificate, format="simbench certificate 0"), "no certificate"),
        (_tampered(certificate, domain="elsewhere"), "'domain' cannot be read"),
        (_tampered(certificate, domain="tight_on"), "not one of claim"),
        (_tampered(certificate, shape=[3, 4]), "shape .3, 4. is not one"),
        (_tampered(certificate, point=["half"]), "'point' cannot be read"),
        (_tampered(certificate, precision=0), "'precision' cannot be read"),
        (_tampered(certificate, counterexample={"a": 0.5}), "does not name the parts"),
        (
            _tampered(certificate, counterexample=dict(certificate["counterexample"]) | {"a": 0.5}),
            "another 'a'",
        ),
        (_tampered(certificate, margin="large"), "must be a pair of decimals"),
        ({key: value for key, value in certificate.items() if key != "point"}, "lacks 'point'"),
    ]
    for record, complaint in cases:
        with pytest.raises(CertificateError, match=complaint):
            replay(record)


def test_what_a_certificate_confirms_is_told(certificate):
    """A proof against an altered constant is no proof against the claim, and is not called one."""
    assert "'test_plugin_square' as it stands is violated on its domain" in confirms(certificate)
    known = find_claim("test_plugin_square")
    sides, point = Sides(known, known.domain, ()), np.array([0.5])
    forged = certify(sides, point, 0.1, decide(sides, point, 0.1), found_by="test")
    assert replay(forged).status == "proved"
    assert "ALTERED, with 0.1 x its stated constant" in confirms(forged)
    assert forged["counterexample"] == pytest.approx({"a": 0.5, "measured": 0.25, "theory": 0.045})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(ENTRIES.keys() - {"file"})), value=JSON)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_entry_of_any_type_is_refused_in_a_sentence(certificate, key, value):
    """Whatever stands in place of an entry, the answer is one sentence (or the same entry again)."""
    assume(value != certificate[key])
    with pytest.raises(CertificateError) as refusal:
        replay(_tampered(certificate, **{key: value}) if key != "digest" else certificate | {key: value})
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": ' + "9" * 5000 + "}", "[]", "null", "\xff", " " * (2**20 + 1)],
    ids=["deep", "digits", "list", "null", "bytes", "large"],
)
def test_a_file_that_is_no_certificate_is_one_sentence(tmp_path, text):
    file = tmp_path / "hostile.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(CertificateError):
        replay(file)


def test_an_edited_claim_no_longer_matches_its_certificate(certificate, tmp_path):
    from simbench.registry import load_plugin

    path = tmp_path / "square_plugin.py"
    path.write_text(PLUGIN.replace("0.9 * x.a", "0.8 * x.a"))
    load_plugin(path)
    with pytest.raises(CertificateError, match="another text"):
        replay(certificate)


def test_a_violation_on_the_tight_family_is_certified_there():
    @family(a=(0.0, 0.5))
    def half(a):
        return Instance(world=None, a=a)

    @family(a=(0.75, 1.0))
    def top(a):
        return Instance(world=None, a=a)

    @claim("test_false_at_the_top", source="me")
    class FalseAtTheTop(Upper):
        """a <= 0.7, false on the tight family only."""

        domain = half
        tight_on = top

        def measured(self, x):
            return x.a

        def theory(self, x):
            return 0.7 + 0.0 * x.a

    verdict = judge(FalseAtTheTop)
    assert (verdict.verdict, verdict.found_by) == ("violated", "tight family")
    assert verdict.witness["domain"] == "tight_on"
    assert replay(verdict.witness).status == "proved"


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(CertificateError, match="does not exist"):
        replay(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(CertificateError, match="is not JSON"):
        replay(tmp_path / "broken.json")
