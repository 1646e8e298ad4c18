"""From p-values to verdicts, and claims about runs that are refused where they are written. No test here is random."""

import json

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from simbench.errors import SimbenchError, UnknownNameError
from simbench.verify import Claim, Control, claim, find_claim
from simbench.verify.hunting import hunt
from simbench.verify.judging import judge
from simbench.verify.statistical import (
    ALPHA,
    Altered,
    Case,
    Order,
    Probable,
    Rate,
    Statistical,
    Trial,
    examine,
    verdicts,
)
from simbench.verify.statistical.holm import holm
from tests.verify.run_tables import table


def define(kind, statement="A statement.", *, name="test_statistical_incomplete", **body):
    return claim(name, source="me")(type("Incomplete", (kind,), {"__doc__": statement, **body}))


@claim("test_order_of_verdicts", source="me")
class Known(Order):
    """y(mine) <= y(yours)."""

    study = "none"
    smaller, larger = "mine", "yours"
    controls = (Altered("reversed", smaller="yours", larger="mine"),)


@pytest.mark.parametrize("p", [[0.01], [0.02, 0.001, 0.03, 0.9], [0.5, 0.5, 0.4], [1e-5] * 6])
def test_holm(p):
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])


def case(against, support=1e-4, control=1e-4, **changes):
    trial = Trial(against=against, support=support, finding="found", counts={"pairs": 30})
    known = find_claim(Known)
    for key, value in changes.items():
        setattr(known, key, value)
    controls = () if control is None else ((known.controls[0], Trial(
        against=control, support=1.0, finding="caught", counts={"pairs": 30})),)  # fmt: skip
    return Case(claim=known, trial=trial, controls=controls, correction=None, seconds=0.5)


@pytest.mark.parametrize(
    ("one", "outcome", "problem"),
    [
        (case(0.8), "consistent", None),
        (case(0.8, support=None), "consistent", None),
        (case(0.8, support=0.02), "inconclusive", "neither the claim nor its contrary"),
        (case(0.002, support=0.99), "violated", None),
        (case(0.8, control=0.02), "inconclusive", "not refuted: 'reversed'"),
        (case(0.8, control=None), "inconclusive", "has no control"),
        (case(0.002, support=0.99, control=None), "violated", None),
    ],
)
def test_three_outcomes(one, outcome, problem):
    (verdict,) = verdicts([one])
    assert verdict.verdict == outcome
    assert (verdict.problem is None) if problem is None else (problem in verdict.problem)
    assert verdict.alpha == ALPHA
    assert verdict.instances == {"pairs": 30}
    assert json.loads(json.dumps(verdict.to_json()))["detail"]["p_against"] == one.trial.against
    assert "found (p = " in str(verdict)


def test_a_family_is_judged_together():
    alone, among = (
        verdicts([case(0.004, support=1.0)]),
        verdicts([case(0.004, support=1.0), *[case(0.8)] * 4]),
    )
    assert alone[0].verdict == "violated"
    assert among[0].verdict == "inconclusive"
    assert among[0].detail["p_against_holm"] == pytest.approx(0.02)
    assert [one.verdict for one in among[1:]] == ["consistent"] * 4
    late = verdicts([case(0.8, support=0.004), *[case(0.8, support=0.009)] * 4])
    assert {one.verdict for one in late} == {"inconclusive"}, "support is for the family, too"


def test_what_could_not_be_tested_is_not_in_the_family():
    void = Case(claim=find_claim(Known), trial=Trial.void("3 pairs", {"pairs": 3}), controls=(), correction=None,
                seconds=0.0)  # fmt: skip
    first, second = verdicts([case(0.004, support=1.0), void])
    assert (first.verdict, second.verdict) == ("violated", "inconclusive")
    assert (first.detail["family"], second.problem) == (1, "3 pairs")


@pytest.mark.parametrize(("correct", "expected"), [(1e-4, True), (0.5, False)])
def test_a_misprint_is_controlled_by_its_correction(correct, expected):
    misprint = case(0.001, support=1.0, expected="violated", corrected_by="the_truth")
    true = Trial(against=0.9, support=correct, finding="true", counts={"pairs": 30})
    (verdict,) = verdicts(
        [Case(claim=misprint.claim, trial=misprint.trial, controls=(), correction=true, seconds=0.0)]
    )
    assert verdict.verdict == "violated"
    assert verdict.controls[0].name == "the_truth holds on its runs"
    assert verdict.as_expected is expected


