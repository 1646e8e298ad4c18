"""The catalogue's claims about runs, judged together at the quick preset: every verdict and control as expected.

The family's false-alarm rate is ALPHA for fresh tapes; here the tapes are the studies' own, the same in every run of
the tests, so a verdict changes only with the code. `tests/long/test_false_alarms.py` repeats it on fresh ones.
"""

import pytest

from simbench import registry
from simbench.study.judge import judge_all
from simbench.verify import Statistical
from tests.theory.judged import assert_as_expected

ABOUT_RUNS = {
    name: one
    for name, one in registry.everything("claim").items()
    if issubclass(one, Statistical) and one.__module__.startswith("simbench.theory.")
}
# Studies that compile or play for long; `make test-exhaustive` judges the claims about them.
SLOW = {
    "empirical_tpo",
    "empirical_tpo_noise",
    "greedy_even",
    "greedy_linear",
    "self_transfer",
    "transfer_sources",
}
CLAIMS = [name for name, one in ABOUT_RUNS.items() if one.study not in SLOW]
OTHERS = [name for name in ABOUT_RUNS if name not in CLAIMS]


def judged(claims, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    return {verdict.name: verdict for verdict in judge_all(claims, preset="quick", workers=2, out=out)}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    return judged(CLAIMS, tmp_path_factory)


@pytest.fixture(scope="module")
def other_verdicts(tmp_path_factory):
    return judged(OTHERS, tmp_path_factory)


@pytest.mark.parametrize("name", CLAIMS)
def test_verdict(verdicts, name):
    print(verdicts[name])
    assert_as_expected(verdicts[name])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", OTHERS)
def test_verdict_on_slow_studies(other_verdicts, name):
    print(other_verdicts[name])
    assert_as_expected(other_verdicts[name])
