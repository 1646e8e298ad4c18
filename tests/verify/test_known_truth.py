"""Lemmas of known truth are judged rightly: none that is false is called consistent, none that is true violated."""

import pytest

from simbench.verify import hunt, judge
from tests.verify.known_truth import FALSE, TRUE

# Ones that compile in no time, or were once called wrongly; the others are played by `make test-thorough`.
QUICK = {
    "wins_within_the_kl_ball", "gap_is_half_a_variance", "gap_is_kl_but_for_1e-12", "wins_pay_with_the_chord",
    "at_the_edge_of_a_sliver", "thin_corner", "tiny_sides", "wins_pay_a_quarter", "circle",
    "cancelling_identity", "negative_sides_in_order",
}  # fmt: skip


def lemmas(table):
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough) for name in table]


@pytest.mark.parametrize("name", lemmas(FALSE))
def test_false_lemmas_are_refuted_with_proof(name):
    verdict = judge(f"known_{name}")
    assert verdict.verdict == "violated", verdict
    assert verdict.witness["sentence"]


@pytest.mark.parametrize("name", lemmas(TRUE))
def test_true_lemmas_are_consistent(name):
    verdict = judge(f"known_{name}")
    assert verdict.verdict == "consistent", verdict
    assert all(control.refuted for control in verdict.controls)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["wins_within_the_kl_ball", "wins_pay_with_the_chord"])
def test_the_hunter_finds_them_too(name):
    assert hunt(f"known_{name}", seconds=20).certificate is not None


@pytest.mark.thorough
def test_a_hunt_of_equal_sides_does_not_speak_of_violations():
    quarry = hunt("known_gap_is_at_most_kl", seconds=0.1)
    assert quarry.certificate is None
    assert quarry.undecided == 0
    assert "no violation" in str(quarry)


def test_there_are_twenty_of_each():
    assert len(FALSE) >= 20
    assert len(TRUE) >= 20
