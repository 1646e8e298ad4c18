import flint
import pytest
from simbench.precision import float64


@pytest.fixture(scope="module")
def in_float64():
    with float64():
        yield


@pytest.fixture(scope="module")
def in_400_bits():
    before = flint.ctx.prec
    flint.ctx.prec = 400
    yield
    flint.ctx.prec = before
