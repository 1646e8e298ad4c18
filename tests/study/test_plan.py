"""A unit's name is everything that determines its numbers: what changes it, what does not, and what is kept."""

import itertools

import pytest

from simbench.registry import load_plugin
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.worlds import environment_from_table

GRID_HERE = ('[[learner]]\nname = "online_dpo"', '[grid]\n{}\n\n[[learner]]\nname = "online_dpo"')


@pytest.fixture
def ids(write_study):
    """Return the ids of the units of the tiny study with replacements, in plan order."""

    def of(*replacements, engine="auto", preset=None, name="tiny"):
        write_study(*replacements, name=name)
        return [unit.id for unit in make_plan(load_study(name, preset), engine=engine).units]

    return of


def test_a_study_has_the_same_units_whenever_it_is_planned(ids):
    assert ids() == ids()
    assert len(set(ids())) == len(ids())


@pytest.mark.parametrize(
    "change",
    [
        ("rounds = 40", "rounds = 41"),
        ("block = 2", "block = 2\nseed = 1"),
        ("block = 2", "block = 2\ncheckpoints_per_decade = 9"),
        ('["value_gap"]', '["value_gap", "kl_ref"]'),
        ("beta = 1.0", "beta = 1.0000000001"),
        ("responses = 3", "responses = 4"),
    ],
    ids=lambda change: change[1],
)
def test_what_changes_every_number_changes_every_name(ids, change):
    assert not set(ids()) & set(ids(change))


def test_a_modifier_is_swept_like_a_parameter(ids, write_study):
    swept = ("[run]", '[grid]\n"environment.noise.flip" = [0.0, 0.1]\n\n[run]')
    assert set(ids()) & set(ids(swept)) == set()
    write_study(swept)
    worlds = {}
    for unit in make_plan(load_study("tiny")).units:
        environment = environment_from_table(unit.given["environment"], "worker")
        worlds[unit.spec["world"]["modifiers"]["noise"]["flip"]] = environment.draw(instance=0)
    assert worlds[0.0].prefs is None
    assert worlds[0.1].prefs.min() >= 0.1


def test_the_name_of_the_study_is_in_every_row_and_so_in_every_name(ids):
    assert not set(ids()) & set(ids(name="other"))


def test_the_engine_changes_the_names_where_it_is_another_one(ids):
    assert ids() == ids(engine="numba")  # what "auto" means on a CPU
    assert not set(ids()) & set(ids(engine="jax"))


def test_a_learners_parameter_renames_that_learners_units_only(ids):
    before, after = ids(), ids(('name = "online_dpo"', 'name = "online_dpo"\nridge = 2.0'))
    kept = set(before) & set(after)
    assert len(kept) == len(before) // 2
    assert [i for i, unit in enumerate(before) if unit in kept] == [
        i for i, unit in enumerate(after) if unit in kept
    ]


def test_a_default_written_out_changes_nothing(ids):
    assert ids() == ids(('name = "online_dpo"', 'name = "online_dpo"\nridge = 1\nsecond = "self"'))
    assert ids() == ids(("block = 2", "block = 2\nseed = 0\ncheckpoints_per_decade = 8"))


@pytest.mark.parametrize(
    "growth", [("instances = 2", "instances = 3"), ("runs = 3", "runs = 4")], ids=lambda change: change[1]
)
def test_a_study_that_grows_keeps_its_full_blocks(write_study, growth):
    def names(*replacements):
        write_study(*replacements)
        return {unit.id: unit for unit in make_plan(load_study("tiny")).units}

    before, after = names(), names(growth)
    lost = [unit for name, unit in before.items() if name not in after]
    assert all(unit.spec["runs"] < unit.spec["block"] for unit in lost)
    assert len(after) >= len(before)
    assert len(lost) < len(before)


def test_a_grid_that_grows_keeps_what_it_had(ids):
    def grid(text):
        return ids((GRID_HERE[0], GRID_HERE[1].format(text)))

    small, large = grid('"environment.beta" = [0.5, 1.0]'), grid('"environment.beta" = [0.1, 0.5, 0.7, 1.0]')
    assert set(small) < set(large)


def test_units_are_the_product_of_the_axes_in_order(write_study):
    write_study(
        (
            GRID_HERE[0],
            GRID_HERE[1].format('"environment.beta" = [0.5, 1.0]\n"learner.online_dpo.ridge" = [1, 2]'),
        )
    )
    plan = make_plan(load_study("tiny"))
    rows = [
        (unit.spec["grid"]["environment.beta"], unit.spec["grid"]["learner.online_dpo.ridge"], unit.spec["instance"],
         unit.spec["label"], unit.spec["first_run"], unit.spec["runs"])
        for unit in plan.units
    ]  # fmt: skip
    blocks = [(0, 2), (2, 1)]  # three runs in blocks of two
    expected = itertools.product([0.5, 1.0], [1, 2], [0, 1], ["online_dpo", "all alike"], blocks)
    assert rows == [(beta, ridge, i, label, *block) for beta, ridge, i, label, block in expected]
    assert {unit.spec["learner_parameters"].get("ridge") for unit in plan.units} == {1.0, 2.0, None}
    assert len({unit.spec["setting"] for unit in plan.units}) == 4


PLUGIN = """
import simbench as sb

@sb.register("learner", "mine")
@sb.parameters
class Mine(sb.RoundLearner):
    scale: sb.Positive = {scale}
    def init(self, world): return world.log_ref
    def act(self, state, world): return state, state
    def observe(self, state, world, comparison): return state
    def policy(self, state, world): return state
"""


def test_an_edit_of_a_plug_in_renames_its_units_only(ids, workplace):
    mine = ('name = "online_dpo"', 'name = "mine"\nscale = 1.0')
    file = workplace / "mine.py"
    file.write_text(PLUGIN.format(scale=1.0))
    load_plugin(file)
    before = ids(mine)
    yours = PLUGIN.format(scale=1.0).replace("mine", "yours").replace("Mine", "Yours")
    another = yours.replace("import simbench as sb", "# a comment, and another learner")
    file.write_text(PLUGIN.format(scale=1.0) + another)
    assert ids(mine) == before
    file.write_text(PLUGIN.format(scale=1.0).replace("return state, state", "return world.log_ref, state"))
    after = ids(mine)
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True, True] * 2


def test_an_edit_of_a_worlds_file_renames_its_units(ids, workplace):
    world = ('family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 }',
             'family = "file", parameters = { path = "world.csv", beta = 1.0 }')  # fmt: skip
    rows = "prompt,response,ref,reward\n0,0,0.5,{}\n0,1,0.5,0.0\n"
    (workplace / "world.csv").write_text(rows.format(1.0))
    before = ids(world)
    (workplace / "world.csv").write_text(rows.format(0.5))
    assert not set(before) & set(ids(world))
    (workplace / "world.csv").write_text(rows.format(1.0))
    assert before == ids(world)
