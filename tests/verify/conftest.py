"""Every test of the laboratory runs inside the float64 scope, as its entry points do."""

import pytest

from simbench.precision import float64


@pytest.fixture(autouse=True)
def _double_precision():
    with float64():
        yield
