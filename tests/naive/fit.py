"""The regularised Bradley-Terry fit of one prompt, by damped Newton.

    minimise over r in R^A   L(r) = - sum over comparisons log sigma(r_winner - r_loser) + (ridge/2) ||r||^2

With wins[a, b] = how often a beat b, and sigma' = sigma (1 - sigma),

    flow[a, b]   = wins[a, b] sigma(r_b - r_a) - wins[b, a] sigma(r_a - r_b)
    gradient_a   = ridge r_a - sum_b flow[a, b]
    weight[a, b] = (wins[a, b] + wins[b, a]) sigma'(r_a - r_b)
    Hessian      = ridge I + diag(sum_b weight[a, b]) - weight

A self-pair is the constant log 1/2: it moves nothing, and the diagonal of `wins` is ignored.

**Step.** d = -Hessian^{-1} gradient, r <- r + (log1p(h)/h) d with h = max d - min d. Undamped Newton
overshoots when the data separate; this factor tends to one as h tends to zero, so the last iterations are
quadratic. L is strictly convex: where the iteration starts decides how many steps it takes, not where it
ends.

**Stopping.** At max|d| <= 1e-12 (1 + max|r|), after that last step is taken. No step is ever accepted
because it stagnated, for the roundoff floor lies far below the rule: 3e-16 (1 + max|r|) at most, measured
with ridges from 1e-6 to 100 and up to 1e7 labels. Two things keep it there. `flow` is antisymmetric to the
last bit, so the rounding of a difference r_a - r_b acts on that difference alone, relative to the curvature
of its own pair. And `math.fsum` rounds the exact sum over b once: the rounding of a plain float64 sum has a
part along (1, ..., 1), where the curvature is the ridge alone (with 1e5 labels and ridge 1e-3 the step then
stagnates around 1e-12, at the rule itself). Far below a ridge of 1e-15 x labels the Hessian is singular in
float64, and NumPy raises.
"""

import math

import numpy as np

from tests.naive.world import sigmoid

TOLERANCE = 1e-12  # largest last Newton step, per unit of parameter
MAX_ITERATIONS = 200  # from zero, 1e7 labels at ridge 1e-6 take 75


def derivatives(rewards: np.ndarray, wins: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient `[A]` and Hessian `[A, A]` of L at `rewards [A]`; `wins [A, A]` has a zero diagonal."""
    loses = sigmoid(rewards[None, :] - rewards[:, None])  # loses[a, b] = P(a loses to b)
    flow = wins * loses - (wins * loses).T
    pulls = (-flow).tolist()
    gradient = [math.fsum([ridge * r, *pull]) for r, pull in zip(rewards.tolist(), pulls, strict=True)]
    weight = (wins + wins.T) * loses * loses.T
    return np.array(gradient), np.diag(ridge + weight.sum(axis=1)) - weight


def fit_rewards(wins: np.ndarray, ridge: float, start: np.ndarray) -> np.ndarray:
    """Return the minimiser of L, `[A]`, for `wins [A, A]`; the iteration begins at `start [A]`.

    Raises:
        RuntimeError: the Newton step is still above the rule after `MAX_ITERATIONS`.
    """
    wins = wins * (1.0 - np.eye(len(wins)))  # self-pairs carry no information
    rewards = start
    for _ in range(MAX_ITERATIONS):
        gradient, hessian = derivatives(rewards, wins, ridge)
        step = np.linalg.solve(hessian, -gradient)
        converged = np.abs(step).max() <= TOLERANCE * (1.0 + np.abs(rewards).max())
        spread = step.max() - step.min()
        rewards = rewards + (math.log1p(spread) / spread if spread > 0 else 1.0) * step
        if converged:
            return rewards
    raise RuntimeError(
        f"the Bradley-Terry fit (ridge {ridge:g}, {wins.sum():.0f} labels) did not converge in "
        f"{MAX_ITERATIONS} Newton steps: the last one is {np.abs(step).max():.3g}."
    )
