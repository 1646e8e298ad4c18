"""Concentration in a linear class: the ellipsoid of the maximum-likelihood estimate, at all times, adaptive data.

Label i compares a with b from policies that the past determines; z_i = phi_a - phi_b, V = lambda I + sum_i z_i z_i'.
Let ||theta*|| <= B, B_z = B max ||z||, gamma = sigmoid'(B_z) = 1/(2 + e^{B_z} + e^{-B_z}), and

    thetahat = argmin { NLL(theta) + (gamma lambda/2) ||theta||^2  :  ||theta|| <= B }.

With probability 1 - delta, for all n,

    ||thetahat - theta*||_V <= (1/(2 gamma)) sqrt( log(det V/lambda^d) + 2 log(1/delta) ) + sqrt(lambda) B.

Proof. The objective is gamma-strongly convex in the norm of V on the ball, where |z'theta| <= B_z, so optimality of
thetahat gives gamma ||thetahat - theta*||_V <= ||sum_i (y_i - P*_i) z_i - gamma lambda theta*||_{V^{-1}}; the noise
is 1/2-subgaussian, and the self-normalised bound of Abbasi-Yadkori, Pal and Szepesvari (2011, Theorem 1) holds
for all n.

The ball matters twice. gamma must bound the curvature at every theta that the estimator might return, hence B_z of the
ball: with B_z = max |z'theta*|, or with the range R of the true rewards, gamma is too large and the ellipsoid too
small. On one pair of responses, a first label or two send thetahat to the far end of the ball, and a light ridge does
not hold it.

Runs of three kinds: "greedy" in d = 3, the first response from the policy of thetahat, the second from the reference;
"one pair", a small ball in d = 1, where the bound is within a factor of two; and "streak", where the wrong reading
fails. The estimate, and the bound, are looked at after every label up to EVERY, then at each 8 % more.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from simbench import tape
from simbench.errors import SimbenchError
from simbench.theory.foundations.concentration import drawn, run_tapes
from simbench.verify import Altered, Probable, claim
from simbench.worlds.draws import log_dirichlet, unit_uniform, unit_vectors

DELTA = 0.1
RUNS = {"quick": 300, "paper": 1200}
STREAK_RUNS = {"quick": 1000, "paper": 4000}
WORLDS = 4
EVERY = 50
GROWTH = 1.08
NEWTON_STEPS = 60
HALVINGS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class LinearWorld:
    """Features `[S, A, d]`, theta* `[d]` in a ball, a ridge lambda, and what greedy policies need.

    `log_ref [S, A]` and `beta` make the policies; a world without a reference compares response 1 with response 0.
    """

    features: np.ndarray
    theta: np.ndarray
    radius: float
    ridge: float
    log_ref: np.ndarray | None = None
    beta: float = 1.0

    @property
    def differences(self) -> np.ndarray:
        """Return phi_a - phi_b, `[S, A, A, d]`."""
        return self.features[:, :, None] - self.features[:, None, :]

    def curvature(self, reading: str) -> float:
        """Return gamma = sigmoid'(B_z), B_z that of the "ball" or, wrongly, that of the "truth" alone."""
        z = self.differences
        widest = np.linalg.norm(z, axis=-1) * self.radius if reading == "ball" else np.abs(z @ self.theta)
        chance = special.expit(np.max(widest))
        return float(chance * (1.0 - chance))


def greedy_world(key: tape.Key) -> LinearWorld:
    """Return a world in d = 3: unit features, theta* uniform in the unit ball, so B_z <= 2."""
    return LinearWorld(
        features=unit_vectors(key, "features", (2, 4), 3),
        theta=float(unit_uniform(key, "length", ())) ** (1 / 3) * unit_vectors(key, "theta", (), 3),
        radius=1.0,
        ridge=1.0,
        log_ref=log_dirichlet(key, "log_ref", (2, 4), 1.0),
        beta=0.2,
    )


def pair_world(theta: float, *, radius: float, ridge: float) -> LinearWorld:
    """Return d = 1 and two responses at distance one."""
    return LinearWorld(
        features=np.array([[[0.0], [1.0]]]), theta=np.array([theta]), radius=radius, ridge=ridge
    )


ONE_PAIR = pair_world(0.5, radius=0.5, ridge=10.0)
STREAKS = {
    "streak, lambda = 0.03": pair_world(0.5, radius=5.0, ridge=0.03),
    "streak, lambda = 0.0001": pair_world(0.5, radius=10.0, ridge=1e-4),
}


