"""Comparisons as counts: lossless for any preference model, and malformed records name their row."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simbench.bandit import PairCounts, count_comparisons, pair_counts
from simbench.errors import SimbenchError

S, A = 3, 4
records = st.lists(
    st.tuples(st.integers(0, S - 1), st.integers(0, A - 1), st.integers(0, A - 1), st.booleans()), max_size=60
)


def compress(rows) -> PairCounts:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 4
    return count_comparisons(*columns, prompts=S, responses=A)


def by_loop(rows) -> np.ndarray:
    wins = np.zeros((S, A, A), dtype=int)
    for s, a, b, won in rows:
        winner, loser = (a, b) if won else (b, a)
        wins[s, winner, loser] += 1
    return wins


@settings(deadline=None)
@given(records)
def test_counts_are_those_of_a_loop_and_every_label_counts(rows):
    counts = compress(rows)
    np.testing.assert_array_equal(counts.wins(), by_loop(rows))
    assert counts.labels == len(rows)


@settings(deadline=None)
@given(records)
def test_pairs_are_unique_ordered_and_played(rows):
    counts = compress(rows)
    keys = list(zip(counts.prompt, counts.first, counts.second, strict=True))
    assert keys == sorted(set(keys))
    assert (counts.first <= counts.second).all()
    assert (counts.first_wins + counts.second_wins > 0).all()
    assert (counts.second_wins[counts.first == counts.second] == 0).all()
    played = Counter((s, min(a, b), max(a, b)) for s, a, b, _ in rows)
    assert dict(zip(keys, counts.first_wins + counts.second_wins, strict=True)) == played


@settings(deadline=None)
@given(records)
def test_there_and_back(rows):
    counts = compress(rows)
    again = pair_counts(counts.wins())
    for name in ("prompts", "responses", "prompt", "first", "second", "first_wins", "second_wins"):
        np.testing.assert_array_equal(getattr(again, name), getattr(counts, name), err_msg=name)
    np.testing.assert_array_equal(again.wins(), counts.wins())


@settings(deadline=None, max_examples=30)
@given(records, st.integers(0, 2**31))
def test_the_likelihood_of_any_preference_model_is_kept(rows, seed):
    """sum over labels of log P(winner > loser) = sum over pairs of counts times log P."""
    p = np.random.default_rng(seed).uniform(0.05, 0.95, size=(S, A, A))
    p = np.where(np.arange(A)[:, None] < np.arange(A), p, 1 - np.swapaxes(p, 1, 2))
    p[:, np.arange(A), np.arange(A)] = 0.5
    per_label = sum(np.log(p[s, a, b] if won else p[s, b, a]) for s, a, b, won in rows)
    counts = compress(rows)
    assert (counts.wins() * np.log(p)).sum() == pytest.approx(per_label, abs=1e-9)
    at, back = (counts.prompt, counts.first, counts.second), (counts.prompt, counts.second, counts.first)
    by_pair = counts.first_wins @ np.log(p[at]) + counts.second_wins @ np.log(p[back])
    assert by_pair == pytest.approx(per_label, abs=1e-9)


def test_the_order_of_records_and_of_the_two_responses_does_not_matter():
    rows = [(0, 1, 2, True), (0, 2, 1, False), (2, 3, 3, False), (1, 0, 3, True)]
    swapped = [(s, b, a, not won) for s, a, b, won in reversed(rows)]
    np.testing.assert_array_equal(compress(rows).wins(), compress(swapped).wins())


def test_no_records_are_no_pairs():
    counts = compress([])
    assert counts.labels == 0
    assert counts.prompt.size == 0
    assert counts.wins().sum() == 0


def test_numbers_may_be_floats_that_are_whole():
    counts = count_comparisons([0.0], [1.0], [2.0], [1.0], prompts=S, responses=A)
    assert counts.wins()[0, 1, 2] == 1


def test_many_responses_stay_a_list_of_pairs():
    counts = count_comparisons([0], [5], [99_999], [False], prompts=1, responses=100_000)
    assert (counts.first.tolist(), counts.second.tolist()) == ([5], [99_999])
    assert (counts.first_wins.tolist(), counts.second_wins.tolist()) == ([0], [1])
    with pytest.raises(
        SimbenchError, match=r"10,000,000,000 cells, more than 50,000,000; use the list of pairs"
    ):
        counts.wins()


GOOD = {"prompt": [0, 1], "first": [0, 3], "second": [1, 3], "first_won": [True, False]}

FAULTS = {
    "prompt large": (
        {"prompt": [0, 3]},
        r"data\.csv: prompt is 3 in row 1; it must be a whole number in \[0, 3\)",
    ),
    "prompt negative": ({"prompt": [-1, 0]}, r"prompt is -1 in row 0"),
    "first large": ({"first": [4, 0]}, r"first is 4 in row 0; it must be a whole number in \[0, 4\)"),
    "second fraction": ({"second": [0, 1.5]}, r"second is 1\.5 in row 1"),
    "second nan": ({"second": [0, np.nan]}, r"second is nan in row 1"),
    "won two": ({"first_won": [1, 2]}, r"first_won is 2 in row 1; it must be 0 or 1"),
    "won half": ({"first_won": [1, 0.5]}, r"first_won is 0\.5 in row 1; it must be 0 or 1"),
    "text": ({"first": ["a", "b"]}, r"first holds <U1 entries; each must be a whole number"),
    "objects": ({"first": [None, 1]}, r"first holds object entries"),
    "length": ({"first": [0]}, r"differ in length \(prompt 2, first 1, second 2, first_won 2\)"),
    "matrix": ({"first": [[0, 1]]}, r"first has shape \(1, 2\); it must be one column"),
    "scalar": ({"first": 0}, r"first has shape \(\); it must be one column"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_malformed_records_are_refused(fault):
    changes, sentence = FAULTS[fault]
    with pytest.raises(SimbenchError, match=sentence) as error:
        count_comparisons(**{**GOOD, **changes}, prompts=S, responses=A, where="data.csv")
    assert str(error.value).startswith("data.csv: ")


@pytest.mark.parametrize(
    ("wins", "sentence"),
    [
        (np.zeros((2, 2)), r"wins has shape \(2, 2\); win counts are \[S, A, A\]"),
        (np.zeros((2, 2, 3)), r"wins has shape \(2, 2, 3\)"),
        (np.full((1, 2, 2), 0.5), r"wins\[0, 0, 0\] is 0\.5; win counts are whole numbers"),
        (np.array([[[0, -1], [0, 0]]]), r"wins\[0, 0, 1\] is -1"),
        (np.array([[[0, np.nan], [0, 0]]]), r"wins\[0, 0, 1\] is nan"),
        (np.array([[["0"]]]), r"wins holds <U1 entries"),
    ],
)
def test_malformed_win_counts_are_refused(wins, sentence):
    with pytest.raises(SimbenchError, match=sentence):
        pair_counts(wins)
