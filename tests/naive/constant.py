"""The two learners that learn nothing: both slots from ref, or both uniform over the supported responses."""

import numpy as np


class NaiveReference:
    """pi_t = ref in both slots."""

    def start(self, world) -> None:
        self.log_policy = world.log_ref

    def act(self) -> tuple[np.ndarray, np.ndarray]:
        return self.log_policy, self.log_policy

    def observe(self, prompt: int, first: int, second: int, first_won: bool) -> None:
        """A constant policy has nothing to learn."""


class NaiveUniform(NaiveReference):
    """pi_t(a|s) = 1 / #{a : ref(a|s) > 0} on the supported responses, in both slots."""

    def start(self, world) -> None:
        supported = world.log_ref > -np.inf
        count = supported.sum(axis=1, keepdims=True)
        self.log_policy = np.where(supported, -np.log(count), -np.inf)
