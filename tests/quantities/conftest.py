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


@pytest.fixture(scope="module")
def in_5000_bits():  # enough to subtract a squared probability of e^-1500 from one
    before = flint.ctx.prec
    flint.ctx.prec = 5000
    yield
    flint.ctx.prec = before
