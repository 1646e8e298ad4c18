"""Whatever an edit changes is named anew: results of a copied package, computed before and after by its own processes.

No false-alarm rate: numbers of fresh results are compared to the bit. SIMBENCH_LONG=full plays all edits, small four.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.mutated_package import EDITS, LEARNERS, copied_package

pytestmark = pytest.mark.long

FULL = os.environ.get("SIMBENCH_LONG", "small") == "full"
SMALL = ("learner", "quantity", "a new learner", "another quantity")
STUDY = """
question = "Whose numbers change?"
source = "simbench"
environment = { family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 0.5 } }
[run]
rounds = 40
instances = 1
runs = 2
quantities = ["value_gap"]
""" + "".join(f'[[learner]]\nname = "{name}"\n' for name in LEARNERS)
PROBE = """
import json, hashlib
from simbench.study.plan import make_plan
from simbench.study.study import load_study
from simbench.study.execution.compute import simulate
made = {}
for unit in make_plan(load_study("probe.toml", None)).units:
    columns = simulate(unit)
    numbers = hashlib.sha256(b"".join(columns[name].tobytes() for name in sorted(columns))).hexdigest()
    made[unit.spec["label"]] = [unit.spec["sources"], numbers]
print(json.dumps(made))
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    (folder / "probe.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def package(workplace):
    return copied_package(workplace)


@pytest.fixture(scope="module")
def computed(workplace, package):
    """Learner -> (digest of its sources, digest of its numbers), from a fresh process; compiled loops are kept."""

    def now():
        environment = os.environ | {"PYTHONPATH": str(workplace), "SIMBENCH_CACHE": str(workplace / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", PROBE],
            cwd=workplace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return now


@pytest.fixture(scope="module")
def before(computed):
    return computed()


@pytest.mark.parametrize("name", EDITS if FULL else SMALL)
def test_numbers_that_change_have_another_name(package, computed, before, name):
    edit, file = EDITS[name], package / EDITS[name].file
    text = file.read_bytes() if file.exists() else None
    edit.apply(package)
    try:
        after = computed()
    finally:
        if text is None:
            file.unlink()
        else:
            file.write_bytes(text)
    renamed = {learner for learner in LEARNERS if after[learner][0] != before[learner][0]}
    changed = {learner for learner in LEARNERS if after[learner][1] != before[learner][1]}
    assert renamed == edit.stale
    assert changed <= renamed
    assert bool(changed) == bool(edit.stale)  # the edit is one that shows
