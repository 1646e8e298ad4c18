"""Transfer with one mistake each: the naive oracle of TPO, altered, and the parameters under which it is found out.

`docs/mutants.md` lists them. The oracle is altered in place of the product: it is plain, and costs no compilation.
"""

import dataclasses
import math

import numpy as np

from tests import naive
from tests.naive.tpo import value_over_ref
from tests.naive.tpo_blocks import TIE, first_best
from tests.naive.world import gibbs


class CountsTheNextSource(naive.NaiveTPO):
    """The pull of source w is counted for source w + 1."""

    def observe(self, prompt, first, second, first_won):
        played, before = self.upcoming, list(self.pulls)
        super().observe(prompt, first, second, first_won)
        if isinstance(played, int):
            self.pulls = before
            self.pulls[(played + 1) % len(before)] += 1
            self.upcoming = self.choose()


class CountsOnlineRounds(naive.NaiveTPO):
    """A round of the online learner counts as a pull of the source that TPS would have played."""

    def observe(self, prompt, first, second, first_won):
        online = self.upcoming == "online"
        would = first_best(self.values())
        super().observe(prompt, first, second, first_won)
        if online and would < len(self.pulls):
            self.pulls[would] += 1
            self.upcoming = self.choose()


class CountsNoSelfPairs(naive.NaiveTPO):
    """A pull whose two responses are the same is not counted in N_w."""

    def observe(self, prompt, first, second, first_won):
        played = self.upcoming
        super().observe(prompt, first, second, first_won)
        if isinstance(played, int) and first == second:
            self.pulls[played] -= 1
            self.upcoming = self.choose()


class LabelsWithoutSelfPairs(naive.NaiveTPO):
    """A self-pair is no label: RPO's n is smaller."""

    def pessimistic_values(self):
        every = self.labels
        self.labels -= int(np.trace(self.wins.sum(axis=0)))
        values = super().pessimistic_values()
        self.labels = every
        return values


class TrustsTheFit(naive.NaiveTPO):
    """The version space holds the likeliest reward alone."""

    def version_space(self):
        return [self.likeliest]


class BestCase(naive.NaiveTPO):
    """The best case over the version space in place of the worst."""

    def pessimistic_values(self):
        plausible = self.version_space()
        return [max(self.value_of[k][m] for k in plausible) for m in range(len(self.members))]


class KeepsTheUnlikely(naive.NaiveTPO):
    """The threshold is read the other way round; if nothing is left, all are."""

    def version_space(self):
        likely = super().version_space()
        return [k for k in range(len(self.members)) if k not in likely] or likely


class MinusBonus(naive.NaiveTPO):
    """Pessimism about sources."""

    def bonus(self, w):
        return -super().bonus(w)


class BonusOneOverN(naive.NaiveTPO):
    """1/N in place of 1/sqrt(N)."""

    def bonus(self, w):
        return super().bonus(w) / math.sqrt(self.pulls[w])


class BonusWithoutW(naive.NaiveTPO):
    """L = log(2M/delta)."""

    def bonus(self, w):
        members, sources = len(self.members), len(self.pulls)
        right = math.log(2 * members * sources / self.delta)
        return super().bonus(w) * math.sqrt(math.log(2 * members / self.delta) / right)


class UntriedSourcesWait(naive.NaiveTPO):
    """A source that was never played has its estimated value, and no more."""

    def values(self):
        values = super().values()
        for w, policy in enumerate(self.source_policies):
            if self.pulls[w] == 0:
                values[w] = value_over_ref(self.world, self.members[self.likeliest], policy)
        return values


class NeverRenews(naive.NaiveTPO):
    """pi_OFF is the one before any label."""

    def start(self, world):
        super().start(world)
        self.refresh = naive.Every(10**9)


class ChoosesBeforeRenewal(naive.NaiveTPO):
    """TPS compares with the V_pes, and plays the pi_OFF, that the last label has just replaced."""

    def observe(self, prompt, first, second, first_won):
        old = self.log_off, self.pessimistic_value
        super().observe(prompt, first, second, first_won)
        new = self.log_off, self.pessimistic_value
        self.log_off, self.pessimistic_value = old
        self.upcoming = self.choose()
        self.waiting = new

    def act(self):
        played = super().act()
        if self.labels:
            self.log_off, self.pessimistic_value = self.waiting
        return played


