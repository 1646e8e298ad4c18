"""`speed` reports ratios inside one run; what is tested is the report, not the clock."""

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


def test_the_faster_of_two_is_told_apart(monkeypatch):
    """Control: ten times the work is ten times the time per round, and a slow spell of the machine leaves no trace.

    The clock is the test's own: how long real work takes is not for a test to say.
    """
    clock = {"now": 0.0, "pieces": 0}
    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock["now"])

    def work(seconds):
        def play(rounds):
            clock["pieces"] += 1
            clock["now"] += seconds * rounds * (5 if clock["pieces"] % 3 == 0 else 1)

        return play

    one, ten = speed._best_seconds((work(1e-5), 5), (work(1e-4), 5))
    assert one == pytest.approx(1e-5, rel=1e-6)
    assert ten / one == pytest.approx(10, rel=1e-6)


def test_unknown_rows_are_refused():
    with pytest.raises(UnknownNameError, match="online_dpo/tabular/10x10"):
        speed.measure_speed(["online_dpo/tabular/10x11"])
