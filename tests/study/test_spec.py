import pytest

from simbench.errors import SimbenchError
from simbench.study.spec import read_study
from simbench.study.study import load_study

# What is written instead of what, and the words that the complaint must hold beside the file's name.
BAD_SHAPES = [
    ("rounds = 40", "rounds = 4e1", ["run.rounds", "40.0", "whole number"]),
    ("rounds = 40", "rounds = 0", ["run.rounds", "0", "at least 1"]),
    ("rounds = 40", "rounds = -40", ["run.rounds", "-40", "at least 1"]),
    ("rounds = 40", "rounds = nan", ["run.rounds", "nan", "whole number"]),
    ("rounds = 40", "rounds = 10_000_000_000_000", ["run.rounds", "at most 1000000000000"]),
    ("rounds = 40", "rounds = '40'", ["run.rounds", "'40'", "whole number"]),
    ("rounds = 40", "round = 40", ["[run]", "'round'", "Did you mean 'rounds'?"]),
    ("rounds = 40\n", "", ["run.rounds", "missing"]),
    ("runs = 3", "runs = 0", ["run.runs", "at least 1"]),
    ("runs = 3", "runs = true", ["run.runs", "True", "whole number"]),
    ("instances = 2", "instances = -1", ["run.instances", "-1", "at least 1"]),
    ("block = 2", "block = 0", ["run.block", "at least 1"]),
    ("block = 2", "seed = -1", ["run.seed", "-1", "at least 0"]),
    ('["value_gap"]', "[]", ["run.quantities", "at least one entry"]),
    ('["value_gap"]', '["value_gap", 3]', ["run.quantities[1]", "3", "text in quotes"]),
    ('question = "Does it run?"\n', "", ["question", "missing"]),
    ("question =", "qestion =", ["'qestion'", "Did you mean 'question'?"]),
    ('"Does it run?"', '""', ["question", "not empty"]),
    ('source = "simbench"', "source = 3", ["source", "3", "text in quotes"]),
    ("[run]", "[rnu]", ["'rnu'", "Did you mean 'run'?"]),
    ("[run]", "[run", ["line 6", "column", "not valid TOML"]),
    ("[[learner]]\nname", "[learner]\nname", ["line", "column", "not valid TOML"]),
    ('name = "online_dpo"', 'nmae = "online_dpo"', ["learner[0].name", "missing"]),
    ('label = "all alike"', 'label = "online_dpo"', ["'online_dpo'", "label"]),
    ('label = "all alike"', 'label = "a.b"', ["learner[1].label", "without a dot"]),
    ("rounds = 20", "round = 20", ["preset.quick", "'round'", "Did you mean 'rounds'?"]),
    ("rounds = 20", "rounds = 0", ["preset.quick.rounds", "at least 1"]),
    ("rounds = 20", 'grid."run.rounds" = [2]', ["preset.quick.grid", "[grid] does not sweep"]),
    ("[preset.quick]", "[preset.full]", ["'full'", "as written"]),
    ("[preset.quick]", '[preset."../up"]', ["'../up'", "letters, digits"]),
]


@pytest.mark.parametrize(
    ("old", "new", "words"), BAD_SHAPES, ids=[new or f"no {old}" for old, new, _ in BAD_SHAPES]
)
def test_refused_when_read(write_study, old, new, words):
    file = write_study((old, new))
    with pytest.raises(SimbenchError) as refusal:
        read_study(file)
    message = str(refusal.value)
    assert str(file) in message
    for word in words:
        assert word in message


ENVIRONMENT = '{ family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 } }'
GRID = ('[[learner]]\nname = "online_dpo"', '[grid]\n{}\n\n[[learner]]\nname = "online_dpo"')
BAD_NAMES = [
    ("rounds = 40", "rounds = 100_000_000_000", ["run.rounds", "at most 4294967296"]),
    (ENVIRONMENT, '"random_tabulr"', ["no environment", "Did you mean 'random_tabular'?"]),
    (ENVIRONMENT, "3", ["environment", "3", "text in quotes or a table"]),
    ("random_tabular", "random_tabulr", ["no family", "Did you mean 'random_tabular'?"]),
    ("family =", "famly =", ["'famly'", "Did you mean 'family'?"]),
    ("responses = 3", "response = 3", ["'response'", "Did you mean 'responses'?"]),
    ("responses = 3", "responses = 0", ["responses", "0"]),
    ("beta = 1.0", "beta = 0.0", ["beta", "0.0", "greater than 0"]),
    ("beta = 1.0", "beta = -1.0", ["beta", "-1.0", "greater than 0"]),
    ("beta = 1.0", "beta = inf", ["inf"]),
    ("beta = 1.0", "beta = nan", ["nan"]),
    ('name = "online_dpo"', 'name = "online_dop"', ["no learner", "Did you mean 'online_dpo'?"]),
    ('name = "online_dpo"', 'name = "online_dpo"\nrige = 1.0', ["'rige'", "Did you mean 'ridge'?"]),
    ('name = "online_dpo"', 'name = "online_dpo"\nridge = 0.0', ["ridge", "0.0", "greater than 0"]),
    ('name = "online_dpo"', 'name = "online_dpo"\nridge = nan', ["ridge", "nan"]),
    ('name = "online_dpo"', 'name = "online_dpo"\nsecond = "me"', ["second", "'me'", "'self'"]),
    ('"value_gap"', '"value_gpa"', ["run.quantities", "Did you mean 'value_gap'?"]),
]


