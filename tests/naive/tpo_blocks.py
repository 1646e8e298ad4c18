"""The skeleton of transfer policy optimisation: blocks of online rounds and of transfer rounds.

A block has N rounds; its first floor(share N + 1/2) are online rounds, the others transfer rounds; the run may
end inside a block. Slot 2 is always ref.

    online     slot 1 plays the online learner; it sees the labels of its own rounds, or all of them
    transfer   values = [V_opt(0), ..., V_opt(W-1), V_pes], each relative to J(ref); slot 1 plays the first
               within 1e-9 of the largest: G(sources[w]), or pi_OFF. V_opt(w) = +inf where N_w = 0,
               N_w = the number of transfer rounds that chose source w

V_opt uses all labels before the round. (pi_OFF, V_pes) uses none before the first label, and is computed again
after label number n whenever the schedule `refresh` says that n is due; in between it is held. pi_OFF at the end
is what TPO hands out.

A subclass says what `optimistic_value(w)` and `pessimistic()` = (pi_OFF, V_pes) are, and what is fitted after every
label, from `wins`.
"""

import abc
import math

import numpy as np

from tests.naive.extra import VPO, XPO, NoExtra
from tests.naive.loss import Logistic
from tests.naive.sampler import Reference, Self
from tests.naive.schedule import EveryRound
from tests.naive.sentence import NaiveSentence
from tests.naive.world import TIE, gibbs, kl


def first_best(values) -> int:
    """Return the first index within 1e-9 of the largest value; +inf equals +inf."""
    best = max(values)
    return next(i for i, value in enumerate(values) if value >= best - TIE)


def kl_to_ref(world, log_policy: np.ndarray) -> float:
    """KL(pi || ref), in nats."""
    return kl(world.rho, log_policy, world.log_ref)


class TransferBlocks(abc.ABC):
    def __init__(
        self,
        *,
        block: int,
        share: float,
        online: str,
        online_alpha: float,
        online_data: str,
        bonus_scale: float,
        delta: float,
        pessimism_scale: float,
        refresh,
    ):
        if block < 1 or not 0 <= share <= 1:
            raise ValueError(f"block is {block}, share {share}; block is at least 1, share in [0, 1].")
        if online not in ("xpo", "vpo", "online_dpo"):
            raise ValueError(f"online is {online!r}; it is 'xpo', 'vpo' or 'online_dpo'.")
        if online_data not in ("own", "all"):
            raise ValueError(f"online_data is {online_data!r}; it is 'own' or 'all'.")
        if bonus_scale < 0 or pessimism_scale < 0 or not 0 < delta < 1:
            raise ValueError(
                f"bonus_scale is {bonus_scale}, pessimism_scale {pessimism_scale}, delta {delta}; "
                "neither scale is negative, delta lies between 0 and 1."
            )
        self.block, self.share = block, share
        self.online, self.online_alpha, self.online_data = online, online_alpha, online_data
        self.bonus_scale, self.pessimism_scale, self.delta = bonus_scale, pessimism_scale, delta
        self.refresh = refresh

    @abc.abstractmethod
    def online_model(self):
        """Return the class in which the online learner fits."""

    @abc.abstractmethod
    def optimistic_value(self, w: int) -> float:
        """Return V_opt(w) of a source that has been pulled, `pulls[w]` >= 1."""

    @abc.abstractmethod
    def pessimistic(self) -> tuple[np.ndarray, float]:
        """Return log pi_OFF `[S, A]` and V_pes."""

    def start(self, world) -> None:
        self.world = world
        self.online_rounds = math.floor(self.share * self.block + 0.5)
        self.source_policies = [] if world.sources is None else [gibbs(world, r) for r in world.sources]
        S, A = world.log_ref.shape
        self.labels = 0
        self.wins = np.zeros((S, A, A), dtype=int)  # wins[s, a, b]: labels at s that preferred a to b
        self.pulls = [0] * len(self.source_policies)  # N_w
        self.chosen: list[str | int] = []  # of every round so far: "online", "off" or the source
        extra = {"xpo": XPO(self.online_alpha), "vpo": VPO(self.online_alpha), "online_dpo": NoExtra()}
        self.online_learner = NaiveSentence(
            model=self.online_model(),
            loss=Logistic(),
            extra=extra[self.online],
            first=Self(),
            second=Reference(),
            schedule=EveryRound(),
        )
        self.online_learner.start(world)
        self.start_estimates()
        self.log_off, self.pessimistic_value = self.pessimistic()
        self.upcoming = self.choose()  # what the next round plays

    @abc.abstractmethod
    def start_estimates(self) -> None:
        """Prepare what the estimates need of the world."""

    def values(self) -> list[float]:
        """Return [V_opt(0), ..., V_opt(W-1), V_pes]."""
        optimistic = [
            self.optimistic_value(w) if pulls > 0 else math.inf for w, pulls in enumerate(self.pulls)
        ]
        return [*optimistic, self.pessimistic_value]

    def choose(self) -> str | int:
        if self.labels % self.block < self.online_rounds:
            return "online"
        best = first_best(self.values())
        return best if best < len(self.pulls) else "off"

    def act(self) -> tuple[np.ndarray, np.ndarray]:
        if self.upcoming == "online":
            return self.online_learner.act()
        if self.upcoming == "off":
            return self.log_off, self.world.log_ref
        return self.source_policies[self.upcoming], self.world.log_ref

    def observe(self, prompt: int, first: int, second: int, first_won: bool) -> None:
        winner, loser = (first, second) if first_won else (second, first)
        self.wins[prompt, winner, loser] += 1
        self.labels += 1
        self.chosen.append(self.upcoming)
        if self.upcoming == "online" or self.online_data == "all":
            self.online_learner.observe(prompt, first, second, first_won)
        if self.upcoming not in ("online", "off"):
            self.pulls[self.upcoming] += 1
        self.fit(prompt)
        if self.refresh.due(self.labels):
            self.log_off, self.pessimistic_value = self.pessimistic()
        self.upcoming = self.choose()

    @abc.abstractmethod
    def fit(self, prompt: int) -> None:
        """Fit `wins` again, whose last label is at `prompt`."""

    def distilled(self) -> np.ndarray:
        """Return log pi_OFF `[S, A]`."""
        return self.log_off
