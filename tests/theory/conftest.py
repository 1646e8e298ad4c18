"""Tests that judge whole files of the catalogue carry the mark `catalogue`: they take minutes, and run in CI."""

import inspect

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        function = getattr(item, "function", None)
        if function is not None and "judged(" in inspect.getsource(function):
            item.add_marker(pytest.mark.catalogue)
