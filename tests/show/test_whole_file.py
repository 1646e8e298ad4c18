"""A write that fails leaves what was there."""

import errno
import os

import pytest

from simbench.cli.summary import write_summary
from simbench.errors import SimbenchError
from simbench.show.figures import draw_figures
from simbench.whole_file import write_whole


@pytest.mark.parametrize("step", ["replace", "write"])
def test_a_write_that_fails_leaves_the_file_of_before(tmp_path, monkeypatch, step):
    file = tmp_path / "good.txt"
    write_whole(file, b"good")
    assert file.read_bytes() == b"good"

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "replace":
        monkeypatch.setattr(os, "replace", full)
    else:
        monkeypatch.setattr(type(file), "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, b"worse")
    with pytest.raises(SimbenchError, match="cannot be written: No space left"):
        write_summary(file, ["worse"])
    assert file.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_redraw_leaves_the_good_figure(workplace, fill, monkeypatch):
    fill()
    (drawn,) = draw_figures(["lines"], out=workplace / "out")
    before = [file.read_bytes() for file in drawn.files]

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SimbenchError, match=r"figures cannot be written to .*No space"):
        draw_figures(["lines"], out=workplace / "out")
    assert [file.read_bytes() for file in drawn.files] == before
    assert sorted(file.name for file in (workplace / "out").iterdir()) == ["lines.pdf", "lines.png"]
