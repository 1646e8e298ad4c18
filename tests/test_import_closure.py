"""What a result was computed by is found in the texts: what is imported, by whatever way, and nothing else."""

import ast

import pytest

from simbench import import_closure, registry
from simbench.import_closure import modules_of, reached, read
from simbench.study.sources import reached_statements


def modules(text):
    return set(modules_of(read(text)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import numpy", set()),
        ("from simbench.tape.keys import Key", {"simbench.tape.keys"}),
        ("import simbench.tape.keys as keys", {"simbench.tape.keys"}),
        ("from simbench.tape import keys", {"simbench.tape.keys"}),
        ("from simbench.tape import Key", {"simbench.tape.keys"}),  # re-exported by the package
        ("from simbench.quantities import kappa", {"simbench.quantities.values.kappa"}),
        ("import simbench as sb\nsb.make('x')", {"simbench.worlds.environment"}),  # served lazily, two packages deep
        ("import simbench.tape as t\nt.Key; t.LABEL", {"simbench.tape.keys", "simbench.tape.uniforms"}),
        ("def f():\n    from simbench.tape import keys\n    return keys", {"simbench.tape.keys"}),
        ("x = 'simbench.learners.kernels.tabular'", {"simbench.learners.kernels.tabular"}),
        ("x = 'simbench.no_such_module'", set()),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from simbench.tape import keys", set()),
        ("if TYPE_CHECKING:\n    x = 1\nelse:\n    from simbench.tape import keys", {"simbench.tape.keys"}),
        ('"""simbench.tape.keys"""', set()),  # prose
    ],
)  # fmt: skip
def test_imports_are_followed_to_the_module_that_defines_a_name(text, found):
    assert modules(text) == found


@pytest.mark.parametrize("text", ["from simbench import tape\nprint(tape)", "from simbench.tape import *"])
def test_a_package_handed_on_as_a_whole_counts_as_a_whole(text):
    assert {"simbench.tape.keys", "simbench.tape.binomial", "simbench.tape.choice"} <= modules(text)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("def f(x):\n    return x + 1", True),
        ("# why\ndef f(x):\n\n    return (x + 1)  # what", True),
        ('def f(x):\n    """Doc."""\n    return x + 1', True),
        ("def f(x):\n    return x + 2", False),
        ("def f(y):\n    return y + 1", False),
    ],
)
def test_texts_count_without_comments_docstrings_and_layout(other, same):
    assert (read(other).digest == read("def f(x):\n    return x + 1").digest) is same


def test_everything_that_a_learner_imports_is_reached():
    """Against Python itself: a module that is loaded when a learner's is, and that it names, is in its closure."""
    xpo = reached(frozenset({"simbench.learners.online.xpo"}))
    assert {"simbench.learners.parts.bonuses", "simbench.learners.kernels.tabular"} <= set(xpo)
    assert not {"simbench.learners.online.vpo", "simbench.learners.transfer.tpo"} & set(xpo)


MADE_OF_OTHERS = {
    "simbench.learners.offline.rpo",
    "simbench.learners.transfer.empirical_tpo",
    "simbench.learners.transfer.sources",
    "simbench.learners.transfer.tpo",
    "simbench.worlds.families.missing_support",
    "simbench.worlds.families.random_finite",
    "simbench.worlds.families.random_linear",
}


def test_every_learner_and_family_is_a_root_of_its_own():
    """None reaches a sibling but those that it is made of, named here; so an edit of xpo.py touches xpo alone."""
    for kind in ("learner", "family"):
        homes = {thing.__module__ for thing in registry.everything(kind).values()}
        homes = {home for home in homes if home.startswith("simbench.")}
        reaching = {home: set(reached(frozenset({home}))) & homes - {home} for home in homes}
        assert {home for home, others in reaching.items() if others} <= MADE_OF_OTHERS


def test_the_package_has_no_imports_that_the_closure_cannot_read():
    """Neither relative ones nor stars, nor modules that are looked up under a name put together at run time."""
    for file in sorted(import_closure.FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, file
                assert all(one.name != "*" for one in node.names), file


TEXT = """
import numpy as np
from simbench import parts
LIMIT = 3
UNUSED = 4
a, b = LIMIT, 2
def helper(x): return x + a
def lonely(): return UNUSED
class Base: scale = np.pi
class Mine(Base):
    def act(self): return helper(1)
class Yours(Base): part = parts.Own
print("loaded")
if LIMIT: other = UNUSED
"""


def names_of(statements):
    return [ast.unparse(one).splitlines()[0] for one in statements]


def test_of_a_users_file_what_a_name_reaches_counts():
    mine = names_of(reached_statements(TEXT, {"Mine"}))
    assert "class Mine(Base):" in mine
    assert {"import numpy as np", "LIMIT = 3", "a, b = (LIMIT, 2)", "def helper(x):", "class Base:"} <= set(
        mine
    )
    assert not {"class Yours(Base):", "def lonely():", "from simbench import parts"} & set(mine)
    assert "print('loaded')" in mine  # binds nothing: what it does cannot be told
    assert "UNUSED = 4" in mine  # that of a branch likewise
    assert "from simbench import parts" in names_of(reached_statements(TEXT, {"Yours"}))
