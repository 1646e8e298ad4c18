"""Named environments: every shipped one draws, overrides work, a bad file is refused where it is bad."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from simbench.errors import SimbenchError, UnknownNameError
from simbench.named_files import names
from simbench.registry import everything
from simbench.tape import instance_key
from simbench.worlds import Environment, environment_from_table, load_environment, make

SHIPPED = [
    "close_arms",
    "correlated_sources",
    "evenly_spaced",
    "geometric_tail",
    "ladder",
    "missing_direction",
    "missing_support",
    "needle",
    "noisy_labels",
    "prompt_shift",
    "random_finite",
    "random_linear",
    "random_tabular",
    "rare_arm",
    "rare_optimum_equal_gaps",
    "rare_optimum_with_sources",
    "small_random",
    "two_arms",
]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_environment_explains_itself_and_draws(name):
    environment = load_environment(name)
    assert environment.name == name
    assert environment.summary.endswith(".")
    assert environment.source
    world = make(name)
    assert world.rho.shape == (world.prompts,)
    assert json.loads(json.dumps(environment.parameters)) == environment.parameters


def test_everything_shipped_is_listed_and_every_drawn_family_has_an_environment():
    assert set(SHIPPED) <= set(names("environments"))
    used = {load_environment(name).family for name in names("environments")}
    families = everything("family").items()
    ours = {name for name, family in families if family.__module__.startswith("simbench.")}
    assert ours - {"file"} <= used


@pytest.mark.parametrize("name", ["random_tabular", "geometric_tail", "missing_support"])
def test_a_world_is_a_function_of_seed_and_instance(name):
    again, same = make(name, instance=4, seed=2), make(name, instance=4, seed=2)
    np.testing.assert_array_equal(again.log_ref, same.log_ref)
    np.testing.assert_array_equal(again.reward, same.reward)
    for other in (make(name, instance=5, seed=2), make(name, instance=4, seed=3)):
        assert not np.array_equal(again.reward, other.reward)


def test_make_is_the_family_drawn_with_the_instance_key():
    family = load_environment("small_random").build({"beta": 0.7})
    direct = family.draw(instance_key(seed=5, instance=3))
    made = make("small_random", instance=3, seed=5, beta=0.7)
    np.testing.assert_array_equal(direct.reward, made.reward)
    assert float(made.beta) == 0.7


def test_an_override_changes_what_it_names_and_nothing_else():
    environment = load_environment("small_random")
    assert environment.build().beta == 0.25
    changed = environment.build({"beta": 0.5})
    assert changed.beta == 0.5
    assert environment.build().beta == 0.25
    assert {**environment.identity({"beta": 0.5})["parameters"], "beta": 0.25} == environment.identity()[
        "parameters"
    ]


def test_the_identity_fills_in_defaults_and_is_json():
    environment = environment_from_table({"family": "two_arms"}, "study.toml")
    identity = environment.identity()
    assert identity == {
        "family": "two_arms",
        "parameters": {"rare_mass": 1e-9, "beta": 0.5, "reward_bound": 1.0},
    }
    assert json.loads(json.dumps(identity)) == identity


def test_a_table_a_path_and_a_name_make_the_same_world(tmp_path):
    parameters = load_environment("small_random").parameters
    table = {"family": "random_tabular", "parameters": parameters}
    lines = [f"{key} = {value}" for key, value in parameters.items()]
    file = tmp_path / "mine.toml"
    file.write_text('family = "random_tabular"\n[parameters]\n' + "\n".join(lines))
    expected = make("small_random", instance=2).reward
    for name in (table, str(file), file):
        np.testing.assert_array_equal(make(name, instance=2).reward, expected)
    assert load_environment(file).name == "mine"


def test_your_own_environment_shadows_a_shipped_one(tmp_path, monkeypatch):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "two_arms.toml").write_text('family = "random_tabular"\n')
    monkeypatch.chdir(tmp_path)
    assert load_environment("two_arms").family == "random_tabular"
    assert load_environment("small_random").family == "random_tabular"


FAULTS = {
    "misspelled key": ('familly = "two_arms"', "unknown key 'familly'. Did you mean 'family'"),
    "no family": ('summary = "x"', "the key 'family' is missing"),
    "unknown family": ('family = "two_armed"', "no family is called 'two_armed'. Did you mean 'two_arms'"),
    "family no string": ("family = 3", "family is 3; it must be a string"),
    "summary no string": ('family = "two_arms"\nsummary = 1', "summary is 1; it must be a string"),
    "source a list": ('family = "two_arms"\nsource = ["a"]', r"source is \['a'\]; it must be a string"),
    "parameters no table": ('family = "two_arms"\nparameters = 2', "parameters is 2; it must be a table"),
    "unknown parameter": (
        'family = "two_arms"\n[parameters]\nraremass = 0.1',
        "family 'two_arms' has no parameter 'raremass'. Did you mean 'rare_mass'",
    ),
    "parameter outside the table": ('family = "two_arms"\nbeta = 1.0', "unknown key 'beta'"),
    "bad value": (
        'family = "two_arms"\n[parameters]\nbeta = -1',
        "family 'two_arms', beta is -1: .*greater than 0",
    ),
    "a date": ('family = "two_arms"\n[parameters]\nbeta = 2024-01-01', "parameter 'beta' is datetime.date"),
    "infinite": ('family = "two_arms"\n[parameters]\nbeta = inf', "parameter 'beta' is inf"),
    "a table for a number": (
        'family = "two_arms"\n[parameters.beta]\nx = 1',
        r"beta is \{'x': 1\}: .*valid number",
    ),
    "not TOML": ('family = "two_arms"\n[parameters\nbeta = 1', "bad.toml, line 2, column 12: not valid TOML"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_refused_when_it_is_loaded(tmp_path, fault):
    text, sentence = FAULTS[fault]
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(SimbenchError, match=sentence) as error:
        load_environment(file)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


def test_an_inline_table_is_refused_under_the_name_of_its_place():
    with pytest.raises(UnknownNameError, match=r"^study\.toml, environment: unknown key 'famly'"):
        environment_from_table({"famly": "two_arms"}, "study.toml, environment")
    with pytest.raises(SimbenchError, match=r"^study\.toml, environment is 3; an environment is a table"):
        environment_from_table(3, "study.toml, environment")


def test_unknown_names_offer_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"no environment is called 'two_arm'.*Did you mean 'two_arms'"
    ):
        make("two_arm")
    with pytest.raises(UnknownNameError, match=r"has no parameter 'bta'\. Did you mean 'beta'"):
        make("two_arms", bta=0.1)


@pytest.mark.parametrize("axis", ["instance", "seed"])
@pytest.mark.parametrize("value", [-1, 1.0, "0", True, None])
def test_axes_are_whole_numbers(axis, value):
    with pytest.raises(SimbenchError, match=f"{axis} is .*; it must be an integer >= 0"):
        make("two_arms", **{axis: value})


def test_numpy_integers_and_floats_serve_as_axes_and_overrides():
    plain, numpy = (
        make("small_random", instance=3, beta=0.5),
        make("small_random", instance=np.int64(3), beta=np.float64(0.5)),
    )
    np.testing.assert_array_equal(plain.reward, numpy.reward)


@pytest.mark.parametrize("name", SHIPPED)
def test_environments_and_families_travel_to_workers(name):
    environment = load_environment(name)
    assert pickle.loads(pickle.dumps(environment)) == environment
    family = environment.build()
    assert pickle.loads(pickle.dumps(family)) == family


def test_environments_are_values():
    one = Environment(name="x", family="two_arms", parameters={"beta": 0.5})
    assert one == Environment(name="x", family="two_arms", parameters={"beta": 0.5})
    assert Path("x") != one