def fit_in_ball(z: np.ndarray, counts: Any, wins: Any, *, ridge: float, radius: float, start: Any) -> Any:
    """Return argmin NLL + (ridge/2) ||theta||^2 over the ball, `[runs, d]`, of aggregated labels.

    Newton's method with exact steps: the quadratic model is minimised over the ball, and the chord to its minimiser is
    halved until the objective falls. Runs whose steps are below 1e-7 of the radius are done, to about the square of it.

    Args:
        z: `[C, d]` the comparisons.
        counts, wins: `[runs, C]` how often each was made, and won.
        ridge: on ||theta||^2/2, in units of labels.
        radius: of the ball.
        start: `[runs, d]` in the ball.

    Raises:
        SimbenchError: steps that do not end.
    """
    theta, unit = np.array(start), np.eye(z.shape[1])
    going = np.arange(len(theta))
    for _ in range(NEWTON_STEPS):
        n, w, at = counts[going], wins[going], theta[going]
        chance = special.expit(at @ z.T)
        slope = (n * chance - w) @ z + ridge * at
        hessian = gram(n * chance * (1.0 - chance), z) + ridge * unit
        target = minimiser_in_ball(hessian, np.einsum("rde,re->rd", hessian, at) - slope, radius)
        step = target - at
        share = np.ones(len(at))
        value, falls = objective(z, n, w, ridge, at), np.sum(slope * step, axis=1)
        for _ in range(HALVINGS):
            after = objective(z, n, w, ridge, at + share[:, None] * step)
            worse = after > value + 1e-4 * share * falls + 1e-13 * np.abs(value)
            if not worse.any():
                break
            share = np.where(worse, 0.5 * share, share)
        theta[going] = at + share[:, None] * step
        going = going[np.linalg.norm(step, axis=1) > 1e-7 * radius]
        if not going.size:
            return theta
    raise SimbenchError(f"the fit in a ball of radius {radius} did not end in {NEWTON_STEPS} Newton steps.")


def gram(weights, z):
    """Return sum_c w_c z_c z_c', `[runs, d, d]`, for weights `[runs, C]`."""
    outer = z[:, :, None] * z[:, None, :]
    return (weights @ outer.reshape(len(z), -1)).reshape(len(weights), *outer.shape[1:])


def objective(z, counts, wins, ridge, theta):
    """Return NLL + (ridge/2) ||theta||^2, `[runs]`."""
    u = theta @ z.T
    # Terms of one sign: at the far end of the ball the sum is tiny, and a difference would lose it.
    loss = wins * np.logaddexp(0.0, -u) + (counts - wins) * np.logaddexp(0.0, u)
    return np.sum(loss, axis=1) + 0.5 * ridge * np.sum(theta**2, axis=1)


def minimiser_in_ball(hessian, linear, radius):
    """Return argmin x'Hx/2 - c'x over the ball, `[runs, d]`: (H + mu I) x = c with the least mu >= 0 that fits."""
    values, vectors = np.linalg.eigh(hessian)
    turned = np.einsum("rde,rd->re", vectors, linear)
    mu = np.zeros((len(turned), 1))
    outside = np.linalg.norm(turned / values, axis=1) > radius
    for _ in range(
        NEWTON_STEPS
    ):  # Newton on 1/||x(mu)|| - 1/radius, concave: it climbs to its root from mu = 0
        x = turned[outside] / (values + mu)[outside]
        norm = np.linalg.norm(x, axis=1, keepdims=True)
        bend = np.sum(x**2 / (values + mu)[outside], axis=1, keepdims=True)
        rise = norm**2 / bend * (norm - radius) / radius
        mu[outside] += np.maximum(rise, 0.0)
        if not np.any(norm > radius * (1.0 + 1e-13)):
            break
    x = np.einsum("rde,re->rd", vectors, turned / (values + mu))
    return x * np.minimum(1.0, radius / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300))


def looked_at(rounds: int) -> list[int]:
    """Return the n at which the estimate is looked at: every one up to EVERY, then at each 8 % more."""
    steps = [EVERY]
    while steps[-1] < rounds:
        steps.append(min(rounds, int(np.ceil(GROWTH * steps[-1]))))
    return [n for n in range(1, EVERY) if n <= rounds] + [n for n in steps if n <= rounds]


