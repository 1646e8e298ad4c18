"""`claims`, `explain`, `hunt` as a prover meets them: a lemma of one's own, in an empty folder."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from simbench.cli.app import app

README = Path(__file__).resolve().parents[2] / "README.md"


def lemma_here():
    (text,) = (b for b in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if "my_lemma" in b)
    Path("my_lemma.py").write_text(text)
    return text


@pytest.fixture
def lemma(tmp_path, monkeypatch):
    """The README's lemma, whose constant is twice too small, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lemma_here()


@pytest.fixture(scope="module")
def quarry(tmp_path_factory):
    """What one hunt for the lemma brought home; the path of its certificate is absolute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("hunt"))
        lemma_here()
        hunted = run("hunt", "my_lemma.py::MyLemma", "--budget", 1, "--json")
        assert hunted.exit_code == 1, hunted.output
        (row,) = json.loads(hunted.stdout)
        return row | {"certificate": str(Path(row["certificate"]).absolute())}


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_too_small_a_constant_is_found_out_mended_and_shown_tight(lemma, quarry):
    assert len(lemma.splitlines()) <= 30
    assert quarry["best"] == pytest.approx(2.0, rel=0.02)
    confirmed = run("hunt", "--replay", quarry["certificate"], "--plugin", "my_lemma.py")
    assert confirmed.exit_code == 0
    assert "confirmed at 256 bits" in confirmed.stdout
    assert "claim 'my_lemma' as it stands is violated" in confirmed.stdout

    Path("mended.py").write_text(
        lemma.replace("/ 2 *", "*")
        .replace("constant=0.1", "constant=0.5")
        .replace("my_lemma", "my_mended_lemma")
    )
    judged = run("claims", "mended.py::MyLemma", "--json")
    assert judged.exit_code == 0, judged.output
    (row,) = json.loads(judged.stdout)
    assert row["verdict"] == "consistent"
    assert row["tightness"] == pytest.approx(1.0, rel=1e-3)
    assert [control["refuted"] for control in row["controls"]] == [True]
    assert set(row) == {
        "name", "source", "kind", "verdict", "expected", "tightness", "controls", "alpha", "seconds",
    }  # fmt: skip


def test_a_tampered_certificate_is_rejected(lemma, quarry):
    record = json.loads(Path(quarry["certificate"]).read_text())
    record["constant"] = (0.25).hex()
    file = Path("altered.json")
    file.write_text(json.dumps(record))
    refused = run("hunt", "--replay", file, "--plugin", "my_lemma.py")
    assert refused.exit_code == 2
    assert "altered" in refused.stderr


def test_a_certificate_that_cannot_be_saved_leaves_the_proof_told(lemma):
    """The counter-example is printed, then the failure to save it, in one sentence."""
    Path("occupied").write_text("a file")
    hunted = run("hunt", "my_lemma.py::MyLemma", "--budget", 1, "--out", "occupied")
    assert hunted.exit_code == 2, hunted.output
    for shown in (
        "proved at",
        "counter-example:",
        "ref ",
        "reward ",
        "beta ",
        "policy ",
        "measured ",
        "theory ",
    ):
        assert shown in hunted.stdout
    assert hunted.stderr.count("\n") == 1
    assert "the certificate cannot be saved to occupied" in hunted.stderr


def test_a_violated_claim_exits_with_one(lemma):
    judged = run("claims", "my_lemma.py::MyLemma")
    assert judged.exit_code == 1
    assert "violated (expected consistent)" in judged.stdout
    assert "2 x the stated one still holds" in judged.stdout


def test_explain_gives_constants_as_numbers(lemma):
    told = run("explain", "my_lemma.py::my_lemma", "--world", "two_arms")
    assert told.exit_code == 0, told.output
    assert "Cov(pi*|pi) - 1 <=" in told.stdout
    assert re.search(r"R/beta\s+2\b", told.stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hunt",), "either the name of a claim or --replay"),
        (("hunt", "my_lemma.py::Other"), "defines no claim 'Other'"),
        (("hunt", "absent.py::X"), "absent.py does not exist"),
        (("hunt", "kappa_increase"), "kappa_increases"),
        (("hunt", "my_lemma.py::MyLemma", "--budget", "-1"), "must be positive"),
        (("hunt", "--replay", "absent.json"), "does not exist"),
        (("claims", "my_lemma.py::MyLemma", "--preset", "quik"), "quick"),
        (("explain", "my_lemma.py::MyLemma", "--world", "two_arm"), "two_arms"),
        (("new", "claim", "my lemma"), "letters, digits and _"),
    ],
)
def test_bad_input_is_one_paragraph_and_exit_two(lemma, words, said):
    done = run(*words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_claim_template_runs_unchanged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("new", "claim", "fresh_lemma").exit_code == 0
    judged = run("claims", "fresh_lemma.py::fresh_lemma")
    assert judged.exit_code == 0, judged.output
    assert run("new", "claim", "fresh_lemma").exit_code == 2
