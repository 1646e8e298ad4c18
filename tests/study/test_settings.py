"""The grid: a product in the order of its keys, each point named by its values."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simbench.study.settings import BASE, expand

FILE = Path("study.toml")


def test_without_a_grid_there_is_one_setting():
    (setting,) = expand(FILE, {}, labels=["a"], rounds=7)
    assert (setting.name, setting.values, setting.rounds, setting.environment, setting.learners) == (
        BASE,
        {},
        7,
        {},
        {},
    )


def test_each_key_goes_where_it_says():
    grid = {
        "environment.beta": [0.5],
        "environment.sources.gap": [0.1],
        "learner.a.ridge": [2],
        "learner.a.second": ["self"],
        "run.rounds": [9],
    }
    (setting,) = expand(FILE, grid, labels=["a", "b"], rounds=7)
    assert setting.environment == {"beta": 0.5, "sources.gap": 0.1}
    assert setting.learners == {"a": {"ridge": 2, "second": "self"}}
    assert setting.rounds == 9
    assert setting.name == (
        "environment.beta=0.5, environment.sources.gap=0.1, learner.a.ridge=2, learner.a.second=self, run.rounds=9"
    )


values = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False), st.booleans(), st.text("abc", max_size=2))


@given(
    st.lists(
        st.lists(values, min_size=1, max_size=3, unique_by=lambda v: (v == v, v)), min_size=1, max_size=3
    )
)
def test_settings_are_the_product_and_their_names_differ(lists):
    grid = {f"environment.p{i}": choices for i, choices in enumerate(lists)}
    settings = expand(FILE, grid, labels=[], rounds=1)
    assert [tuple(setting.values.values()) for setting in settings] == list(itertools.product(*lists))
    assert len({(setting.name, str(setting.values)) for setting in settings}) == len(settings)


@pytest.mark.parametrize("close", [(0.1, 0.1 + 1e-17), (0.1, 0.1 + 1e-16), (1e22, 1e22 + 4e6)])
def test_two_values_have_two_names_exactly_when_they_differ(close):
    names = {expand(FILE, {"environment.beta": [value]}, labels=[], rounds=1)[0].name for value in close}
    assert len(names) == len(set(close))