def played(world: LinearWorld, u: np.ndarray, reading: str) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Play; yield (n, error and bound `[runs]`) at every n that is looked at."""
    z, gamma, dimension = world.differences, world.curvature(reading), world.theta.size
    flat = z.reshape(-1, dimension)
    truth = special.expit(z @ world.theta)
    rounds, runs = u.shape[1:]
    counts, wins, every = np.zeros((runs, len(flat))), np.zeros((runs, len(flat))), np.arange(runs)
    stops, theta = set(looked_at(rounds)), np.zeros((runs, dimension))
    for t in range(rounds):
        s, a, b = compared(world, theta, u[:, t])
        cell = np.ravel_multi_index((s, a, b), z.shape[:3])
        counts[every, cell] += 1
        wins[every, cell] += u[tape.LABEL, t] < truth[s, a, b]
        if t + 1 in stops:
            theta = fit_in_ball(
                flat, counts, wins, ridge=gamma * world.ridge, radius=world.radius, start=theta
            )
            yield t + 1, error_and_bound(world, flat, counts, theta, gamma)


def compared(world, theta, u):
    """Return prompts, first and second responses `[runs]`: greedy against the reference, or the one pair."""
    if world.log_ref is None:
        zero = np.zeros(len(theta), dtype=int)
        return zero, zero + 1, zero
    prompts = len(world.features)
    s = drawn(np.arange(1, prompts + 1) / prompts, u[tape.PROMPT])
    greedy = special.softmax(
        world.log_ref[s] + np.einsum("rad,rd->ra", world.features[s], theta) / world.beta, axis=1
    )
    a = drawn(np.cumsum(greedy, axis=1), u[tape.RESPONSE_1])
    return s, a, drawn(np.cumsum(np.exp(world.log_ref), axis=1)[s], u[tape.RESPONSE_2])


def error_and_bound(world, z, counts, theta, gamma):
    """Return ||thetahat - theta*||_V and the right side of the theorem, `[runs]`."""
    unit = np.eye(z.shape[1])
    covariance = world.ridge * unit + gram(counts, z)
    off = theta - world.theta
    log_det = np.linalg.slogdet(covariance / world.ridge)[1]
    return {
        "error": np.sqrt(np.einsum("rd,rde,re->r", off, covariance, off)),
        "bound": np.sqrt(log_det + 2.0 * np.log(1.0 / DELTA)) / (2.0 * gamma)
        + np.sqrt(world.ridge) * world.radius,
    }


def tabled(setting, world, seed, instance, runs, rounds, reading):
    """Return the rows of `played` as a table."""
    u = run_tapes(seed, instance, runs, rounds)
    keys = {"setting": setting, "instance": instance, "run": np.array(runs)}
    rows = [
        pd.DataFrame(keys | {"round": n, **values}, copy=False) for n, values in played(world, u, reading)
    ]
    return pd.concat(rows, ignore_index=True)


def simulated(preset: str, seed: int) -> pd.DataFrame:
    """Return the error and its bound in greedy runs in d = 3, on one pair, and where the wrong reading fails."""
    runs = range(RUNS[preset])
    tables = [tabled(name, world, seed, 0, runs, 20, "ball") for name, world in STREAKS.items()]
    tables.append(tabled("one pair", ONE_PAIR, seed, 0, runs, 800, "ball"))
    for instance in range(WORLDS):
        world = greedy_world(tape.instance_key(seed=seed, instance=instance))
        share = range(len(runs) // WORLDS)
        tables.append(tabled("greedy", world, seed, instance, share, 500, "ball"))
    return pd.concat(tables, ignore_index=True)


def simulated_streaks(preset: str, seed: int) -> pd.DataFrame:
    """Return the error and its bound with gamma from theta* alone, where it fails."""
    runs = range(STREAK_RUNS[preset])
    return pd.concat(
        [tabled(name, world, seed, 0, runs, 20, "truth") for name, world in STREAKS.items()],
        ignore_index=True,
    )


class Ellipsoid(Probable):
    """The error in the norm of V, against its bound."""

    delta = DELTA
    population = "worlds"  # a bound for every world is tested in those at hand

    def measured(self, rows):
        return rows["error"]

    def theory(self, rows):
        return rows["bound"]


@claim(
    "linear_mle_ellipsoid",
    source="simbench; zhu2023, Lemma 3.1, recalled; Abbasi-Yadkori, Pal and Szepesvari (2011), Theorem 1, recalled",
)
class LinearMLEEllipsoid(Ellipsoid):
    """||thetahat - theta*||_V <= (1/(2 gamma)) sqrt(log(det V/lambda^d) + 2 log(1/delta)) + sqrt(lambda) B, all n.

    With probability 1 - delta, whatever the past chooses to compare; all n up to 50, then a grid (weaker). V = lambda
    I + sum z z' with a ridge lambda in dimension d, z differences of features, B the radius of the ball; gamma =
    sigmoid'(B_z) with B_z = B max ||z|| of the ball that thetahat is sought in. Starts from the cited bound for fixed
    data. Measured: the error of the ball-constrained estimate with ridge gamma lambda. Controls: constants near the
    median over runs of what they use, a quarter of the bound in d = 3, less than half of it on one pair.
    """

    controls = (
        Altered("a quarter of the bound, in d = 3", where={"setting": "greedy"}, constant=0.25),
        Altered("0.47 of the bound, on one pair", where={"setting": "one pair"}, constant=0.47),
    )

    def simulate(self, preset, seed):
        return simulated(preset, seed)


@claim(
    "linear_mle_ellipsoid_of_the_truth",
    source="simbench",
    expected="violated",
    corrected_by="linear_mle_ellipsoid",
)
class LinearMLEEllipsoidOfTheTruth(Ellipsoid):
    """The same ellipsoid with B_z = max |z'theta*|, or the range R of r*, in place of B max ||z||: false in d = 1.

    theta* = 1/2 = R on one pair, one label after the other. With B = 5 and lambda = 0.03 a fifth of the runs break it
    (0.207 by enumeration), with B = 10 and lambda = 0.0001 all do, at the first label; delta = 0.1 of them may. The
    ball's B_z, under which the ellipsoid is right, is the correction, judged on these two worlds too.
    """

    def simulate(self, preset, seed):
        return simulated_streaks(preset, seed)
