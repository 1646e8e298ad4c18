import re
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from simbench.cli import app
from tests.study.conftest import workplace, write_study  # noqa: F401 - fixtures

Run = Callable[..., object]


@pytest.fixture
def simbench():
    """Run the command line in this process; return what it printed and its exit code."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def refused(simbench):
    """Run a command that must be refused in one paragraph; return that paragraph."""

    def check(*words):
        result = simbench(*words)
        assert result.exit_code == 2, (result.exit_code, result.stdout, result.stderr, result.exception)
        assert result.stdout == ""
        *remarks, paragraph = result.stderr.splitlines()
        assert all(remark.startswith("note: ") for remark in remarks)
        assert re.match(r"error: \S.*\S$", paragraph), paragraph
        assert "Traceback" not in result.stderr
        return paragraph

    return check
