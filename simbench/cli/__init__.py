"""The command line: `simbench COMMAND`. Nothing heavy is imported before a command runs."""

from simbench.cli.app import app
from simbench.study.execution.interrupts import heeded


def main() -> None:
    """Run the command line; errors are one paragraph on standard error and exit code 2."""
    with heeded(ending=True):
        app()


__all__ = ["app", "main"]
