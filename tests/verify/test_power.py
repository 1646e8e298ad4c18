"""The record of a claim's power; `tests/long` measures it."""

import json
import math

import pytest

from simbench.verify.power import Power

RECORD = {
    "name": "half",
    "source": "me",
    "kind": "upper",
    "constant": 0.9,
    "refuted": True,
    "found_by": "tight family",
    "ratio": 1.11,
    "seconds": 0.5,
    "evaluations": 512,
    "random_refuted": True,
    "random_first": 2,
    "random_evaluations": 10_240,
}


@pytest.mark.parametrize(("best", "said"), [(1.05, 1.05), (math.inf, None), (math.nan, None)])
def test_a_record_is_json(best, said):
    """An altered bound may be negative where the measured side is not: the ratio is infinite, which JSON cannot say."""
    record = Power(random_best=best, **RECORD).to_json()
    assert json.loads(json.dumps(record, allow_nan=False)) == RECORD | {"random_best": said}
