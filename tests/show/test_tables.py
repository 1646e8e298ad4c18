import io

import numpy as np
import pandas as pd
import pytest

from simbench.errors import SimbenchError
from simbench.show.tables import law_rows, markdown_table, text_table
from tests.show.synthetic import law_matrix, tidy

HEADER = ["learner", "law"]
ROWS = [["greedy", "8.3 x log T"], ["a|b", "T^1.00"]]


def test_text_columns_are_aligned():
    lines = text_table(HEADER, ROWS).split("\n")
    assert [
        line.index(cell) for line, cell in zip(lines, ["law", "-----------", "8.3", "T^"], strict=True)
    ] == [9] * 4


def test_markdown_reads_back():
    text = markdown_table(HEADER, ROWS[:1])
    frame = pd.read_csv(io.StringIO(text), sep="|", skiprows=[1], skipinitialspace=True)
    assert frame.iloc[0, 1].strip() == "greedy"
    assert frame.iloc[0, 2].strip() == "8.3 x log T"


def test_markdown_escapes_bars():
    assert r"a\|b" in markdown_table(HEADER, ROWS)


@pytest.mark.parametrize("table", [text_table, markdown_table])
def test_ragged_rows_are_refused(table):
    with pytest.raises(SimbenchError, match="1 cells under a header of 2"):
        table(HEADER, [["alone"]])


def test_law_rows_of_a_study():
    matrix = law_matrix(lambda t: 0.5 * t, noise=0.3)
    header, rows = law_rows(tidy(matrix, argmax_regret=np.zeros_like(matrix.values)))
    regret, argmax = (dict(zip(header, row, strict=True)) for row in rows)
    assert regret["growth law"].startswith("T^1.0")
    assert float(regret["R^2"]) > 0.99
    assert (argmax["growth law"], argmax["R^2"]) == ("plateau at 0 [0, 0]", "-")
    only = law_rows(tidy(matrix, argmax_regret=np.zeros_like(matrix.values)), currencies=["argmax_regret"])
    assert only == (header, rows[1:])


def test_short_studies_have_no_law():
    _, rows = law_rows(tidy(law_matrix(np.sqrt, runs=2, instances=2)))
    assert rows[0][3] == "too few runs or rounds"
