"""Directions away from the true reward, by name.

    reverse         u = R - 2 r*: through the constant reward (t = 1/2, whose policy is ref) to the reversed one
    sharpen         u = 2 r* - R: greedier than pi*; needs a reward of span below R
    random          u = v - r*, v drawn uniformly from the vertices {0, R}^{SA}
    extreme         u = v - r*, v the vertex of the largest gap: it reaches every gap that exists
    raise_<which>   u = +R at one response of every prompt,  which = best, worst (by r*), common, rare (by ref)
    lower_<which>   u = -R at it

Equal gaps, different coverage: with the gap 0.3 in the rare-optimum world, Cov(pi*|pi) is about 3 for `extreme`, 5 for
`reverse`, and between 10 and 10^4 for `random`, which puts the whole gap on a few prompts and responses; below a gap of
about beta they hardly differ. Flattening, u = R/2 - r*, is half of `reverse`: the same path, hence the same source.

Source: `simbench`.
"""

from collections.abc import Callable

import numpy as np

from simbench.bandit import Bandit
from simbench.errors import UnknownNameError, nearest
from simbench.tape import Key, tape_key
from simbench.worlds.draws import unit_uniform
from simbench.worlds.exact_gap.largest import largest_gap
from simbench.worlds.exact_gap.linear import linear_path
from simbench.worlds.exact_gap.path import Path, tabular_path

WHICH: dict[str, Callable[[Bandit], np.ndarray]] = {
    "best": lambda world: world.reward,
    "worst": lambda world: -world.reward,
    "common": lambda world: world.log_ref,
    "rare": lambda world: -world.log_ref,
}
DIRECTIONS = (
    "reverse",
    "sharpen",
    "random",
    "extreme",
    *(f"raise_{which}" for which in WHICH),
    *(f"lower_{which}" for which in WHICH),
)


CANDIDATES = 32  # random directions among which `extreme` looks in a log-linear world


def path(name: str, world: Bandit, key: Key, radius: float | None = None) -> Path:
    """Return the path in the direction called `name`: log-linear when the world has features, else tabular.

    Args:
        name: one of `DIRECTIONS`.
        world: the world.
        key: what the direction 'random' is drawn from; the others do not look at it.
        radius: of the ball of the parameters of a log-linear world; None for no ball.

    Raises:
        UnknownNameError: no such direction, with the nearest one.
        SimbenchError: features that do not carry the true reward, or parameters outside the ball.
    """
    if name not in DIRECTIONS:
        raise UnknownNameError(f"no direction is called '{name}'. {nearest(name, DIRECTIONS)}")
    if name == "extreme":
        return extreme_path(world, radius)
    return _path(world, _direction(name, world, key), radius)


def extreme_path(world: Bandit, radius: float | None = None) -> Path:
    """Return the path of the largest reach.

    In a tabular world it leads to the vertex of `largest_gap`. Within a log-linear class nothing so short is known: it
    is the farthest-reaching of the tabular vertex's projection, the other directions, and 32 random ones.
    """
    vertex = _path(world, largest_gap(world).reward - world.reward, radius)
    if world.features is None:
        return vertex
    named = [(name, tape_key(axis="candidate")) for name in DIRECTIONS if name not in ("extreme", "random")]
    drawn = [("random", tape_key(axis="candidate", number=i)) for i in range(CANDIDATES)]
    candidates = [_path(world, _direction(name, world, key), radius) for name, key in named + drawn]
    return max([vertex, *candidates], key=lambda candidate: candidate.reach)


def _path(world: Bandit, direction: np.ndarray, radius: float | None) -> Path:
    if world.features is None:
        return tabular_path(world, direction)
    return linear_path(world, direction, radius)


def _direction(name: str, world: Bandit, key: Key) -> np.ndarray:
    """Return u, `[S, A]` in reward units."""
    bound = float(world.reward_bound)
    if name == "reverse":
        return bound - 2 * world.reward
    if name == "sharpen":
        return 2 * world.reward - bound
    if name == "random":
        return bound * (unit_uniform(key, "vertex", world.reward.shape) < 0.5) - world.reward
    sign, _, which = name.partition("_")
    score = np.where(np.isfinite(world.log_ref), WHICH[which](world), -np.inf)
    chosen = np.arange(world.responses) == score.argmax(-1)[:, None]
    return (bound if sign == "raise" else -bound) * chosen
