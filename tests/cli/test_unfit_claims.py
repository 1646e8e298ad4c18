"""One bad claim of a file is named, and the others are judged."""

import json

import pytest

import simbench as sb
from simbench import registry
from simbench.errors import SimbenchError
from tests.cli.conftest import simbench  # noqa: F401 - a fixture

FILE = '''
import jax.numpy as jnp
from simbench.verify import Control, Instance, Upper, claim, family


@family(a=(0.0, 1.0))
def interval(a):
    return Instance(world=None, a=a)


@claim("unfit_good", source="me")
class Good(Upper):
    """a <= 1."""

    domain = interval
    controls = (Control("half", constant=0.5),)

    def measured(self, x):
        return x.a

    def theory(self, x):
        return jnp.asarray(1.0)


@claim("unfit_without_statement", source="me")
class WithoutStatement(Good):
    domain = interval


@claim("unfit_without_source", source="")
class WithoutSource(Good):
    """a <= 1."""


@claim("unfit_side_fails", source="me")
class SideFails(Good):
    """a <= 1."""

    def measured(self, x):
        return x.no_such_part


@claim("unfit_float32", source="me")
class Float32(Good):
    """a <= 1."""

    def measured(self, x):
        return x.a.astype(jnp.float32)
'''


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry._things, "claim", registry.everything("claim"))
    monkeypatch.setattr(registry, "_plugins", {})
    (tmp_path / "unfit.py").write_text(FILE)
    return tmp_path / "unfit.py"


def test_the_bad_ones_are_named_and_the_others_judged(file, simbench):  # noqa: F811
    result = simbench("claims", "--plugin", file, "--json")
    assert result.exit_code == 2
    for word in ("unfit_without_statement", "no docstring", "unfit_without_source", "names no source"):
        assert word in result.stderr
    judged = {row["name"]: row for row in json.loads(result.stdout)}
    assert set(judged) == {"unfit_good", "unfit_side_fails", "unfit_float32"}
    assert judged["unfit_good"]["verdict"] == "consistent"
    assert judged["unfit_side_fails"]["verdict"] == judged["unfit_float32"]["verdict"] == "inconclusive"


def test_a_good_one_of_the_file_is_judged_by_its_name(file, simbench):  # noqa: F811
    result = simbench("claims", f"{file}::Good")
    assert "verdict    consistent" in result.stdout


def test_a_bad_one_asked_for_says_what_is_wrong_with_it(file, simbench):  # noqa: F811
    result = simbench("hunt", f"{file}::WithoutStatement")
    assert result.exit_code == 2
    assert "has no docstring" in result.stderr


def test_in_python_the_file_is_loaded_with_a_warning_each(file):
    with pytest.warns(registry.UnfitClaimWarning, match="unfit_without"):
        sb.load_plugin(file)
    assert sb.judge("unfit_good").verdict == "consistent"
    assert [failure.cls for failure in registry.failures(file)] == ["WithoutStatement", "WithoutSource"]
    with pytest.raises(SimbenchError, match="no_such_part"):
        sb.judge("unfit_side_fails")
