"""What the README shows, runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)


def test_first_lines_are_the_two_commands():
    lines = TEXT.splitlines()
    assert lines[1].startswith("make reproduce")
    assert lines[2].startswith("make test")


def test_python_blocks_run(tmp_path):
    """One after the other in one process, as in a notebook."""
    script = tmp_path / "readme.py"
    script.write_text("\n".join(["import matplotlib\nmatplotlib.use('Agg')", *BLOCKS]))
    run(script, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_python_block_runs_alone(number, tmp_path):
    script = tmp_path / "readme.py"
    script.write_text("import matplotlib\nmatplotlib.use('Agg')\n" + BLOCKS[number])
    run(script, tmp_path)


@pytest.mark.thorough
def test_composed_learners_of_the_docs_play(tmp_path):
    text = (ROOT / "docs" / "learners.md").read_text()
    played = "print(sb.simulate(sb.make('small_random'), ['best_against_worst'], rounds=50, runs=2))"
    script = tmp_path / "learners.py"
    script.write_text("\n".join([*re.findall(r"```python\n(.*?)```", text, re.S), played]))
    run(script, tmp_path)


def run(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_page_is_linked():
    linked = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in linked, page


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/learners.md"])
def test_links_point_to_files(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / target).exists(), f"{page} links to {target}"
