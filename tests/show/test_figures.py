import runpy
import shutil
import subprocess
import sys

import pytest

from simbench import named_files
from simbench.errors import SimbenchError, UnknownNameError
from simbench.show.figure_script import load_figure
from simbench.show.figures import draw_figures, list_figures, main
from simbench.show.reference import write_reference
from simbench.study.table import load_table


def test_a_figure_is_drawn_as_pdf_and_png(workplace, fill):
    fill()
    (drawn,) = draw_figures(["lines"], out=workplace / "out")
    assert [file.name for file in drawn.files] == ["lines.pdf", "lines.png"]
    assert drawn.files[0].read_bytes().startswith(b"%PDF")
    assert drawn.files[1].read_bytes().startswith(b"\x89PNG")
    assert (drawn.studies, drawn.claims, drawn.partial, drawn.note) == (["small"], [], False, "")


def test_the_same_results_give_the_same_bytes(workplace, fill):
    fill()
    one = draw_figures(["lines"], out=workplace / "one")[0].files
    other = draw_figures(["lines"], out=workplace / "other")[0].files
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]
    for file in one:
        assert b"Matplotlib" not in file.read_bytes()
        assert b"CreationDate" not in file.read_bytes()


@pytest.fixture
def written(monkeypatch):
    """What is written across a figure, beside its own text."""
    from matplotlib.figure import Figure

    texts = []
    draw_text = Figure.text

    def text(self, x, y, s, *args, **style):
        texts.append(s)
        return draw_text(self, x, y, s, *args, **style)

    monkeypatch.setattr(Figure, "text", text)
    return texts


def test_a_partial_result_says_so_on_the_figure(workplace, fill, written):
    fill(units=3)
    (drawn,) = draw_figures(["lines"], out=workplace / "out")
    assert drawn.partial
    assert drawn.note == "3 of 4 units of small"
    assert written == ["PARTIAL RESULT\n3 of 4 units of small"]


def test_a_complete_result_is_not_marked(workplace, fill, written):
    fill()
    assert not draw_figures(["lines"], out=workplace / "out")[0].partial
    assert written == []


def test_presets_are_drawn_apart(workplace, fill):
    fill()
    with pytest.raises(SimbenchError, match="run `simbench run small --preset quick` first"):
        draw_figures(["lines"], out=workplace / "out", preset="quick")
    fill(preset="quick")
    assert draw_figures(["lines"], out=workplace / "out", preset="quick")[0].files


@pytest.mark.thorough
def test_a_preset_that_the_study_lacks_is_noted(workplace, fill):
    fill()
    (drawn,) = draw_figures(["lines"], out=workplace / "out", preset="paper")
    assert "has no preset 'paper'" in drawn.note


def test_all_figures_leaves_out_those_without_results(workplace, fill, monkeypatch):
    fill()
    assert {"lines", "greedy_regret"} < {figure.name for figure in list_figures()}
    monkeypatch.setattr(
        named_files, "names", lambda kind: ["greedy_regret", "lines"]
    )  # whatever else there is
    drawn = {figure.name: figure for figure in draw_figures(out=workplace / "out")}
    assert list(drawn) == ["greedy_regret", "lines"]
    assert drawn["lines"].files
    assert drawn["greedy_regret"].files == []
    assert "simbench run greedy_regret" in drawn["greedy_regret"].note


def test_no_results_at_all_is_an_error(workplace):
    with pytest.raises(SimbenchError, match="has no results"):
        draw_figures(out=workplace / "out")


def test_an_unknown_figure_is_refused(workplace):
    with pytest.raises(UnknownNameError, match=r"no figure is called 'linse'.*Did you mean 'lines'"):
        draw_figures(["linse"])


def test_a_folder_that_cannot_be_written(workplace, fill):
    fill()
    (workplace / "taken").write_text("a file")
    with pytest.raises(SimbenchError, match=r"figures cannot be written to .*taken"):
        draw_figures(["lines"], out=workplace / "taken")


def test_reference_results(workplace, fill):
    fill()
    table = load_table("small")
    folder = workplace / "results" / "reference"
    file = write_reference(table, folder, provenance={"engine": "numba"})
    assert file == folder / "small" / "full.parquet"
    own = draw_figures(["lines"], out=workplace / "own")[0]
    shutil.rmtree(workplace / "results" / "small")
    reference = draw_figures(["lines"], out=workplace / "reference", from_reference=True)[0]
    assert [file.read_bytes() for file in reference.files] == [file.read_bytes() for file in own.files]


@pytest.mark.thorough
def test_reference_results_by_their_folder(workplace, fill):
    fill()
    folder = workplace / "results" / "reference"
    write_reference(load_table("small"), folder, provenance={"engine": "numba"})
    shutil.rmtree(workplace / "results" / "small")
    assert draw_figures(["lines"], results=folder, out=workplace / "out")[0].files


def test_reference_results_are_complete_and_named(workplace, fill):
    fill(units=1)
    with pytest.raises(SimbenchError, match="'small' are partial"):
        write_reference(load_table("small"), workplace, provenance={})
    with pytest.raises(SimbenchError, match="'small': preset 'quick' was asked for; there are no reference"):
        draw_figures(["lines"], preset="quick", from_reference=True)


def test_a_script_is_runnable_alone(workplace, fill, monkeypatch, capsys):
    fill()
    monkeypatch.setattr(sys, "argv", ["lines.py", "--out", "alone"])
    main("paper_figures/lines.py")
    assert capsys.readouterr().out.split() == ["alone/lines.pdf", "alone/lines.png"]


def test_a_script_without_results_says_so_and_exits_with_two(workplace, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lines.py"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path("paper_figures/lines.py", run_name="__main__")
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("study 'small' has no results")


@pytest.mark.thorough
def test_a_script_is_a_program(workplace):
    done = subprocess.run(
        [sys.executable, "paper_figures/lines.py"], capture_output=True, text=True, check=False, cwd=workplace
    )
    assert done.returncode == 2
    assert done.stderr.startswith("study 'small' has no results")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "without", "message"),
    [
        ('STUDIES = ["small"]', "", "has no STUDIES; it must be a list"),
        ("CLAIMS = []", "CLAIMS = ()", "has no CLAIMS; it must be a list"),
        ("def draw(tables)", "def paint(tables)", r"has no function draw\(tables\)"),
        ("Source: simbench.", "", "ends in 'Source"),
    ],
)
def test_what_a_script_must_have(workplace, line, without, message):
    file = workplace / "paper_figures" / "lines.py"
    file.write_text(file.read_text().replace(line, without))
    with pytest.raises(SimbenchError, match=message):
        load_figure("lines")


def test_figures_are_drawn_from_tables_at_hand(workplace, fill):
    fill()
    read = draw_figures(["lines"], out=workplace / "read")[0].files
    table = load_table("small")
    given = draw_figures(
        ["lines"], results=workplace / "nowhere", out=workplace / "given", tables={"small": table}
    )
    assert [file.read_bytes() for file in given[0].files] == [file.read_bytes() for file in read]
    with pytest.raises(SimbenchError, match="no table of study 'small'; there are other"):
        draw_figures(["lines"], out=workplace / "given", tables={"other": table})
