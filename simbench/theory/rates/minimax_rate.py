"""Where 1/sqrt(n) is real: two arms that differ by c/sqrt(n) in a world made for n labels.

For beta far below the difference the policy plays the arm that is ahead. After k informative labels it errs with
probability Phi(-c' / 2), c' the difference times sqrt(k), so E gap = (c'/sqrt(k)) Phi(-c'/2) and

    max over c' of  c' Phi(-c'/2) = 0.340  at c' = 1.50        counting informative labels, k
    0.340 sqrt(2) = 0.481                  at c  = 2.13        counting labels, n = 2 k: half of them are self-pairs

A run of the study `close_arms` is read after the number of labels that its world was made for. On any one of these
worlds the gap falls exponentially; the supremum over worlds falls like 1/sqrt(n). Source: Le Cam's two
points (Le Cam 1973; Yu 1997), a textbook method; the constants are `simbench`'s.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simbench.verify import Altered, Rate, claim
from simbench.verify.statistical.level import Level

STUDY = "close_arms"
MADE_FOR, SEPARATION = "environment.labels", "environment.separation"
WORST = 2.1  # of the grid; the maximum is flat
LARGEST = 1_000_000
TOGETHER = 64  # runs averaged into one, before whole runs are resampled: a gap is zero or the difference, nothing else


def at_their_labels(table):
    """Return the rows at which a run has as many labels as its world was made for."""
    return table[table["labels"] == table[MADE_FOR]]


def together(table):
    """Return means over TOGETHER runs of a world each, as if they were runs: as independent, nearly normal, and few."""
    keys = [key for key in table.columns if key not in ("run", "value_gap")]
    keys = [key for key in keys if "." in key or key in ("setting", "instance", "learner", "round", "labels")]
    of_group = table.assign(run=table["run"] // TOGETHER)
    return of_group.groupby([*keys, "run"], as_index=False, sort=False)["value_gap"].mean()


@claim("close_arms_fall_like_one_over_root_n", source="simbench; Le Cam's two points (Yu 1997)")
class CloseArmsRate(Rate):
    """E gap ~ n^p with -0.55 <= p <= -0.45 on worlds made for n labels, separation 2.1, n from 1e2 to 1e6.

    Controls: the slope -1 up to 0.1; one world, made for 1e6 labels, along the labels of its runs.
    """

    study = STUDY
    population = "worlds"  # two arms, the same in every instance
    column = "value_gap"
    x = MADE_FOR
    where: Mapping[str, Any] = {SEPARATION: WORST}
    at_least, at_most = -0.55, -0.45
    on_time = True
    controls = (
        Altered("the rate 1/n", at_least=-1.1, at_most=-0.9),
        Altered(
            "one world for all n",
            on_time=False,
            x="labels",
            decades=4.0,
            where={MADE_FOR: LARGEST, SEPARATION: WORST},
        ),
    )

    def test(self, rows, purpose):
        read = {name: at_their_labels(table) if self.on_time else table for name, table in rows.items()}
        return super().test({name: together(table) for name, table in read.items()}, purpose)


class Constant(Level):
    """sqrt(labels) E gap in worlds made for 1e6 labels."""

    study = STUDY
    population = "worlds"  # two arms, the same in every instance
    x = "labels"
    column = "sqrt(labels) value_gap"

    def test(self, rows, purpose):
        return super().test({name: together(at_their_labels(table)) for name, table in rows.items()}, purpose)

    def measured(self, rows):
        return np.sqrt(rows["labels"]) * rows["value_gap"]


@claim("close_arms_constant", source="simbench; Le Cam's two points (Yu 1997)")
class CloseArmsConstant(Constant):
    """0.43 <= sqrt(n) E gap <= 0.53 at separation 2.1 and n = 1e6 labels of ref x ref: 0.481 in the limit.

    Controls: 0.340, the constant per informative label, up to 0.04; separation 1, where it is 0.362.
    """

    where: Mapping[str, Any] = {MADE_FOR: LARGEST, SEPARATION: WORST}
    at_least, at_most = 0.43, 0.53
    controls = (
        Altered("self-pairs taken for informative", at_least=0.30, at_most=0.38),
        Altered("half the separation", where={MADE_FOR: LARGEST, SEPARATION: 1.0}),
    )


@claim("close_arms_constant_per_informative_label", source="simbench; Le Cam's two points (Yu 1997)")
class CloseArmsConstantInformative(Constant):
    """0.305 <= sqrt(n/2) E gap <= 0.375 at separation 2.1 and n = 1e6 labels: 0.340 in the limit.

    Of the labels n/2 are informative; the rest compare an arm with itself.

    Controls: 0.481, the constant per label, up to 0.04; separation 4, where it is 0.223.
    """

    where: Mapping[str, Any] = {MADE_FOR: LARGEST, SEPARATION: WORST}
    column = "sqrt(labels / 2) value_gap"
    at_least, at_most = 0.305, 0.375
    controls = (
        Altered("self-pairs not counted twice", at_least=0.43, at_most=0.53),
        Altered("twice the separation", where={MADE_FOR: LARGEST, SEPARATION: 4.0}),
    )

    def measured(self, rows):
        return super().measured(rows) / np.sqrt(2.0)


@claim("no_separation_beats_the_constant", source="simbench; Le Cam's two points (Yu 1997)")
class NoSeparationBeatsTheConstant(Constant):
    """sqrt(n) E gap <= 0.53 at every separation of the grid, n = 1e6: the supremum over worlds is 0.481.

    Control: at most 0.42.
    """

    where: Mapping[str, Any] = {MADE_FOR: LARGEST}
    at_most = 0.53
    controls = (Altered("a smaller constant", at_most=0.42),)
