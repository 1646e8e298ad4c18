"""The audit of TPO against plain loops over the naive oracle; and the sums behind its bounds."""

import math

import numpy as np
import pytest

from simbench.theory.transfer import huang2025_transfer_steps as steps
from simbench.worlds.families.random_finite import RandomFinite
from simbench.worlds.modifiers.sources import Sources
from tests import naive
from tests.naive.world import gibbs, kl

ROUNDS, RUNS = 100, 2
VARIANTS = [(1.0, 0), (0.3, 0), (0.002, 0), (1.0, 1), (0.002, 1)]  # with c = 0.002 pi_OFF is chosen, too


class Watched(naive.NaiveTPO):
    """The oracle, which holds every round of its own against the bound, and reads the count of another source."""

    def __init__(self, displaced):
        super().__init__(
            block=20,
            share=0.1,
            online="xpo",
            online_alpha=1e-3,
            online_data="own",
            bonus_scale=1.0,
            pessimism_scale=1.0,
            delta=0.1,
            pessimism="version_space",
            eta=1.0,
            refresh=naive.EveryRound(),
        )
        self.displaced = displaced

    def start(self, world):
        super().start(world)
        self.optimal = gibbs(world, world.reward)
        self.gaps = [self.gap(policy) for policy in self.source_policies]
        self.played, self.late = [], [0] * len(self.gaps)
        self.truth_loss = 0.0
        self.audit = dict.fromkeys(("share", "late_share", "regret_tps", "allowed", "truth_behind"), 0.0)
        self.audits = []

    def gap(self, log_policy):
        return self.world.beta * kl(self.world.rho, log_policy, self.optimal)

    def values(self):
        right, W = self.pulls, len(self.pulls)
        self.pulls = [right[(w - self.displaced) % W] for w in range(W)]
        values = super().values()
        self.pulls = right
        return values

    def observe(self, prompt, first, second, first_won):
        log_policy, _ = self.act()
        if self.upcoming != "online":
            self.charge(self.gap(log_policy))
        self.played.append(np.exp(log_policy))
        r = self.world.reward[prompt]
        u = r[first] - r[second] if first_won else r[second] - r[first]
        self.truth_loss += math.log1p(math.exp(-u))
        super().observe(prompt, first, second, first_won)
        behind = (self.truth_loss - min(self.nll())) / math.log(2 * len(self.members) / 0.1)
        self.audit["truth_behind"] = max(self.audit["truth_behind"], behind)
        self.audits.append(self.audit | {"pulls": sum(self.pulls)})

    def charge(self, gap):
        """Hold a round of TPS against its bound."""
        c, audit, M, W = self.bonus_scale, self.audit, len(self.members), len(self.pulls)
        c_R = 2 + math.exp(self.R) + math.exp(-self.R)
        L = math.log(2 * M * W / 0.1)
        widths = [c_R * math.sqrt(2 * L / n) if n else math.inf for n in self.pulls]
        error = math.inf
        if self.played:
            mean, optimal = np.mean(self.played, axis=0), np.exp(self.optimal)
            coverage = float(self.world.rho @ np.sum(optimal**2 / mean, axis=1))
            error = c_R * math.sqrt(3 * coverage * math.log(2 * M / 0.1) / len(self.played))
        doubts = [0.0 if c == 1 else (1 - c) * width for width in widths]
        m = min(error, *(delta + doubt for delta, doubt in zip(self.gaps, doubts, strict=True)))
        price = 0.0 if self.upcoming == "off" else (1 + c) * widths[self.upcoming]
        audit["share"] = max(audit["share"], gap / (m + price))
        audit["regret_tps"] += gap
        if math.isfinite(price):
            audit["allowed"] += m
        if self.upcoming != "off" and self.gaps[self.upcoming] > 2 * m:
            self.late[self.upcoming] += 1
        limits = [1 + 8 * (1 + c) ** 2 * c_R**2 * L / delta**2 for delta in self.gaps]
        audit["late_share"] = max(late / limit for late, limit in zip(self.late, limits, strict=True))


def test_the_audit_is_that_of_plain_loops():
    family = RandomFinite(members=4, prompts=2, responses=3, beta=0.3, reward_bound=0.5)
    key = steps.tape.instance_key(seed=5, instance=0)
    world = Sources(number=2, gap=(0.9, 0.05), relative=True, directions=("extreme", "random")).apply(
        family.draw(key), key
    )
    compiled = steps.later._cache_size()
    found = dict(steps.audits(world, VARIANTS, range(RUNS), ROUNDS, 5, 0))
    assert list(found) == [25, 50, 75, 100]
    assert steps.later._cache_size() == compiled + 1  # once, not anew from the second checkpoint on
    chosen = set()
    for k, (scale, displaced) in enumerate(VARIANTS):
        for run in range(RUNS):
            oracle = Watched(displaced)
            oracle.bonus_scale = scale
            naive.naive_run(world, oracle, rounds=ROUNDS, seed=5, instance=0, run=run)
            chosen |= set(oracle.chosen)
            for stop, audit in found.items():
                loops = oracle.audits[stop - 1]
                assert set(audit) == set(loops)
                for name, value in loops.items():
                    assert audit[name][k, run] == pytest.approx(value, rel=1e-9, abs=1e-9), name
    assert chosen == {"online", "off", 0, 1}


def test_the_sum_over_pulls():
    """sum_{0 < k < N} k^{-1/2} <= 2 sqrt(N) - 1 for every N >= 1."""
    N = np.arange(1, 10_000)
    sums = np.concatenate([[0.0], np.cumsum(N[:-1] ** -0.5)])
    assert (sums <= 2 * np.sqrt(N) - 1).all()


def test_the_needles_and_their_sources():
    """The truth is in the class, and not in the control's; source 0 is almost R worse, source 1 good or bad."""
    for second, low, high in ((0.8, 0.0, 0.1), (1.0, 0.5, 0.8)):
        world = steps.needles(second)
        assert any(np.array_equal(member, world.reward) for member in world.reward_class)
        optimal = gibbs(world, world.reward)
        gaps = [world.beta * kl(world.rho, gibbs(world, r), optimal) for r in world.sources]
        assert gaps[0] > 0.99 * world.reward_bound
        assert low < gaps[1] < high
        control = steps.without_truth(world)
        assert not any(np.array_equal(member, world.reward) for member in control.reward_class)
