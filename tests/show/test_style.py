import itertools

import matplotlib as mpl
import numpy as np
import pytest

from simbench.errors import SimbenchError
from simbench.show.style import LOOKS, RC, looks, new_figure, paper_style

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ @ np.ones(3)
# Severity-1 simulation matrices in linear RGB [machado2009].
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(color, blindness="none"):
    rgb = np.array(mpl.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(BLINDNESS[blindness] @ linear, 0.0, 1.0) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_looks_keep_apart_in_grey():
    lightness = sorted(lab(look.color)[0] for look in LOOKS)
    assert min(np.diff(lightness)) >= 12.0


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_looks_keep_apart_for_every_eye(blindness):
    for one, other in itertools.combinations(LOOKS, 2):
        assert np.linalg.norm(lab(one.color, blindness) - lab(other.color, blindness)) >= 15.0


def test_looks_differ_in_line_and_marker():
    assert len({str(look.linestyle) for look in LOOKS}) == len({look.marker for look in LOOKS}) == len(LOOKS)


def test_looks_by_first_appearance():
    assert looks(["b", "a", "b"]) == {"b": LOOKS[0], "a": LOOKS[1]}


def test_a_sixth_series_is_refused():
    with pytest.raises(SimbenchError, match=r"6 series .* at most 5"):
        looks("abcdef")


def test_style_is_scoped():
    before = dict(mpl.rcParams)
    with paper_style():
        assert mpl.rcParams["font.size"] == RC["font.size"]
        figure = new_figure(width=3.0, height=2.0)
    assert tuple(figure.get_size_inches()) == (3.0, 2.0)
    assert dict(mpl.rcParams) == before
