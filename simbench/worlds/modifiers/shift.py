"""Prompt shift: the prompts that are labelled are not the prompts that count.

    train_rho = (1 - amount) rho + amount q,      q ~ Dirichlet(concentration, ..., concentration)

Values, gaps and coverage average over rho; labels come from train_rho. Without a shared class of rewards nothing is
learned on a prompt that is never labelled; small concentrations leave few prompts that are.

Source: `simbench`.
"""

import numpy as np

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Probability, parameters, register
from simbench.tape import Key
from simbench.worlds.draws import log_dirichlet
from simbench.worlds.families.random_tabular import Concentration


@register("modifier", "shift")
@parameters
class Shift:
    """Labelled prompts come from a mixture of rho and a random distribution.

    Args:
        amount: the mixture's weight on the random distribution; 0 for no shift.
        concentration: of the Dirichlet that it is drawn from.
    """

    amount: Probability = 1.0
    concentration: Concentration = 1.0

    def apply(self, world: Bandit, key: Key) -> Bandit:
        """Return the world with `train_rho`.

        Raises:
            SimbenchError: a world that has a `train_rho` already.
        """
        if world.train_rho is not None:
            raise SimbenchError("shift: this world has a train_rho already; leave out the table [shift].")
        if self.amount == 0:
            return world
        drawn = np.exp(log_dirichlet(key, "shift", (world.prompts,), self.concentration))
        return world.replace(train_rho=(1 - self.amount) * world.rho + self.amount * drawn)
