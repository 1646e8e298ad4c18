import dataclasses

import numpy as np
import pytest

from simbench.show.growth_law import GrowthLaw, latex_number, number, significant

NAN = (float("nan"), float("nan"))
LOG = GrowthLaw(
    law="log", shape="log", exponent=0.0, exponent_interval=(0.0, 0.0), free_exponent=0.01,
    free_exponent_interval=(-0.02, 0.04), scale=8.314, scale_interval=(8.1, 8.55), level=-3.2, stop=np.inf,
    limit=np.inf, limit_interval=NAN, r_squared=0.999, aic={}, support=1.0, decided=True, window=(100, 10_000),
    runs=64, confidence=0.95,
)  # fmt: skip
ROOT = dataclasses.replace(
    LOG, law="power", shape="power", exponent=0.5, exponent_interval=(0.48, 0.52), scale=3e-5, level=0.0
)
STOPPED = dataclasses.replace(
    LOG, law="plateau", shape="stop", stop=1000.0, limit=54.2, limit_interval=(50.0, 60.0)
)


def test_values_are_those_of_the_formula():
    rounds = np.array([10.0, 1e3, 1e5])
    np.testing.assert_allclose(LOG(rounds), -3.2 + 8.314 * np.log(rounds))
    np.testing.assert_allclose(ROOT(rounds), 3e-5 * np.sqrt(rounds))
    np.testing.assert_allclose(STOPPED(rounds), LOG(np.minimum(rounds, 1000.0)))


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (LOG, r"$8.31\,\log T - 3.20$"),
        (dataclasses.replace(LOG, level=0.1), r"$8.31\,\log T$"),
        (ROOT, r"$3.00\times 10^{-5}\,T^{0.50}$"),
        (STOPPED, r"$\to 54.2$"),
        (dataclasses.replace(LOG, decided=False), "no law decided"),
    ],
)
def test_latex(law, text):
    assert law.latex() == text


@pytest.mark.parametrize(
    ("law", "text"),
    [
        (LOG, "8.31 [8.10, 8.55] x log T"),
        (ROOT, "T^0.50 [0.48, 0.52]"),
        (STOPPED, "plateau at 54.2 [50.0, 60.0]"),
        (dataclasses.replace(ROOT, decided=False), "T^0.50 [0.48, 0.52], undecided"),
    ],
)
def test_sentence(law, text):
    assert law.sentence() == text


@pytest.mark.parametrize("value", [0.0, 1.0, -2.345e-3, 9.999e5, 1.5e6, 3.3e-9, -123456.0])
def test_numbers_read_back(value):
    assert float(number(value, 4)) == pytest.approx(value, rel=1e-3)
    mantissa, _, power = latex_number(value, 4).partition(r"\times 10^")
    assert float(mantissa) * 10.0 ** int(power.strip("{}") or 0) == pytest.approx(value, rel=1e-3)


def test_significant_digits_follow_the_interval():
    assert significant(123.456, 122.0, 125.0) == "123.5"
    assert significant(123.456, 70.0, 180.0) == "123"
    assert significant(5.0, 5.0, 5.0) == "5.000"
