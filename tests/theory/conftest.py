"""Tests of the catalogue carry the mark `catalogue`: they take minutes, and run in CI by `make test-catalogue`.

`make test` replays the saved witnesses of misprints and checks the runs that claims simulate; `make reproduce` judges
every claim.
"""

import pytest

DEFAULT = ("test_witnesses", "test_concentration_runs", "test_pessimism_runs")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/theory/" in item.nodeid and not any(name in item.nodeid for name in DEFAULT):
            item.add_marker(pytest.mark.catalogue)
