"""Things by name: parameters are typed, complaints name the place and the key, plug-ins enter by file."""

import dataclasses
import importlib
import os
import pkgutil
import sys

import numpy as np
import pytest

from simbench import registry
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.registry import (
    Count,
    Finite,
    Index,
    NonNegative,
    Positive,
    Probability,
    configure,
    everything,
    load_plugin,
    lookup,
    parameters,
    register,
)


@pytest.fixture
def things(monkeypatch):
    """An empty registry that loads nothing, so that a test's own things stay the test's."""
    fresh = {kind: {} for kind in registry.PACKAGES}
    monkeypatch.setattr(registry, "_things", fresh)
    monkeypatch.setattr(registry, "_loaded", set(registry.PACKAGES))
    monkeypatch.setattr(registry, "_plugins", {})
    return fresh


@pytest.fixture
def learner(things):
    @register("learner", "ridge")
    @parameters
    class Ridge:
        """Of everything one."""

        ridge: Positive
        low: NonNegative = 0.0
        shift: Finite = 0.0
        share: Probability = 0.5
        rounds: Count = 1
        first: Index = 0

        def __post_init__(self):
            if self.low > self.ridge:
                raise SimbenchError(f"low is {self.low}; it must not exceed ridge, {self.ridge}.")

    return Ridge


def test_what_is_registered_is_found(learner):
    assert lookup("learner", "ridge") is learner
    assert everything("learner") == {"ridge": learner}
    assert everything("family") == {}


def test_parameters_are_frozen_hashable_values(learner):
    one, twin = learner(ridge=1.0), learner(ridge=1)
    assert one == twin
    assert hash(one) == hash(twin)
    assert one != learner(ridge=2.0)
    assert len({one, twin}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.ridge = 2.0
    with pytest.raises(Exception, match="positional"):
        learner(1.0)


def test_configure_builds_it_with_defaults_filled_in(learner):
    assert configure("learner", "ridge", {"ridge": 2, "rounds": 5}, "f") == learner(ridge=2.0, rounds=5)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float64(3.0), np.float32(3.0)])
def test_numbers_are_numbers_whoever_made_them(learner, value):
    built = configure("learner", "ridge", {"ridge": value, "rounds": value}, "f")
    assert (built.ridge, built.rounds) == (3.0, 3)
    assert type(built.ridge) is float
    assert type(built.rounds) is int


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "ridge: field required|ridge: missing required"),
        ({"ridge": 0.0}, "ridge is 0.0: input should be greater than 0"),
        ({"ridge": -1}, "ridge is -1: input should be greater than 0"),
        ({"ridge": float("inf")}, "ridge is inf: input should be a finite number"),
        ({"ridge": "1.0"}, "ridge is '1.0': must be a number, not a string"),
        ({"ridge": True}, "ridge is True: must be a number, not a boolean"),
        ({"ridge": None}, "ridge is None: input should be a valid number"),
        ({"ridge": [1.0]}, r"ridge is \[1.0\]: input should be a valid number"),
        ({"ridge": {"x": 1}}, r"ridge is \{'x': 1\}: input should be a valid number"),
        ({"ridge": 1.0, "low": -0.1}, "low is -0.1: input should be greater than or equal to 0"),
        ({"ridge": 1.0, "shift": float("-inf")}, "shift is -inf: input should be a finite number"),
        ({"ridge": 1.0, "shift": float("nan")}, "shift is nan: input should be a finite number"),
        ({"ridge": 1.0, "share": 1.01}, "share is 1.01: input should be less than or equal to 1"),
        ({"ridge": 1.0, "share": float("nan")}, "share is nan: "),
        ({"ridge": 1.0, "rounds": 0}, "rounds is 0: input should be greater than or equal to 1"),
        ({"ridge": 1.0, "rounds": 1.5}, "rounds is 1.5: input should be a valid integer"),
        ({"ridge": 1.0, "rounds": False}, "rounds is False: must be a number, not a boolean"),
        ({"ridge": 1.0, "first": -1}, "first is -1: input should be greater than or equal to 0"),
        ({"ridge": 1.0, "low": 2.0}, "low is 2.0; it must not exceed ridge, 1.0"),
    ],
)
def test_bad_values_name_place_thing_key_and_value(learner, values, sentence):
    with pytest.raises(SimbenchError, match=sentence) as error:
        configure("learner", "ridge", values, "study.toml, [[learner]] 1")
    assert str(error.value).startswith("study.toml, [[learner]] 1: learner 'ridge'")
    assert "\n" not in str(error.value)
    assert "pydantic" not in str(error.value)


def test_unknown_parameters_offer_the_nearest(learner):
    with pytest.raises(
        UnknownNameError, match=r"f: learner 'ridge' has no parameter 'rigde'. Did you mean 'ridge'"
    ):
        configure("learner", "ridge", {"rigde": 1.0}, "f")


