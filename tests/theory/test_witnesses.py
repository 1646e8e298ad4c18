"""Saved witnesses against misprinted formulas: each replays at twice its precision; the correction holds there."""

import json
from pathlib import Path

import numpy as np
import pytest

import simbench.theory
from simbench import registry
from simbench.precision import float64
from simbench.verify import Deterministic, find_claim
from simbench.verify.certificate import CertificateError, replay
from simbench.verify.proof import decide
from simbench.verify.sides import Sides

SAVED = {path.stem: path for path in (Path(simbench.theory.__path__[0]) / "witnesses").glob("*.json")}


def test_every_misprint_has_a_witness():
    misprinted = {
        name
        for name, one in registry.everything("claim").items()
        if issubclass(one, Deterministic)  # a misprint about runs is refuted by runs
        and one.expected == "violated"
        and one.__module__.startswith("simbench.")
    }
    assert misprinted
    assert set(SAVED) == misprinted


@pytest.mark.parametrize("name", sorted(SAVED))
def test_saved_witness_is_a_proof_today(name):
    proof = replay(SAVED[name])
    assert proof.status == "proved"
    assert float(proof.margin[0]) > 0


@pytest.mark.parametrize("name", sorted(SAVED))
def test_correction_holds_where_the_misprint_fails(name):
    record = json.loads(SAVED[name].read_text())
    misprint = find_claim(name)
    true = find_claim(misprint.corrected_by)
    point = np.array([float.fromhex(x) for x in record["point"]])
    with float64():
        proof = decide(Sides(true, misprint.domain, tuple(record["shape"])), point)
    assert proof.status in ("holds", "touches")


def test_an_altered_witness_is_refused():
    record = json.loads(next(iter(SAVED.values())).read_text())
    record["point"][0] = (0.123).hex()
    with pytest.raises(CertificateError, match="altered"):
        replay(record)
