"""Empirical TPO, prompt by prompt, in plain loops.

    u(slot) is the uniform of label t at the slot:  0 the prompt | 16 a random arm | 17, 18 ties for best and worst |
    19 ... 26 eight draws from pi | 27 ... the draws of the source

    prompt t of an iteration (from 0):   arm = random                 before the first renewal, t < refresh
                                              = argmax wins/n + c/sqrt(n), recomputed when t % refresh == 0, n = 0 first
    arm w < W:   y[0:4] = the four of largest r^w among n draws from pi (of equals the earlier),  y[4:8] = draws 4 ... 7
    arm W:       y[0:8] = the eight draws from pi
    best, worst: uniform among the positions of largest, smallest r*.   The arm is paid 1{best < 4}; arm W a constant.
    (y[best], y[worst]) is a pair unless both are the same response.

After the iteration pi <- base exp(rhat/beta)/Z with rhat fitted to the iteration's pairs.
"""

import dataclasses

import numpy as np

from simbench.tape import PROMPT, choose_numpy, run_key, uniforms_numpy
from tests.naive.function_class import Tabular
from tests.naive.loss import Logistic, Squared
from tests.naive.objective import Data
from tests.naive.world import TIE, gibbs, log_softmax, value_gap


@dataclasses.dataclass
class NaiveIteration:
    log_policy: np.ndarray  # [S, A] after the iteration
    prompts: list
    arms: list
    chosen: list
    rejected: list
    payments: list

    def pulls(self, arms: int) -> list[int]:
        return [self.arms.count(arm) for arm in range(arms)]


class NaiveEmpiricalTPO:
    def __init__(
        self,
        world,
        *,
        seed,
        run,
        prompts,
        arms="all",
        optimiser="dpo",
        reference="previous",
        null_reward=0.5,
        exploration=1.0,
        refresh=50,
        source_policy="best_of",
        source_samples=32,
        alpha=1e-3,
        ridge=1.0,
    ):
        self.world, self.key = world, run_key(seed=seed, instance=0, run=run)
        self.prompts, self.refresh, self.exploration = prompts, refresh, exploration
        self.optimiser, self.reference, self.alpha, self.ridge = optimiser, reference, alpha, ridge
        self.null_reward, self.source_policy, self.source_samples = null_reward, source_policy, source_samples
        self.sources = [] if world.sources is None else list(world.sources)
        self.null = len(self.sources)
        self.allowed = self.allowed_arms(arms)

    def allowed_arms(self, arms) -> list[int]:
        if arms == "all":
            return list(range(self.null + 1))
        if arms == "none":
            return [self.null]
        if isinstance(arms, int):
            return [arms]
        gaps = [value_gap(self.world, gibbs(self.world, source)) for source in self.sources]
        if arms == "best":
            return [next(w for w, gap in enumerate(gaps) if gap <= min(gaps) + TIE)]
        return [next(w for w, gap in enumerate(gaps) if gap >= max(gaps) - TIE)]

    def play(self, labels: int) -> list[NaiveIteration]:
        log_policy, done, start = self.world.log_ref, [], 0
        while start < labels:
            iteration = self.iterate(log_policy, start, min(self.prompts, labels - start))
            log_policy = iteration.log_policy
            done.append(iteration)
            start += self.prompts
        return done

    def iterate(self, log_policy, start: int, labels: int) -> NaiveIteration:
        out = NaiveIteration(log_policy, [], [], [], [], [])
        wins, pulls, comparators = {}, {}, []
        for arm in self.allowed:
            wins[arm], pulls[arm] = 0.0, 0
        promising = None
        for i in range(labels):
            if i and i % self.refresh == 0:
                promising = self.promising_arm(wins, pulls)
            arm = self.random_arm(start + i) if promising is None else promising
            prompt, y = self.responses(log_policy, start + i, arm)
            best, worst = self.ranked(prompt, y, start + i)
            payment = self.null_reward if arm == self.null else float(best < 4)
            entry = (prompt, arm, y[best], y[worst], payment)
            for column, value in zip(
                (out.prompts, out.arms, out.chosen, out.rejected, out.payments), entry, strict=True
            ):
                column.append(value)
            comparators.append(y[4])
            # What is not yet renewed is not yet looked at: counting at once is counting chunk by chunk.
            wins[arm] += payment
            pulls[arm] += 1
        base = log_policy if self.reference == "previous" else self.world.log_ref
        out.log_policy = self.optimised(base, out, comparators)
        return out

    def u(self, label: int, slot: int) -> float:
        return float(uniforms_numpy(self.key, label, slot))

    def random_arm(self, label: int) -> int:
        return self.allowed[int(self.u(label, 16) * len(self.allowed))]

    def promising_arm(self, wins, pulls) -> int:
        index = [
            wins[arm] / pulls[arm] + self.exploration / np.sqrt(pulls[arm]) if pulls[arm] else np.inf
            for arm in self.allowed
        ]
        return next(arm for arm, x in zip(self.allowed, index, strict=True) if x >= max(index) - TIE)

    def responses(self, log_policy, label: int, arm: int) -> tuple[int, list[int]]:
        train_rho = self.world.rho if self.world.train_rho is None else self.world.train_rho
        prompt = choose_numpy(train_rho, self.u(label, PROMPT))
        policy = np.exp(log_policy[prompt])
        y = [choose_numpy(policy, self.u(label, 19 + j)) for j in range(8)]
        if arm == self.null:
            return prompt, y
        source = self.sources[arm]
        if self.source_policy == "exact":
            pi_w = np.exp(gibbs(self.world, source)[prompt])
            return prompt, [choose_numpy(pi_w, self.u(label, 27 + j)) for j in range(4)] + y[4:]
        samples = [choose_numpy(policy, self.u(label, 27 + j)) for j in range(self.source_samples)]
        order = sorted(range(len(samples)), key=lambda j: (-source[prompt, samples[j]], j))
        return prompt, [samples[j] for j in order[:4]] + y[4:]

    def ranked(self, prompt: int, y: list[int], label: int) -> tuple[int, int]:
        rewards = [self.world.reward[prompt, a] for a in y]
        best = [j for j in range(8) if rewards[j] == max(rewards)]
        worst = [j for j in range(8) if rewards[j] == min(rewards)]
        return best[int(self.u(label, 17) * len(best))], worst[int(self.u(label, 18) * len(worst))]

    def optimised(self, base, iteration: NaiveIteration, comparators) -> np.ndarray:
        S, A = base.shape
        wins, credit, mass = np.zeros((S, A, A)), np.zeros((S, A)), np.zeros(S)
        for s, a, b, y in zip(
            iteration.prompts, iteration.chosen, iteration.rejected, comparators, strict=True
        ):
            if a != b:
                wins[s, a, b] += 1
            if self.optimiser == "xpo":
                mass[s] += self.alpha / float(self.world.beta)
                credit[s, y] += self.alpha / float(self.world.beta)
        loss = Squared() if self.optimiser == "ipo" else Logistic()
        data = Data(loss=loss, wins=wins, c=credit, m=mass, log_ref=base, beta=float(self.world.beta))
        fitted = Tabular(ridge=self.ridge)
        fitted.start(self.world)
        return log_softmax(base + fitted.fit(data, range(S)) / float(self.world.beta))
