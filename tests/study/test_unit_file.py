"""A unit's file: deterministic bytes, tidy columns, and no damage that goes unnoticed."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simbench.study.execution.compute import simulate
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.study.unit_file import KEYS, check, decode, encode, provenance
from tests.study.conftest import QUICK_LEARNER


@pytest.fixture
def unit(write_study):
    learner = '[[learner]]\nname = "online_dpo"'
    write_study((learner, f'[grid]\n"environment.beta" = [0.5]\n{learner}'), QUICK_LEARNER)
    return make_plan(load_study("tiny")).units[0]


def columns(unit):
    rng = np.random.default_rng(7)
    rows = 4
    counted = np.tile([1, 40], 2)
    table = {"run": np.repeat([0, 1], 2), "iteration": counted, "round": counted, "labels": counted}
    return table | {name: rng.normal(size=rows) for name in ("regret", "value_gap", "own_diagnostic")}


def test_the_same_numbers_make_the_same_bytes(unit):
    assert encode(unit, columns(unit)) == encode(unit, columns(unit))


def test_what_goes_in_comes_out_under_an_independent_reader(unit):
    given = columns(unit)
    frame = pd.read_parquet(io.BytesIO(encode(unit, given)))
    assert tuple(frame.columns[: len(KEYS)]) == KEYS
    for name, values in given.items():
        np.testing.assert_array_equal(frame[name], values)
    constants = {"study": "tiny", "environment": "inline", "setting": "environment.beta=0.5", "instance": 0,
                 "learner": "reference", "environment.beta": 0.5}  # fmt: skip
    for name, value in constants.items():
        assert set(frame[name]) == {value}


def test_provenance_holds_the_spec_and_nothing_that_changes(unit):
    facts = provenance(decode(unit, encode(unit, columns(unit))).schema)
    assert facts["spec"] == unit.spec
    assert set(facts) == {"unit", "spec", "cpu", "simbench", "pyarrow"}


def test_the_file_of_another_unit_is_refused(unit, write_study):
    other = make_plan(load_study("tiny")).units[1]
    with pytest.raises(ValueError, match=unit.id):
        decode(other, encode(unit, columns(unit)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, 10_000))
def test_a_truncated_file_is_noticed(unit, length):
    content = encode(unit, columns(unit))
    with pytest.raises(ValueError, match="whole"):
        decode(unit, content[: length % len(content)])


def test_no_flipped_bit_passes_unnoticed(unit):
    content = encode(unit, columns(unit))
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(ValueError, match=r"whole|holds unit|not those that were written"):
            check(unit, bytes(damaged))


def test_a_computed_unit_reads_back_as_the_engine_made_it(unit):
    made = simulate(unit)
    table = decode(unit, encode(unit, made)).to_pandas()
    for name, values in made.items():
        np.testing.assert_array_equal(table[name], values)
