"""Study files with anything in any place are a study or a `SimbenchError`, never a traceback."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simbench.errors import SimbenchError
from simbench.named_files import find
from simbench.study.study import Study, load_study

VALUES = [
    "-1", "0", "1e309", "nan", "inf", "[]", "{}", '""', '"../../x"', "true", "1979-05-27", "[[[[1]]]]", "1_000_000_000",
    "9223372036854775808", "1" + "0" * 4400, "0x" + "f" * 5000, '"' + "a" * 5000 + '"', '"\\u0000"',
    "[" * 1500 + "]" * 1500, "{a=" * 1500 + "1" + "}" * 1500,
]  # fmt: skip
NAMES = ("greedy_regret", "transfer_sources")


def is_a_study_or_refused(content):
    with open("experiments/hostile.toml", "wb") as file:
        file.write(content)
    with contextlib.suppress(SimbenchError):
        assert isinstance(load_study("hostile"), Study)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", [NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.thorough)])
def test_any_value_of_any_key(folder, name):
    lines = find("experiments", name).read_text().split("\n")
    for i, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            for value in VALUES:
                changed = f"{line.split('=')[0]}= {value}"
                is_a_study_or_refused("\n".join([*lines[:i], changed, *lines[i + 1 :]]).encode())


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 60),
        st.one_of(st.binary(max_size=12), st.sampled_from(VALUES).map(str.encode)),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.sampled_from(NAMES), edits=EDITS)
def test_any_edits(folder, name, edits):
    content = find("experiments", name).read_bytes()
    for place, cut, put in edits:
        at = int(place * len(content))
        content = content[:at] + put + content[at + cut :]
    is_a_study_or_refused(content)
