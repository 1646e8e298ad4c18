"""Online DPO with a tabular class: fit all comparisons so far, play the Gibbs policy of the fit.

    rhat_t(s, .) = argmin over r in R^A of  - sum log sigma(r_winner - r_loser) + (ridge/2) ||r||^2,
                   the sum over all comparisons at s before round t   (rhat_0 = 0, so pi_0 = ref)
    pi_t         = G(rhat_t) = ref exp(rhat_t / beta) / Z

Slot 1 samples from pi_t and is charged; slot 2 samples from pi_t ("self") or from ref ("reference").
"""

import numpy as np

from tests.naive.fit import fit_rewards
from tests.naive.world import gibbs


class NaiveOnlineDPO:
    def __init__(self, *, ridge: float, second: str):
        if second not in ("self", "reference"):
            raise ValueError(f"second is {second!r}; it is 'self' or 'reference'.")
        self.ridge = ridge
        self.second = second

    def start(self, world) -> None:
        S, A = world.log_ref.shape
        self.world = world
        self.wins = np.zeros((S, A, A))  # wins[s, a, b] = how often a beat b at prompt s
        self.rhat = np.zeros((S, A))

    def act(self) -> tuple[np.ndarray, np.ndarray]:
        log_policy = gibbs(self.world, self.rhat)
        return log_policy, log_policy if self.second == "self" else self.world.log_ref

    def observe(self, prompt: int, first: int, second: int, first_won: bool) -> None:
        winner, loser = (first, second) if first_won else (second, first)
        self.wins[prompt, winner, loser] += 1
        if (
            first != second
        ):  # a self-pair adds a constant; the other prompts' objectives did not change at all
            self.rhat[prompt] = fit_rewards(self.wins[prompt], self.ridge, start=self.rhat[prompt])
