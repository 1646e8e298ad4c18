"""`sb.fit_tabular`: what it refuses, and what it says that the labels leave open."""

import warnings

import numpy as np
import pytest

import simbench as sb

TWO = np.array([[0.0, 3.0], [2.0, 0.0]])


@pytest.mark.parametrize("ridge", [0, -1, 0.0, np.nan, np.inf, -np.inf, 1e-13, 1e13, "1", None, True, [1.0]])
def test_a_ridge_that_is_none(ridge):
    with pytest.raises(sb.SimbenchError, match=r"^ridge is .*; it must be a number in \[1e-12, 1e\+12\]\.$"):
        sb.fit_tabular(TWO[None], ridge)


@pytest.mark.parametrize(
    ("wins", "words"),
    [
        (TWO, r"wins has shape \(2, 2\); it must be \[S, A, A\] .*of one prompt: give wins\[None\]"),
        (np.ones((2, 3, 4)), r"wins has shape \(2, 3, 4\)"),
        (np.ones((0, 2, 2)), r"wins has shape \(0, 2, 2\)"),
        (np.ones((2, 0, 0)), r"wins has shape \(2, 0, 0\)"),
        (np.ones(4), r"wins has shape \(4,\)"),
        (7, r"wins has shape \(\)"),
        (-TWO[None], r"wins\[0, 0, 1\] is -3\.0; counts are finite numbers >= 0"),
        ([[[0, np.nan], [1, 0]]], r"wins\[0, 0, 1\] is nan"),
        ([[[0, 1], [np.inf, 0]]], r"wins\[0, 1, 0\] is inf"),
        ([[[0, 1], [1]]], "wins is no table of numbers"),
        ("wins", "wins is no table of numbers"),
    ],
)
def test_wins_that_are_none(wins, words):
    with pytest.raises(sb.SimbenchError, match=words):
        sb.fit_tabular(wins, 1.0)


def test_a_connected_field_says_nothing():
    """A cycle of single wins ties all responses together, and so does one upset in a chain."""
    cycle = np.zeros((1, 4, 4))
    cycle[0, np.arange(4), np.roll(np.arange(4), -1)] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for wins in (TWO[None], cycle, np.zeros((3, 1, 1))):
            fit = sb.fit_tabular(wins, 1.0)
            assert fit.identified.all()
            assert (fit.groups == 0).all()


def table(*labels, size=4):
    wins = np.zeros((size, size))
    for winner, loser in labels:
        wins[winner, loser] += 2
    return wins


UNBEATEN = table((1, 2), (2, 1), (2, 3), (3, 1), (0, 1), (0, 3))
APART = table((0, 2), (2, 0), (1, 3), (3, 1))


@pytest.mark.parametrize(
    ("wins", "groups", "identified", "words"),
    [
        (
            UNBEATEN,
            [0, 1, 1, 1],
            [False, True, True, True],
            "on prompt 0 the groups {0} | {1, 2, 3} were never compared, or always won by the same side",
        ),
        (UNBEATEN.T, [0, 1, 1, 1], [False, True, True, True], "the groups {0} | {1, 2, 3} were"),
        (APART, [0, 1, 0, 1], [True] * 4, "on prompt 0 the groups {0, 2} | {1, 3} were never compared."),
        (np.zeros((4, 4)), [0, 1, 2, 3], [False] * 4, "on prompt 0 no two responses were compared."),
        (7 * np.eye(4), [0, 1, 2, 3], [False] * 4, "on prompt 0 no two responses were compared."),
    ],
)
def test_what_labels_leave_open_is_named(wins, groups, identified, words):
    with pytest.warns(sb.UnidentifiedWarning) as caught:
        fit = sb.fit_tabular(wins[None], 1.0)
    (warning,) = caught
    assert words in str(warning.message)
    assert warning.filename == __file__
    assert fit.groups.tolist() == [groups]
    assert fit.identified.tolist() == [identified]
    assert np.isfinite(fit.rewards).all()


def test_what_is_identified_is_what_does_not_move_with_the_ridge():
    """Inside a group distances have a limit as the ridge vanishes; between groups they have none, or are zero."""
    with pytest.warns(sb.UnidentifiedWarning):
        small, smaller = (sb.fit_tabular(UNBEATEN[None], ridge).rewards[0] for ridge in (1e-8, 1e-11))
    np.testing.assert_allclose(np.diff(small[1:]), np.diff(smaller[1:]), rtol=0, atol=1e-6)
    assert smaller[0] - smaller[1] > small[0] - small[1] + 5


def test_many_prompts_are_counted():
    wins = np.stack([UNBEATEN, np.ones((4, 4)), *[APART] * 5])
    with pytest.warns(
        sb.UnidentifiedWarning, match="prompt 0 .*; on prompt 2 .*; on prompt 3 .*; and so on 3 fur"
    ):
        fit = sb.fit_tabular(wins, 1.0)
    assert fit.groups.max(axis=1).tolist() == [1, 0, 1, 1, 1, 1, 1]
