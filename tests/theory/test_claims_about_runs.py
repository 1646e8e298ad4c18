"""The catalogue's claims about runs, judged together at the quick preset: every verdict and control as expected.

The family's false-alarm rate is ALPHA for fresh tapes; here the tapes are the studies' own, the same in every run of
the tests, so a verdict changes only with the code. `tests/long/test_false_alarms.py` repeats it on fresh ones.
"""

import pytest

from simbench import registry
from simbench.study.judge import judge_all
from simbench.verify import Statistical
from tests.theory.judged import assert_as_expected

CLAIMS = [
    name
    for name, one in registry.everything("claim").items()
    if issubclass(one, Statistical) and one.__module__.startswith("simbench.theory.")
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    return {verdict.name: verdict for verdict in judge_all(CLAIMS, preset="quick", workers=2, out=out)}


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(verdicts, name):
    print(verdicts[name])
    assert_as_expected(verdicts[name])