@pytest.mark.parametrize(
    ("kind", "body", "complaint"),
    [
        (Order, {"smaller": "a", "larger": "b"}, "one source of runs"),
        (Order, {"study": "s", "smaller": "a", "larger": "b", "simulate": lambda self, preset, seed: None},
         "one source of runs"),
        (Order, {"study": "s"}, "name two learners"),
        (Order, {"study": "s", "smaller": "a", "larger": "a"}, "name two learners"),
        (Order, {"study": "s", "smaller": "a", "larger": "b", "over": "first"}, "one of last, max"),
        (Order, {"study": "s", "smaller": "a", "larger": "b", "population": "runs"}, "one of family, worlds"),
        (Order, {"study": "s", "smaller": "a", "larger": "b", "controls": (Control("half", constant=0.5),)},
         r"write Altered\(name"),
        (Rate, {"study": "s"}, "give one, or both in order"),
        (Rate, {"study": "s", "at_least": 1.0, "at_most": 0.0}, "give one, or both in order"),
        (Rate, {"study": "s", "at_most": 0.0, "decades": 0}, "decades"),
        (Rate, {"study": "s", "at_most": 0.0, "window": (5, 1)}, "window"),
        (Probable, {"study": "s", "measured": abs, "theory": abs}, "delta = 0.0"),
        (Probable, {"study": "s", "delta": 0.1, "theory": abs}, "defines neither measured"),
        (Probable, {"study": "s", "delta": 0.1, "checkpoints": "first", "violates": abs}, "'every' or 'last'"),
        (Probable, {"statement": None, "study": "s", "delta": 0.1, "violates": abs}, "docstring is the statement"),
    ],
)  # fmt: skip
def test_incomplete_claims_are_refused(kind, body, complaint):
    with pytest.raises(SimbenchError, match=complaint):
        define(kind, **body)


def test_a_control_alters_what_there_is_to_alter():
    with pytest.raises(SimbenchError, match="changes nothing"):
        Altered("idle")
    with pytest.raises(UnknownNameError, match=r"no attribute 'marginn'.*margin"):
        find_claim(Known).altered(Altered("misspelt", marginn=1.0))
    variant = find_claim(Known).altered(Altered("x", measured=lambda rows: rows["round"], factor=2.0))
    assert (variant.factor, find_claim(Known).factor) == (2.0, 1.0)
    rows = [table(np.ones((120, 1)), instances=20, learner=label) for label in ("mine", "yours")]
    assert examine(variant, pd.concat(rows), "test").detail["effect"] == 1.0


def test_a_table_must_say_which_runs():
    rows = table(np.ones((30, 1)))
    with pytest.raises(SimbenchError, match="no column 'run'"):
        examine(find_claim(Known), rows.drop(columns="run"), "test")

    class Vague(Rate):
        name, study, at_most = "vague", "none", 0.0

    both = pd.concat([rows, rows.assign(learner="yours")])
    with pytest.raises(SimbenchError, match=r"does not say which learner.*mine, yours"):
        examine(Vague(), both, "test")
    assert examine(Vague(), rows.drop(columns=["learner", "setting"]), "test").problem is not None


def test_runs_are_neither_hunted_nor_judged_as_instances():
    with pytest.raises(SimbenchError, match="kind 'order'; only claims about instances are hunted"):
        hunt("test_order_of_verdicts")
    with pytest.raises(SimbenchError, match="judged on runs"):
        judge("test_order_of_verdicts")
    with pytest.raises(SimbenchError, match="derive from Probable, Rate, Level or Order"):
        Statistical().test({}, "test")
    assert isinstance(find_claim("test_order_of_verdicts"), Claim)


def test_what_a_claim_asks_for_is_told():
    told = dict(find_claim(Known).described())
    assert told == {
        "study": "none",
        "population": "the family of worlds",
        "claims": "regret of 'mine' <= that of 'yours' (last)",
    }
