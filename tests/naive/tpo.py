"""TPO in a finite class {r^0, ..., r^{M-1}}: optimism about sources by counts, pessimism by a version space or RPO.

With R = reward_bound, pi_m = G(r^m), pi_w = G(sources[w]), all labels so far as data, n of them:

    value(r, pi) = E_pi r - E_ref r - beta KL(pi || ref)
    nll_m        = sum over labels of log(1 + exp(-(r^m[s, winner] - r^m[s, loser])));   mhat its first minimum
    V_opt(w)     = value(r^mhat, pi_w) + bonus_scale (2 + e^R + e^-R) sqrt(2 log(2 M W / delta) / N_w)

    version space   CS = {k : nll_k - min nll <= pessimism_scale log(2M/delta)}
                    pes_m = min over k in CS of value(r^k, pi_m)
    rpo             eta_n = eta sqrt(log(2M/delta) / n) / (1 + e^R)^2
                    pes_m = min over all k of value(r^k, pi_m) + (nll_k - min nll) / (n eta_n)
                            - pessimism_scale log(2M/delta) / (n eta_n)
                    n = 0:  pes_m = min over all k of value(r^k, pi_m)

    off = first m within 1e-9 of max pes_m;   pi_OFF = pi_off;   V_pes = pes_off

The block structure and the choice between [V_opt, V_pes] are those of `TransferBlocks`. [huang2025, Algorithms
1 and 2; the formulas: simbench]
"""

import math

import numpy as np

from tests.naive.function_class import Finite
from tests.naive.tpo_blocks import TransferBlocks, first_best, kl_to_ref
from tests.naive.world import TIE, gibbs


def value_over_ref(world, reward: np.ndarray, log_policy: np.ndarray) -> float:
    """Return E_pi r - E_ref r - beta KL(pi || ref), in reward units."""
    difference = np.exp(log_policy) - np.exp(world.log_ref)
    expected = np.sum(world.rho[:, None] * difference * reward)
    return float(expected - world.beta * kl_to_ref(world, log_policy))


class NaiveTPO(TransferBlocks):
    def __init__(self, *, model: str = "finite", pessimism: str, eta: float, **blocks):
        if model != "finite":
            raise ValueError(f"model is {model!r}; it is 'finite' here.")
        if pessimism not in ("version_space", "rpo"):
            raise ValueError(f"pessimism is {pessimism!r}; it is 'version_space' or 'rpo'.")
        if not eta > 0:
            raise ValueError(f"eta is {eta}; it must be positive.")
        super().__init__(**blocks)
        self.pessimism, self.eta = pessimism, eta

    def online_model(self) -> Finite:
        return Finite()

    def start_estimates(self) -> None:
        self.members = self.world.reward_class  # [M, S, A]
        self.policies = [gibbs(self.world, r) for r in self.members]
        self.R = float(self.world.reward_bound)
        # value_of[k][m] = value(r^k, pi_m): no label changes it
        self.fit(0)
        self.value_of = [[value_over_ref(self.world, r, p) for p in self.policies] for r in self.members]

    def nll(self) -> list[float]:
        """Return nll_m of all labels so far, `[M]`; a self-pair adds log 2 to each."""
        s, winner, loser = np.nonzero(self.wins)
        times = self.wins[s, winner, loser]
        return [float(np.sum(times * np.logaddexp(0, r[s, loser] - r[s, winner]))) for r in self.members]

    def fit(self, prompt: int) -> None:
        nll = self.nll()
        self.likeliest = next(m for m, value in enumerate(nll) if value <= min(nll) + TIE)

    def bonus(self, w: int) -> float:
        c_R = 2 + math.exp(self.R) + math.exp(-self.R)
        L = math.log(2 * len(self.members) * len(self.pulls) / self.delta)
        return self.bonus_scale * c_R * math.sqrt(2 * L / self.pulls[w])

    def optimistic_value(self, w: int) -> float:
        rhat = self.members[self.likeliest]
        return value_over_ref(self.world, rhat, self.source_policies[w]) + self.bonus(w)

    def version_space(self) -> list[int]:
        """Return the members of CS."""
        nll = self.nll()
        threshold = self.pessimism_scale * math.log(2 * len(nll) / self.delta)
        return [k for k, value in enumerate(nll) if value - min(nll) <= threshold]

    def pessimistic_values(self) -> list[float]:
        """Return pes_m, `[M]`."""
        everyone = range(len(self.members))
        if self.pessimism == "version_space":
            plausible = self.version_space()
            return [min(self.value_of[k][m] for k in plausible) for m in everyone]
        n = self.labels
        if n == 0:
            return [min(self.value_of[k][m] for k in everyone) for m in everyone]
        nll, confidence = self.nll(), math.log(2 * len(self.members) / self.delta)
        n_eta = n * self.eta * math.sqrt(confidence / n) / (1 + math.exp(self.R)) ** 2
        return [
            min(self.value_of[k][m] + (nll[k] - min(nll)) / n_eta for k in everyone)
            - self.pessimism_scale * confidence / n_eta
            for m in everyone
        ]

    def pessimistic(self) -> tuple[np.ndarray, float]:
        values = self.pessimistic_values()
        self.off = first_best(values)
        return self.policies[self.off], values[self.off]
