"""Points of coverage against value, from exact quantities of random policies; a bound that is altered must fail."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from simbench import tape
from simbench.errors import SimbenchError
from simbench.quantities import measure
from simbench.show.scatter import coverage_points, draw_coverage_by_value, draw_sharp_form, log_kappa_at
from simbench.show.style import new_figure
from simbench.worlds import make


def policies(world, count, tag, span):
    """Gibbs policies of random rewards in [0, span]: the lemma's class when span <= R."""
    key = tape.tape_key(axis="test", tag=tag)
    u = tape.uniforms_numpy(key, np.arange(count)[:, None], np.arange(world.log_ref.size)[None, :])
    tilt = world.log_ref + span * u.reshape(count, *world.log_ref.shape) / float(world.beta)
    return tilt - np.log(np.exp(tilt).sum(axis=-1, keepdims=True))


def table_of(span=1.0):
    rows = []
    for beta in (1.0, 0.2, 0.05):
        world = make({"family": "random_tabular", "parameters": {"prompts": 2, "responses": 5, "beta": beta}})
        names = ("value_gap", "coverage_excess", "max_density_ratio", "min_density_ratio")
        frame = pd.DataFrame(measure(world, policies(world, 200, f"beta {beta}", span), names))
        rows.append(
            frame.assign(setting=f"beta={beta}", instance=0, learner="random", **{"environment.beta": beta})
        )
    return pd.concat(rows, ignore_index=True)


POINTS = coverage_points(table_of())


def test_kappa_is_its_formula():
    x = np.array([1e-3, 0.5, 3.0, 1e4])
    np.testing.assert_allclose(np.exp(log_kappa_at(np.log(x))), (x - 1) ** 2 / (x - 1 - np.log(x)))


def test_every_policy_is_between_its_two_lines():
    assert len(POINTS.beta) == 600
    assert not POINTS.outside(POINTS.log_kappa_smallest, POINTS.log_kappa_largest).any()


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_an_altered_line_is_crossed(side):
    # The controls: density ratios understated by a factor e on either side.
    upper = POINTS.log_largest - (side == "upper")
    lower = POINTS.log_smallest + (side == "lower")
    assert POINTS.outside(log_kappa_at(lower), log_kappa_at(upper)).mean() > 0.05


def test_the_class_has_the_lemmas_density_ratios():
    assert POINTS.in_class(1.0).all()
    width = 2.0 / POINTS.beta
    assert not POINTS.outside(log_kappa_at(-width), log_kappa_at(width)).any()


def test_policies_outside_the_class_are_told_apart():
    wild = coverage_points(table_of(span=6.0))
    member = wild.in_class(1.0)
    assert 0 < member.sum() < member.size
    np.testing.assert_array_equal(
        member,
        (wild.log_largest <= 2.0 / wild.beta) & (-wild.log_smallest <= 2.0 / wild.beta),
    )


def test_repeated_and_optimal_policies_are_left_out():
    table = table_of()
    doubled = coverage_points(pd.concat([table, table]))
    assert len(doubled.beta) == len(POINTS.beta)
    optimal = table.assign(value_gap=0.0, coverage_excess=0.0)
    points = coverage_points(pd.concat([table, optimal]))
    assert (len(points.beta), points.left_out) == (600, 600)


def test_missing_columns_are_named():
    with pytest.raises(SimbenchError, match="no column 'coverage_excess'"):
        coverage_points(table_of().drop(columns="coverage_excess"))


def test_pictures_print_how_many_lie_outside():
    figure = new_figure(width=7.0, height=3.0)
    left, right = figure.subplots(1, 2)
    one = POINTS.select(POINTS.beta == 0.2)
    draw_coverage_by_value(left, one, reward_bound=1.0)
    draw_sharp_form(right, POINTS)
    assert left.get_title() == r"$R/\beta=5$: 0 of 200 outside the lines"
    assert right.get_title() == "all worlds together: 0 of 600 policies on the wrong side"


def test_pictures_count_what_is_outside():
    spoiled = dataclasses.replace(POINTS, excess=POINTS.excess * np.where(np.arange(600) < 7, 1e60, 1.0))
    ax = new_figure(width=3.0, height=3.0).subplots()
    draw_sharp_form(ax, spoiled)
    assert "7 of 600" in ax.get_title()
