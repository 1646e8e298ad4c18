"""The table of shipped environments in the documentation says what the worlds are."""

import re
from pathlib import Path

import pytest

from simbench.named_files import names
from simbench.quantities import measure
from simbench.worlds import make
from simbench.worlds.exact_gap import largest_gap

PAGE = (Path(__file__).parents[2] / "docs" / "worlds.md").read_text()
ROWS = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in PAGE.splitlines()]
WORLDS, GAMES = (
    {row[0]: row[1:] for row in ROWS if len(row) == width and row[0].startswith("`")} for width in (8, 7)
)


def documented(table):
    """Environment names of a table; `a_*` stands for every name that begins so."""
    for cell, numbers in table.items():
        for pattern in re.findall(r"`([\w*]+)`", cell):
            for name in names("environments"):
                if re.fullmatch(pattern.replace("*", r"\w*"), name):
                    yield name, numbers


def test_every_shipped_environment_is_in_the_table():
    assert {name for table in (WORLDS, GAMES) for name, _ in documented(table)} == set(names("environments"))


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "numbers"), list(documented(WORLDS)))
def test_its_row_is_right(name, numbers):
    world = make(name)
    assert [float(number) for number in numbers[:4]] == [
        world.prompts,
        world.responses,
        float(world.beta),
        float(world.reward_bound),
    ]
    measured = measure(world, world.log_ref, names=["value_gap", "coverage"])
    assert float(measured["value_gap"]) == pytest.approx(float(numbers[4]), rel=5e-3)
    assert float(measured["coverage"]) == pytest.approx(float(numbers[5]), rel=5e-3)
    found = largest_gap(world)
    low, _, high = numbers[6].partition(" to ")
    assert found.lower == pytest.approx(float(low), rel=5e-3)
    assert found.upper == pytest.approx(float(high or low), rel=5e-3)


@pytest.mark.parametrize(("name", "numbers"), list(documented(GAMES)))
def test_a_row_of_a_world_without_reward_is_right(name, numbers):
    world = make(name)
    assert world.reward is None
    shown = [world.prompts, world.responses, float(world.beta), float(world.reward_bound)]
    assert [float(number) for number in numbers[:4]] == shown
    measured = measure(world, world.log_ref)
    for payoff, number in zip(("log_odds", "preference"), numbers[4:], strict=True):
        assert float(measured[f"exploitability_{payoff}"]) == pytest.approx(
            float(number), rel=5e-3, abs=1e-12
        )
