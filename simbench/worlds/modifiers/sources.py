"""Source rewards of prescribed value gaps, exact to 1e-12.

    [sources]
    number = 4
    gap = [0.03, 0.15, 0.25, 0.35]       # J(pi*) - J(G(r^w)) in reward units; or one number; cycled over the sources
    directions = ["random"]              # cycled over the sources

Equal gaps in different directions give different coverage. `widest_gap` spreads the gaps evenly from `gap` to it;
`relative = true` counts them in units of the largest gap that a reward of the class can have. What is asked for is
met or refused, never approached.

The sources stay in the class of the world: with features they are linear in them, theta^w within `radius` (up to
shifts per prompt, which no policy sees); a finite class is enlarged by them. They are added behind the sources that
the family drew.

Source: `simbench`; sources by their gap, [huang2025].
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field, StrictBool

from simbench.bandit import Bandit
from simbench.errors import SimbenchError, UnknownNameError, nearest
from simbench.registry import Index, NonNegative, Positive, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import stream
from simbench.worlds.exact_gap import DIRECTIONS, Path, extreme_path, path, reward_of_gap

MOST_SOURCES = 100_000
DRAWS = 64  # random directions tried for one source, until one reaches its gap
Gaps = Annotated[
    tuple[NonNegative, ...],
    BeforeValidator(lambda given: given if isinstance(given, list | tuple) else (given,)),
    Field(min_length=1),
]


@register("modifier", "sources")
@parameters
class Sources:
    """Source rewards of exact value gaps.

    Args:
        number: W; 0 adds none.
        gap: one gap, or several, which the sources take in turn (reward units; fractions when `relative`).
        widest_gap: when given, the gaps run evenly from `gap`, one number, to this one.
        relative: whether gaps are fractions of the largest gap.
        directions: names of directions, which the sources take in turn.
        radius: of the ball that the parameters of sources stay in when the world has features; None for no ball.
    """

    number: Annotated[Index, Field(le=MOST_SOURCES)] = 1
    gap: Gaps = (0.1,)
    widest_gap: NonNegative | None = None
    relative: StrictBool = False
    directions: Annotated[tuple[str, ...], Field(min_length=1)] = ("random",)
    radius: Positive | None = None

    def __post_init__(self) -> None:
        """Refuse unknown directions, and gaps that contradict each other."""
        for name in self.directions:
            if name not in DIRECTIONS:
                raise UnknownNameError(f"no direction is called '{name}'. {nearest(name, DIRECTIONS)}")
        if self.widest_gap is not None and len(self.gap) > 1:
            raise SimbenchError(
                f"widest_gap is {self.widest_gap} and gap a list; evenly spaced gaps run from one number to another."
            )
        widest = max(*self.gap, self.widest_gap or 0.0)
        if self.relative and widest > 1:
            raise SimbenchError(f"gap is {widest}; a fraction of the largest gap is at most 1.")

    def gaps(self) -> list[float]:
        """Return the W gaps as given, before `relative` gives them a unit."""
        if self.widest_gap is not None:
            return [float(gap) for gap in np.linspace(self.gap[0], self.widest_gap, self.number)]
        return [self.gap[w % len(self.gap)] for w in range(self.number)]

    def apply(self, world: Bandit, key: Key) -> Bandit:
        """Return the world with the sources added.

        Raises:
            SimbenchError: a gap out of reach, with the source, its direction and the largest gap there is.
        """
        if self.number == 0:
            return world
        world.rewarded("the modifier sources")
        farthest = extreme_path(world, self.radius) if self.relative else None
        unit = 1.0 if farthest is None else farthest.reach
        rewards = []
        for w, gap in enumerate(self.gaps()):
            name = self.directions[w % len(self.directions)]
            found = (
                farthest
                if name == "extreme" and farthest
                else self._reaching(world, name, key, w, gap * unit)
            )
            rewards.append(self._reward(found, w, name, gap * unit))
        return with_sources(world, rewards)

    def _reaching(self, world: Bandit, name: str, key: Key, source: int, gap: float) -> Path:
        """Return the path in the direction called `name`; of random ones the first that reaches the gap."""
        if name != "random":
            return path(name, world, key, self.radius)
        drawn = []
        for draw in range(DRAWS):
            drawn.append(path(name, world, stream(key, f"sources/{source}/{draw}"), self.radius))
            if drawn[-1].reach >= gap:
                return drawn[-1]
        return max(drawn, key=lambda road: road.reach)

    def _reward(self, found: Path, source: int, name: str, gap: float) -> np.ndarray:
        try:
            return reward_of_gap(found, gap)
        except SimbenchError as error:
            if gap <= found.reach:
                raise SimbenchError(f"sources, source {source}: {error}") from None
        largest = extreme_path(found.world, self.radius).reach
        tried = f"{DRAWS} directions of '{name}' reach" if name == "random" else f"direction '{name}' reaches"
        remedy = (
            "choose a direction that reaches farther ('extreme' reaches all of it)"
            if gap <= largest
            else "lower sources.gap (sources.relative = true counts in units of the largest)"
        )
        raise SimbenchError(
            f"sources.gap is {gap:.6g} for source {source}; {tried} at most {found.reach:.6g}, and the largest gap "
            f"found among rewards of span {float(found.world.reward_bound):g} is {largest:.6g}: {remedy}."
        )


def with_sources(world: Bandit, rewards: Sequence[np.ndarray]) -> Bandit:
    """Return the world with rewards added behind its sources, and behind its finite class if it has one."""
    if not rewards:
        return world
    own = [] if world.sources is None else [world.sources]
    enlarged = None if world.reward_class is None else np.concatenate([world.reward_class, np.stack(rewards)])
    return world.replace(sources=np.concatenate([*own, np.stack(rewards)]), reward_class=enlarged)