class OwnLabelsOnly(naive.NaiveTPO):
    """rhat and the version space forget the labels of online rounds."""

    def start(self, world):
        self.own = None
        super().start(world)

    def nll(self):
        every, self.wins = self.wins, self.wins if self.own is None else self.own
        nll = super().nll()
        self.wins = every
        return nll

    def observe(self, prompt, first, second, first_won):
        if self.own is None:
            self.own = np.zeros_like(self.wins)
        if self.upcoming != "online":
            winner, loser = (first, second) if first_won else (second, first)
            self.own[prompt, winner, loser] += 1
        super().observe(prompt, first, second, first_won)


class OnlineLearnsFromTheOtherData(naive.NaiveTPO):
    """`online_data` is mistaken: "own" for "all", "all" for "own"."""

    def start(self, world):
        self.online_data = {"own": "all", "all": "own"}[self.online_data]
        super().start(world)


class ShareRoundedDown(naive.NaiveTPO):
    """floor(alpha N) online rounds."""

    def start(self, world):
        super().start(world)
        self.online_rounds = math.floor(self.share * self.block)
        self.upcoming = self.choose()


class SourcesForFree(naive.NaiveTPO):
    """V_opt forgets beta KL(pi_w || ref)."""

    def optimistic_value(self, w):
        difference = np.exp(self.source_policies[w]) - np.exp(self.world.log_ref)
        gained = self.world.rho[:, None] * difference * self.members[self.likeliest]
        return float(np.sum(gained)) + self.bonus(w)


class SourcesNotAgainstRef(naive.NaiveTPO):
    """V_opt is a value, V_pes the difference to the reference's."""

    def optimistic_value(self, w):
        ref = np.exp(self.world.log_ref)
        worth = np.sum(self.world.rho[:, None] * ref * self.members[self.likeliest])
        return super().optimistic_value(w) + float(worth)


class RPOWithoutAllowance(naive.NaiveTPO):
    """RPO's inner minimum taken for a lower bound."""

    def pessimistic_values(self):
        self.pessimism_scale, right = 0.0, self.pessimism_scale
        values = super().pessimistic_values()
        self.pessimism_scale = right
        return values


class LastTie(naive.NaiveTPO):
    """The last source within 1e-9 of the largest value, in place of the first."""

    def choose(self):
        first = super().choose()
        if first == "online":
            return first
        values = self.values()
        last = max(i for i, value in enumerate(values) if value >= max(values) - TIE)
        return last if last < len(self.pulls) else "off"


class SourcesAsGiven(naive.NaiveTPO):
    """Source w plays softmax(r^w/beta): the reference is forgotten."""

    def start(self, world):
        super().start(world)
        uniform = world.replace(log_ref=np.full_like(world.log_ref, -math.log(world.log_ref.shape[1])))
        self.source_policies = [gibbs(uniform, r) for r in world.sources]


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A mistaken oracle, and the words of the right one."""

    oracle: type[naive.NaiveTPO]
    words: tuple[tuple[str, object], ...] = ()


def _mutant(oracle, **words):
    return Mutant(oracle, tuple(words.items()))


MUTANTS = {
    "pulls of the next source": _mutant(CountsTheNextSource),
    "online rounds are pulls": _mutant(CountsOnlineRounds),
    "self-pairs are no pulls": _mutant(CountsNoSelfPairs),
    "self-pairs are no labels": _mutant(LabelsWithoutSelfPairs, pessimism="rpo", pessimism_scale=0.01),
    "pessimism off": _mutant(TrustsTheFit),
    "best case for worst case": _mutant(BestCase),
    "version space turned round": _mutant(KeepsTheUnlikely),
    "rpo, no allowance": _mutant(RPOWithoutAllowance, pessimism="rpo", pessimism_scale=0.01),
    "bonus subtracted": _mutant(MinusBonus, bonus_scale=0.02),
    "bonus 1/N": _mutant(BonusOneOverN, bonus_scale=0.02),
    "bonus without W": _mutant(BonusWithoutW, bonus_scale=0.02),
    "untried sources wait": _mutant(UntriedSourcesWait),
    "last tie": _mutant(LastTie),
    "pi_OFF never renewed": _mutant(NeverRenews),
    "choice before renewal": _mutant(ChoosesBeforeRenewal),
    "online labels not in D": _mutant(OwnLabelsOnly),
    "online learner fed all labels": _mutant(OnlineLearnsFromTheOtherData),
    "online learner fed its own labels": _mutant(OnlineLearnsFromTheOtherData, online_data="all"),
    "share rounded down": _mutant(ShareRoundedDown, block=7, share=0.5),
    "sources without their KL": _mutant(SourcesForFree),
    "sources not against ref": _mutant(SourcesNotAgainstRef),
    "sources without ref": _mutant(SourcesAsGiven),
}
