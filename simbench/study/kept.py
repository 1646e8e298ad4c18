"""Worlds drawn lately: a plan, the learners of a study and its claims meet the same ones again."""

from collections.abc import Callable

import numpy as np

from simbench.bandit import Bandit

WORLDS = 64
SMALL_WORLD = 2**20  # bytes of a world that is kept


class KeptWorlds:
    """The latest worlds by name, WORLDS of them at most, small ones only."""

    def __init__(self) -> None:
        self._worlds: dict[str, Bandit] = {}

    def __len__(self) -> int:
        return len(self._worlds)

    def get(self, name: str, draw: Callable[[], Bandit]) -> Bandit:
        """Return the world called `name`, drawn now unless it is kept."""
        if name in self._worlds:
            return self._worlds[name]
        world = draw()
        if (
            sum(array.nbytes for array in vars(world).values() if isinstance(array, np.ndarray))
            <= SMALL_WORLD
        ):
            if len(self._worlds) >= WORLDS:
                del self._worlds[next(iter(self._worlds))]
            self._worlds[name] = world
        return world
