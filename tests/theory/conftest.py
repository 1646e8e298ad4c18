"""Tests of the catalogue carry the mark `catalogue`: they take minutes, and run in CI by `make test-thorough`.

`make test` replays the saved witnesses of misprints; `make reproduce` judges every claim.
"""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/theory/" in item.nodeid and "test_witnesses" not in item.nodeid:
            item.add_marker(pytest.mark.catalogue)