@pytest.mark.parametrize(("old", "new", "words"), BAD_NAMES, ids=[new for _, new, _ in BAD_NAMES])
def test_refused_when_loaded(write_study, old, new, words):
    file = write_study((old, new))
    with pytest.raises(SimbenchError) as refusal:
        load_study("tiny")
    assert file.name in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)


BAD_GRIDS = [
    ('"environment.beta" = []', ['grid."environment.beta"', "at least one entry"]),
    ('"environment.beta" = 2.0', ['grid."environment.beta"', "2.0", "a list"]),
    ('"environment.beta" = [1.0, 1]', ['grid."environment.beta"', "twice"]),
    ('"environment.beta" = [1.0, nan]', ['grid."environment.beta"[1]', "nan"]),
    ('"environment.beta" = [1.0, -2.0]', ["environment.beta=-2.0", "greater than 0"]),
    ('"environment.betta" = [1.0]', ["'betta'", "Did you mean 'beta'?"]),
    ('"enviroment.beta" = [1.0]', ['"enviroment.beta"', "environment.<parameter>"]),
    ('"learner.online_dop.ridge" = [1.0]', ["'online_dop'", "Did you mean 'online_dpo'?"]),
    ('"learner.online_dpo.rigde" = [1.0]', ["'rigde'", "Did you mean 'ridge'?"]),
    ('"learner.online_dpo" = [1.0]', ['"learner.online_dpo"', "learner.<label>.<parameter>"]),
    ('"run.rounds" = [10, 0]', ['grid."run.rounds"[1]', "0"]),
    ('"run.rounds" = [10.5]', ['grid."run.rounds"[0]', "10.5", "whole number"]),
    ('"run.runs" = [10]', ['"run.runs"', "run.rounds"]),
    ('"run.rounds" = [10, 20]', ["preset.quick.rounds", "run.rounds"]),
]


@pytest.mark.parametrize(("grid", "words"), BAD_GRIDS, ids=[grid for grid, _ in BAD_GRIDS])
def test_refused_grid(write_study, grid, words):
    quick = (
        ("rounds = 20", 'grid."run.rounds" = [2]') if words[0].startswith('grid."run.rounds"') else ("", "")
    )
    file = write_study((GRID[0], GRID[1].format(grid)), quick)
    with pytest.raises(SimbenchError) as refusal:
        load_study("tiny")
    assert file.name in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)


def test_a_preset_replaces_what_it_names(write_study):
    write_study()
    written, quick = load_study("tiny"), load_study("tiny", "quick")
    assert (quick.run.rounds, quick.run.instances) == (20, 1)
    assert quick.run.model_copy(update={"rounds": 40, "instances": 2}) == written.run
    assert (written.preset, quick.preset) == ("full", "quick")
    assert not written.note
    assert not quick.note


def test_a_preset_replaces_lists_of_the_grid(write_study):
    write_study(
        (GRID[0], GRID[1].format('environment.beta = [1.0, 2.0]\n"run.rounds" = [10, 20]')),
        ("rounds = 20", 'grid."run.rounds" = [5]'),
    )
    written, quick = load_study("tiny"), load_study("tiny", "quick")
    assert [setting.rounds for setting in written.settings] == [10, 20, 10, 20]
    assert [setting.values for setting in quick.settings] == [
        {"environment.beta": beta, "run.rounds": 5} for beta in (1.0, 2.0)
    ]


def test_a_preset_that_is_lacking_means_as_written_and_says_so(write_study):
    write_study()
    written, paper = load_study("tiny"), load_study("tiny", "paper")
    assert "no preset 'paper'" in paper.note
    assert "as written" in paper.note
    assert (paper.run, paper.settings, paper.preset) == (written.run, written.settings, written.preset)


def test_a_study_is_found_by_path(write_study, workplace):
    file = write_study(name="other")
    moved = file.rename(workplace / "elsewhere.toml")
    assert load_study(str(moved)).name == "elsewhere"
    with pytest.raises(SimbenchError, match=r"nowhere\.toml does not exist"):
        load_study("nowhere.toml")