def test_unknown_names_and_kinds_offer_the_nearest(learner):
    with pytest.raises(UnknownNameError, match=r"no learner is called 'rigde'. Did you mean 'ridge'"):
        lookup("learner", "rigde")
    with pytest.raises(UnknownNameError, match=r"no family is called 'x'. None are known"):
        lookup("family", "x")
    with pytest.raises(SimbenchError, match=r"'leaner' is no kind of thing. Did you mean 'learner'"):
        register("leaner", "x")
    with pytest.raises(SimbenchError, match=r"'leaner' is no kind of thing. Did you mean 'learner'"):
        everything("leaner")


def test_a_name_is_taken_once(learner):
    register("learner", "ridge")(learner)  # the same thing again, as a re-import would
    with pytest.raises(
        SimbenchError, match=r"learner 'ridge' of .* is already taken by .*; choose another name"
    ):

        @register("learner", "ridge")
        class Other:
            pass


def test_nearest_lists_everything_when_nothing_is_close():
    assert nearest("alpha", ["beta", "rho"]) in ("Known: beta, rho.", "Did you mean 'beta'?")
    assert nearest("qqq", ["rho", "beta"]) == "Known: beta, rho."
    assert nearest("x", []) == "None are known."


@pytest.mark.parametrize("kind", sorted(registry.PACKAGES))
def test_a_look_up_imports_every_file_that_registers_and_no_others(kind):
    """What importing every module below the package registers is what a look-up finds by reading their texts."""
    found = everything(kind)
    package = importlib.import_module(registry.PACKAGES[kind])
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    assert everything(kind) == found
    assert {name: thing for name, thing in registry._things[kind].items() if name not in found} == {}


# ---- plug-ins

PLUGIN = '''
from simbench.registry import Positive, parameters, register

@register("learner", "mine")
@parameters
class Mine:
    """My learner."""
    scale: Positive = 2.0
'''


def plugin(tmp_path, text, name="my_plugin.py"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_plugin_makes_its_things_known(things, tmp_path):
    load_plugin(plugin(tmp_path, PLUGIN))
    assert configure("learner", "mine", {}, "f").scale == 2.0


def test_a_plugin_loaded_again_replaces_what_it_registered(things, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # as by default: bytecode would outlive the edit
    first = plugin(tmp_path, PLUGIN)
    load_plugin(first)
    load_plugin(str(first))
    plugin(tmp_path, PLUGIN.replace("2.0", "3.0"))
    load_plugin(first)
    assert configure("learner", "mine", {}, "f").scale == 3.0
    assert os.listdir(tmp_path) == [first.name]


def test_two_plugins_of_one_file_name_are_not_mixed_up(things, tmp_path):
    """Neither overrides the other in silence, whether or not they register the same names; a copy is the same file."""
    load_plugin(plugin(tmp_path, PLUGIN))
    folder = tmp_path / "sub"
    folder.mkdir()
    for text in (PLUGIN.replace("2.0", "3.0"), PLUGIN.replace('"mine"', '"yours"').replace("Mine", "Yours")):
        with pytest.raises(
            SimbenchError, match=r"sub/my_plugin\.py has the same file name as .*; rename one"
        ):
            load_plugin(plugin(folder, text))
    assert configure("learner", "mine", {}, "f").scale == 2.0
    load_plugin(plugin(folder, PLUGIN))
    assert configure("learner", "mine", {}, "f").scale == 2.0


def test_a_plugin_cannot_take_a_known_name(things, learner, tmp_path):
    with pytest.raises(SimbenchError, match=r"learner 'ridge' of .* is already taken"):
        load_plugin(plugin(tmp_path, PLUGIN.replace('"mine"', '"ridge"')))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = (", r"my_plugin\.py, line 1, failed to load: SyntaxError"),
        (
            "\n\nimport no_such_module_anywhere",
            r"my_plugin\.py, line 3, failed to load: ModuleNotFoundError: No module",
        ),
        ("def f():\n    1 / 0\n\nf()", r"my_plugin\.py, line 2, failed to load: ZeroDivisionError"),
        ("import json\njson.loads('')", r"my_plugin\.py, line 2, failed to load: JSONDecodeError"),
    ],
)
def test_a_broken_plugin_names_file_and_line(things, tmp_path, text, sentence):
    file = plugin(tmp_path, text)
    with pytest.raises(SimbenchError, match=sentence):
        load_plugin(file)
    assert "simbench_plugin_my_plugin" not in sys.modules


def test_a_plugin_that_is_not_there_or_not_python(things, tmp_path):
    with pytest.raises(SimbenchError, match=r"plugin .*gone\.py does not exist; --plugin takes the path"):
        load_plugin(tmp_path / "gone.py")
    with pytest.raises(SimbenchError, match=r"notes\.txt is not a Python file"):
        load_plugin(plugin(tmp_path, "hello", "notes.txt"))
    with pytest.raises(SimbenchError, match="does not exist"):
        load_plugin(tmp_path)


def test_every_shipped_thing_says_what_it_is():
    for kind in ("family", "learner"):
        for name, thing in everything(kind).items():
            if not thing.__module__.startswith("simbench."):
                continue  # another test's plug-in
            assert dataclasses.is_dataclass(thing), name
            assert thing.__doc__, name
