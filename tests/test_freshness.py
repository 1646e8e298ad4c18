"""An edit makes stale what depends on it and nothing else: the names of results, in a copy of the package.

tests/long/test_freshness_of_numbers.py computes the results themselves.
"""

import pytest

from simbench import import_closure
from simbench.registry import lookup
from simbench.study.sources import sources_of
from tests.mutated_package import EDITS, LEARNERS, copied_package

FAMILY = lookup("family", "random_tabular")()
ASKED = ("value_gap",)
LOOPS = {"tabular": "simbench.learners.kernels.tabular", "constant": "simbench.learners.kernels.constant"}
CACHED = (import_closure.digest, import_closure.reached, import_closure.imported_by, import_closure._homes,
          import_closure._text, import_closure._file)  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return copied_package(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def digests(package):
    """What the copy's results and compiled loops are named by, now and before any edit."""
    original, import_closure.FOLDER = import_closure.FOLDER, package

    def now():
        for function in CACHED:
            function.cache_clear()
        units = {
            name: sources_of(FAMILY, lookup("learner", name)(), quantities=ASKED).simbench
            for name in LEARNERS
        }
        loops = {
            name: import_closure.digest(frozenset({"simbench.engine.round_loop", kernel}))
            for name, kernel in LOOPS.items()
        }
        return units, loops

    yield now, now()
    import_closure.FOLDER = original
    for function in CACHED:
        function.cache_clear()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_makes_stale_what_depends_on_it_and_nothing_else(package, digests, name):
    edit, file = EDITS[name], package / EDITS[name].file
    before = file.read_bytes() if file.exists() else None
    now, (units, loops) = digests
    edit.apply(package)
    try:
        edited, recompiled = now()
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
    assert {learner for learner in LEARNERS if edited[learner] != units[learner]} == edit.stale
    assert {loop for loop in LOOPS if recompiled[loop] != loops[loop]} == {
        "kernel": {"tabular"},
        "fitting": {"tabular"},
        "tape": {"tabular", "constant"},
        "engine": {"tabular", "constant"},
        "quantity": {"tabular", "constant"},  # by its tolerance for ties
    }.get(name, set())
