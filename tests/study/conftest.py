from collections.abc import Callable
from pathlib import Path

import pytest

from simbench import registry
from simbench.study.execution import one_core

TINY = """
question = "Does it run?"
source = "simbench"
environment = { family = "random_tabular", parameters = { prompts = 2, responses = 3, beta = 1.0 } }

[run]
rounds = 40
instances = 2
runs = 3
block = 2
quantities = ["value_gap"]

[[learner]]
name = "online_dpo"

[[learner]]
name = "uniform"
label = "all alike"

[preset.quick]
rounds = 20
instances = 1
"""

# Where it does not matter which learner plays, one whose kernel compiles in no time.
QUICK_LEARNER = ('name = "online_dpo"', 'name = "reference"')

Write = Callable[..., Path]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, in a process that computes itself; what plug-ins register is forgotten."""
    monkeypatch.chdir(tmp_path)
    for kind in ("learner", "family", "modifier"):
        monkeypatch.setitem(registry._things, kind, registry.everything(kind))
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setattr(one_core, "_in_force", True)
    return tmp_path


@pytest.fixture
def write_study(workplace: Path) -> Write:
    """Write the tiny study, with some of its text replaced; return its file."""

    def write(*replacements: tuple[str, str], name: str = "tiny") -> Path:
        text = TINY
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        folder = workplace / "experiments"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.toml"
        file.write_text(text)
        return file

    return write
