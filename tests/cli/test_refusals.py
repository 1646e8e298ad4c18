"""Bad input ends in one paragraph on standard error and exit code 2, never in a traceback."""

import pytest

WORDS = [
    (["lst"], ["No such command 'lst'", "Did you mean 'list'?"]),
    (["list", "learnrs"], ["'learnrs'", "Did you mean 'learners'?"]),
    (["list", "--jsn"], ["No such option: --jsn"]),
    (["run"], ["Missing argument", "STUDY"]),
    (["run", "tinny"], ["no experiment is called 'tinny'", "Did you mean 'tiny'?"]),
    (["run", "tiny", "--workers", "0"], ["workers is 0"]),
    (["run", "tiny", "--workers", "-1"], ["workers is -1"]),
    (["run", "tiny", "--workers", "two"], ["--workers", "integer"]),
    (["run", "tiny", "--engine", "numa"], ["engine is 'numa'", "auto, numba, jax"]),
    (["run", "tiny", "--plugin", "none.py"], ["none.py does not exist"]),
    (["run", "tiny", "--plugin", "experiments"], ["experiments does not exist"]),
    (["run", "tiny", "--out", "occupied"], ["occupied/tiny/full/units", "not a directory"]),
    (["run", "tiny", "--out", "/proc/simbench"], ["results cannot be written to /proc/simbench"]),
    (["run", "tiny", "--cluster", "nowhere"], ["--cluster nowhere"]),
    (["run", "nowhere.toml"], ["nowhere.toml does not exist"]),
    (["status"], ["Missing argument", "STUDY"]),
    (["status", "tinny"], ["Did you mean 'tiny'?"]),
    (["status", "tiny", "--engine", "numa"], ["engine is 'numa'"]),
    (["figures", "no_such_figure", "--from", "experiments"], ["no figure is called 'no_such_figure'"]),
    (["figures"], ["--from results is no folder of results", "run a study first"]),
    (["figures", "--from", "nowhere"], ["--from nowhere is no folder of results"]),
    (["speed", "no/such/row"], ["no speed row is called 'no/such/row'"]),
    (["new"], ["Missing argument"]),
    (["new", "lerner", "mine"], ["Did you mean 'learner'?"]),
    (["new", "learner", "two words"], ["'two words'", "letters, digits and _"]),
    (["new", "environment", "random_tabular"], ["exists already"]),
    (["reproduce", "--out", "occupied"], ["occupied", "not a directory"]),
]


@pytest.mark.parametrize(("command", "words"), WORDS, ids=[" ".join(command) for command, _ in WORDS])
def test_refused(write_study, workplace, refused, command, words):
    write_study()
    (workplace / "occupied").write_text("a file")
    paragraph = refused(*command)
    for word in words:
        assert word in paragraph


BAD_PLUGINS = {
    "syntax.py": ("def broken(:\n", ["syntax.py, line 1", "SyntaxError"]),
    "raises.py": ("\nraise RuntimeError('on load')\n", ["raises.py, line 2", "RuntimeError: on load"]),
    "imports.py": ("import no_such_module\n", ["imports.py, line 1", "no_such_module"]),
    "taken.py": (
        "import simbench as sb\n@sb.register('learner', 'uniform')\nclass Mine: pass\n",
        ["'uniform'", "already taken"],
    ),
    "text.txt": ("import simbench\n", ["text.txt", ".py"]),
}


@pytest.mark.parametrize("name", BAD_PLUGINS)
@pytest.mark.parametrize(
    "command", [["run", "tiny"], ["status", "tiny"], ["list", "learners"]], ids=lambda c: c[0]
)
def test_a_bad_plug_in_is_refused_where_it_is_bad(write_study, workplace, refused, command, name):
    write_study()
    text, words = BAD_PLUGINS[name]
    (workplace / name).write_text(text)
    paragraph = refused(*command, "--plugin", name)
    for word in words:
        assert word in paragraph


BAD_STUDIES = [
    ("[run]", "[run", "line 6, column"),
    ("rounds = 40", "rounds = -1", "run.rounds is -1"),
    ("rounds = 40", "rounds = nan", "run.rounds is nan"),
    ("runs = 3", "runs = 0", "run.runs is 0"),
    ("beta = 1.0", "beta = 0.0", "beta"),
    ("beta = 1.0", "beta = -2", "beta"),
    ("beta = 1.0", "beta = nan", "nan"),
    ("beta = 1.0", 'beta = "hot"', "'hot'"),
    ("beta = 1.0", "beta = [1.0, 2.0]", "[1.0, 2.0]"),
    ('name = "online_dpo"', 'name = "online_dop"', "Did you mean 'online_dpo'?"),
    ("rounds = 40", "rouns = 40", "Did you mean 'rounds'?"),
]


@pytest.mark.parametrize("command", ["run", "status"])
@pytest.mark.parametrize(("old", "new", "words"), BAD_STUDIES, ids=[new for _, new, _ in BAD_STUDIES])
def test_a_bad_study_is_refused_with_its_file(write_study, refused, command, old, new, words):
    file = write_study((old, new))
    paragraph = refused(command, "tiny")
    assert file.name in paragraph
    assert words in paragraph


def test_a_world_of_wrong_shape_is_refused(write_study, workplace, refused):
    import numpy as np

    np.savez(workplace / "world.npz", ref=np.full((2, 2), 0.5), reward=np.zeros((2, 3)), beta=1.0)
    write_study(('family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 }',
                 'family = "file", parameters = { path = "world.npz" }'))  # fmt: skip
    paragraph = refused("run", "tiny")
    for word in ("tiny.toml", "world.npz", "reward", "(2, 3)"):
        assert word in paragraph


def test_a_numba_engine_that_a_learner_lacks_is_refused(workplace, simbench, refused):
    assert simbench("new", "learner", "mine").exit_code == 0
    paragraph = refused("run", "mine", "--plugin", "mine.py", "--engine", "numba")
    assert "learner 'mine'" in paragraph
    assert "no numba kernel" in paragraph
