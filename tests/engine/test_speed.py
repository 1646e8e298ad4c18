"""`speed` reports ratios inside one run; what is tested is the report, not the clock."""

import numpy as np
import pytest

from simbench.engine import speed
from simbench.errors import UnknownNameError


def test_a_row_reports_rate_and_ratios(monkeypatch):
    monkeypatch.setattr(speed, "WARM_ROUNDS", 20)
    monkeypatch.setattr(speed, "PIECE", 1e-4)
    monkeypatch.setattr(speed, "PIECES", 2)
    (row,) = speed.measure_speed(["reference/tabular/10x10"])
    assert list(row) == ["name", "engine", "rate", "unit", "floor_ratio", "naive_ratio"]
    assert row["rate"] > 0
    assert row["floor_ratio"] > 0
    assert row["naive_ratio"] is None


def test_the_naive_loop_is_found_in_a_checkout():
    world = speed.make("random_tabular", prompts=2, responses=2, beta=1.0)
    assert speed._naive_seconds(world) > 0


def test_the_faster_of_two_is_told_apart():
    """Control: pieces of twice the work take about twice the time per round."""
    vector = np.ones(200_000)

    def work(times):
        return lambda rounds: [vector.sum() for _ in range(times * rounds)]

    one, ten = speed._best_seconds((work(1), 5), (work(10), 5))
    assert 4 < ten / one < 25


def test_unknown_rows_are_refused():
    with pytest.raises(UnknownNameError, match="online_dpo/tabular/10x10"):
        speed.measure_speed(["online_dpo/tabular/10x11"])
