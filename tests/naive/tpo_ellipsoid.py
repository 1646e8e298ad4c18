"""TPO in the linear and the tabular class: optimism and pessimism by the ellipsoid of the estimate.

With phi = the world's features, r = phi theta, ||theta|| <= B (linear); or one feature per cell, theta = r in
[0, R]^(S A) (tabular). All labels so far as data, z = phi(s, winner) - phi(s, loser), zero for a self-pair:

    V        = lam I + sum z z'
    D        = B max over s, a, b of ||phi(s, a) - phi(s, b)||   (linear),   R   (tabular)
    gamma    = 1 / (2 + e^D + e^-D), the least slope of sigma on [-D, D]
    thetahat = argmin over the class of  NLL + (gamma lam / 2) ||theta - theta0||^2,   theta0 = 0 or R/2
    bet      = p bet_1,   bet_1 = sqrt(log det(V / lam) + 2 log(1/delta)) / (2 gamma) + sqrt(lam) B0
               B0 = B (linear),  (R/2) sqrt(S A)  (tabular),   p = pessimism_scale

With probability 1 - delta, ||thetahat - theta*||_V <= bet_1 after every label. With x_w = E phi(pi_w) - E_ref phi,

    V_opt(w)        = <thetahat, x_w> - beta KL(pi_w || ref) + bonus_scale bet_1 ||x_w||_{V^-1}
    V_pes, pi_OFF   = max over all policies of <thetahat, x> - bet ||x||_{V^-1} - beta KL(. || ref)

thetahat, V and bet are those of all labels so far whenever they are used. The block structure and the choice are
those of `TransferBlocks`; the online learner fits in the same class, by its own ridge (tabular: without the box).
[xiong2023, Algorithm 1; huang2025, Algorithms 1 and 2; the ellipsoid: simbench]
"""

import math

import numpy as np

from tests.naive.ellipsoid import Potential, difference_to_ref, pessimum
from tests.naive.function_class import Box, Linear, Tabular
from tests.naive.loss import Logistic
from tests.naive.objective import Data
from tests.naive.tpo_blocks import TransferBlocks, kl_to_ref


class NaiveEllipsoidTPO(TransferBlocks):
    def __init__(self, *, model: str, lam: float, radius: float = math.nan, online_ridge: float, **blocks):
        if model not in ("linear", "tabular"):
            raise ValueError(f"model is {model!r}; it is 'linear' or 'tabular' here.")
        if not lam > 0:
            raise ValueError(f"lam is {lam}; it must be positive.")
        if model == "linear" and not radius > 0:
            raise ValueError(f"radius is {radius}; the linear class needs a positive one.")
        super().__init__(**blocks)
        self.model, self.lam, self.radius, self.online_ridge = model, lam, radius, online_ridge

    def online_model(self):
        if self.model == "tabular":
            return Tabular(ridge=self.online_ridge)
        return Linear(ridge=self.online_ridge, radius=self.radius)

    def start_estimates(self) -> None:
        world = self.world
        S, A = world.log_ref.shape
        if self.model == "tabular":
            R = float(world.reward_bound)
            self.features = np.eye(S * A).reshape(S, A, S * A)
            largest_difference, self.B0 = R, R / 2 * math.sqrt(S * A)
        else:
            if world.features is None:
                raise ValueError("the world has no features.")
            self.features = world.features
            pairs = self.features[:, :, None, :] - self.features[:, None, :, :]
            largest_difference = self.radius * float(np.sqrt(np.sum(pairs**2, axis=3)).max())
            self.B0 = self.radius
        self.gamma = 1 / (2 + math.exp(largest_difference) + math.exp(-largest_difference))
        ridge = self.gamma * self.lam
        self.estimator = (
            Box(ridge=ridge) if self.model == "tabular" else Linear(ridge=ridge, radius=self.radius)
        )
        self.estimator.start(world)
        self.potential = Potential(world, self.features)
        self.differences = [difference_to_ref(world, self.features, p) for p in self.source_policies]

    def fit(self, prompt: int) -> None:
        S, A = self.world.log_ref.shape
        data = Data(
            loss=Logistic(),
            wins=self.wins,
            c=np.zeros((S, A)),
            m=np.zeros(S),
            log_ref=self.world.log_ref,
            beta=float(self.world.beta),
        )
        self.estimator.fit(data, [prompt])

    @property
    def thetahat(self) -> np.ndarray:
        """The estimate `[d]`; theta0 before the first label."""
        theta = self.estimator.fitted.ravel() if self.model == "tabular" else self.estimator.theta
        return theta.astype(float)

    @property
    def information(self) -> np.ndarray:
        """V of all labels so far, `[d, d]`."""
        V = self.lam * np.eye(self.features.shape[2])
        for s, winner, loser in np.argwhere(self.wins):
            z = self.features[s, winner] - self.features[s, loser]
            V += self.wins[s, winner, loser] * np.outer(z, z)
        return V

    @property
    def bet_1(self) -> float:
        """The radius of the ellipsoid that theory asks for."""
        log_det = float(np.linalg.slogdet(self.information / self.lam)[1])
        chance = math.sqrt(log_det + 2 * math.log(1 / self.delta)) / (2 * self.gamma)
        return chance + math.sqrt(self.lam) * self.B0

    @property
    def bet(self) -> float:
        """The radius that pessimism uses."""
        return self.pessimism_scale * self.bet_1

    def width(self, x: np.ndarray) -> float:
        """Return ||x||_{V^-1}."""
        return math.sqrt(x @ np.linalg.solve(self.information, x))

    def optimistic_value(self, w: int) -> float:
        x = self.differences[w]
        estimate = self.thetahat @ x - self.world.beta * kl_to_ref(self.world, self.source_policies[w])
        return float(estimate + self.bonus_scale * self.bet_1 * self.width(x))

    def lower_value(self, log_policy: np.ndarray) -> float:
        """Return <thetahat, x> - bet ||x||_{V^-1} - beta KL(pi || ref) of any policy."""
        x = difference_to_ref(self.world, self.features, log_policy)
        cost = self.bet * self.width(x) + self.world.beta * kl_to_ref(self.world, log_policy)
        return float(self.thetahat @ x - cost)

    def pessimistic(self) -> tuple[np.ndarray, float]:
        self.worst = pessimum(
            self.potential, self.features, centre=self.thetahat, V=self.information, radius=self.bet
        )
        return self.worst.log_policy, self.worst.value
