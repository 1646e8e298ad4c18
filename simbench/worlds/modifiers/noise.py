"""Labels of an annotator who is careless, or less (or more) decisive than the reward says.

    P(a > b | s) = e + (1 - 2e) sigmoid( (r*[s, a] - r*[s, b]) / T )

With probability 2e the annotator tosses a coin, which flips the answer with probability e; T > 1 blurs the
difference, T < 1 sharpens it. The reward, and with it every value and gap, is untouched: only labels change, and what
is computed from preferences (win rates). Bradley-Terry, e = 0 and T = 1, leaves the world as it is.

Source: `simbench`.
"""

from typing import Annotated

from pydantic import Field
from scipy.special import expit

from simbench.bandit import Bandit
from simbench.errors import SimbenchError
from simbench.registry import Positive, Probability, parameters, register
from simbench.tape import Key

LARGEST = 50_000_000  # cells of the preference table [S, A, A]: 400 MB
Flip = Annotated[Probability, Field(le=0.5)]


@register("modifier", "noise")
@parameters
class Noise:
    """Labels are flipped at random, or follow the reward at another temperature.

    Args:
        flip: e, the probability that a label is flipped, at most 1/2.
        temperature: T, what reward differences are divided by (no unit).
    """

    flip: Flip = 0.0
    temperature: Positive = 1.0

    def apply(self, world: Bandit, key: Key) -> Bandit:
        """Return the world with the annotator's preferences; the key does not matter.

        Raises:
            SimbenchError: a temperature for preferences that no reward explains, or a table that is too large.
        """
        if self.flip == 0 and self.temperature == 1:
            return world
        if world.prefs is not None and self.temperature != 1:
            raise SimbenchError(
                f"noise.temperature is {self.temperature}; this world has preferences of its own, which need not come "
                "from a reward: only noise.flip applies to them."
            )
        cells = world.prompts * world.responses**2
        if cells > LARGEST:
            raise SimbenchError(
                f"noise needs the table of preferences [S, A, A], {cells:,} cells here; at most {LARGEST:,} are held."
            )
        if world.prefs is not None:
            decided = world.prefs
        else:
            decided = expit((world.reward[:, :, None] - world.reward[:, None, :]) / self.temperature)
        return world.replace(prefs=self.flip + (1 - 2 * self.flip) * decided)
