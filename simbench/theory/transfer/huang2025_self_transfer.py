"""Self-transfer [huang2025, Theorem 3.2]: offline learning on the data of a learner of small regret, with constants.

Round t draws s ~ rho, a ~ pi_t from a policy pi_t = G(r^m) of a finite class that the past determines, b ~ ref, and a
label. pibar is the mean of pi_1 ... pi_T. With L = log(2M/delta), V(pi, r) = E_{pi - ref} r - beta KL(pi||ref) and the
version space CS = {r : loglik(rhat) - loglik(r) <= L},

    pi_OFF = argmax_{pi in Pi} min_{r in CS} V(pi, r)         pessimism by enumeration

    J(pi*) - J(pi_OFF) <= V(pi*, r*) - min_{r in CS} V(pi*, r)                        r* in CS, pi* in Pi
                        = E_{s, a~pi*, b~ref} (D_a - D_b),   D = r* - r               of the worst r in CS
                       <= sqrt( Cov(pi*|pibar) E_{s, a~pibar, b~ref} (D_a - D_b)^2 )  Cauchy-Schwarz
                       <= c_R sqrt( 3 Cov(pi*|pibar) L / T )                          `version_space_is_valid_and_small`

for all T at once with probability 1 - delta; c_R = 2 + e^R + e^{-R}. By `coverage_of_the_average_policy`

    Cov(pi*|pibar) <= 1 + kappa(e^{2R/beta}) mean_t (J(pi*) - J(pi_t)) / beta,

so that a learner of no regret is good data for T^{-1/2}, whatever the size or the coverability of the response space.
log M stays. The version space stands in place of RPO's estimate, of which the source speaks; the constants are of our
re-derivation.

Worlds. "random": uniform rewards, R = 2 beta (where kappa is 60) or R = 10 beta, a greedy learner. "rare arm": two
responses, the better one with ref = 1e-5, beta = R/50, so that pi* plays nothing else, and a class of two, "it is
better" and "it is not". A greedy learner that is unlucky early goes back to ref for good, and its coverage says so; an
optimistic one (the best value in CS) does not. As T p_best < 1, labels of the reference alone say nothing there, and as
T is above 480 Cov(pi*|pibar), the bound with the coverage of the optimistic learner's pibar is then broken: data and
coverage have to belong to each other. (Below that T the bound exceeds every gap there is, and refutes nothing.)
"""

import jax
import numpy as np
import pandas as pd

from simbench import quantities as q
from simbench import tape
from simbench.bandit import Bandit
from simbench.compiling import quickly
from simbench.quantities.values.value import TIE
from simbench.theory.foundations.concentration import (
    advantages_of,
    gibbs_of,
    labelled,
    likeliest,
    run_tapes,
    truth_of,
)
from simbench.verify import Altered, Probable, claim
from simbench.worlds.families.random_finite import RandomFinite

DELTA = 0.1
RUNS = {"quick": 300, "paper": 1200}
WORLDS = 2
COUNTS = tuple(2**k for k in range(4, 11))  # T
FAMILIES = {
    f"random, R = {ratio} beta": RandomFinite(
        members=32, prompts=2, responses=4, beta=1.0 / ratio, reward_bound=1.0
    )
    for ratio in (2, 10)
}
TAIL = 1e-5  # ref of the rare arm


def rare_best_arm():
    """Return the world of the rare arm: r* = (1, 0), and the class {r*, 0}."""
    truth = np.array([[1.0, 0.0]])
    return Bandit(
        rho=np.ones(1),
        log_ref=np.log(np.array([[TAIL, 1.0 - TAIL]])),
        reward=truth,
        beta=0.02,
        reward_bound=1.0,
        reward_class=np.stack([truth, 0.0 * truth]),
    )


def width_of(world):
    """Return L = log(2M/delta)."""
    return np.log(2.0 * len(world.reward_class) / DELTA)


def in_version_space(log_ratio, width):
    """Return whether each member is in CS `[runs, M]`."""
    return log_ratio >= log_ratio.max(axis=1, keepdims=True) - width


def optimistic(world):
    """Return the rule that plays the member of CS with the largest value by its own account."""
    own, width = np.diagonal(advantages_of(world)), width_of(world)

    def choose(log_ratio):
        worth = np.where(in_version_space(log_ratio, width), own, -np.inf)
        return np.argmax(worth >= worth.max(axis=1, keepdims=True) - TIE, axis=1)

    return choose


def reference_only(world):
    """Return the rule that never learns: the reference, index M."""
    return lambda log_ratio: np.full(len(log_ratio), len(world.reward_class))


def pessimistic(world, log_ratio):
    """Return the member whose policy is pi_OFF `[runs]`, after log-likelihood ratios `[runs, M]`."""
    inside = in_version_space(log_ratio, width_of(world))
    lowest = np.min(np.where(inside[:, :, None], advantages_of(world), np.inf), axis=1)
    return np.argmax(lowest >= lowest.max(axis=1, keepdims=True) - TIE, axis=1)


def gathered(world, u, choose):
    """Play; return pi_OFF `[T, runs]` and the shares of the policies so far `[T, runs, M + 1]`, T in COUNTS."""
    runs = u.shape[2]
    played = np.zeros((runs, len(world.reward_class) + 1))
    off, shares = [], []
    for t, (first, _, log_ratio, _) in enumerate(labelled(world, u, choose), start=1):
        played[np.arange(runs), first] += 1.0
        if t in COUNTS:
            off.append(pessimistic(world, log_ratio))
            shares.append(played / t)
    return np.array(off), np.array(shares)


@quickly
def gaps_of(world, log_policies):
    """Return J(pi*) - J(pi) of policies `[M + 1, S, A]`."""
    return jax.vmap(lambda policy: q.value_gap(world, policy))(log_policies)


def tabled(setting, world, choose, seed, instance, runs):
    """Return the gap of pi_OFF, the same from labels of the reference, and what the bounds consist of, per run, T."""
    u = run_tapes(seed, instance, runs, COUNTS[-1])
    off, shares = gathered(world, u, choose)
    policies = gibbs_of(world)
    gaps = np.asarray(gaps_of(world, np.log(policies)))
    best = policies[truth_of(world)]
    pibar = np.einsum("trk,ksa->trsa", shares, policies, optimize=True)
    columns = {
        "gap": gaps[off],
        "mean_gap": shares @ gaps,
        "coverage": np.einsum("s,sa,trsa->tr", world.rho, best**2, 1.0 / pibar, optimize=True),
    }
    if setting.startswith("rare arm"):
        unlearned, _ = gathered(world, u, reference_only(world))
        columns["gap_of_reference_data"] = gaps[unlearned]
    keys = {
        "setting": setting,
        "instance": instance,
        "run": np.tile(np.array(runs), len(COUNTS)),
        "round": np.repeat(COUNTS, len(runs)),
    }
    numbers = {
        "width": width_of(world),
        "reward_bound": float(world.reward_bound),
        "beta": float(world.beta),
        "log_kappa": float(q.log_kappa(2.0 * world.reward_bound / world.beta)),
    }
    return pd.DataFrame(keys | numbers | {name: column.ravel() for name, column in columns.items()})


def simulated(preset, seed):
    """Return the table of all settings."""
    runs, rare = RUNS[preset], rare_best_arm()
    tables = [
        tabled("rare arm, greedy", rare, likeliest, seed, 0, range(runs)),
        tabled("rare arm, optimistic", rare, optimistic(rare), seed, 1, range(runs)),
    ]
    for instance in range(WORLDS):
        key = tape.instance_key(seed=seed, instance=instance)
        share = range(runs // WORLDS)
        for setting, worlds in FAMILIES.items():
            tables.append(tabled(setting, worlds.draw(key), likeliest, seed, instance, share))
    return pd.concat(tables, ignore_index=True)


def bound(rows, coverage):
    """Return c_R sqrt(3 coverage L / T)."""
    steepest = 2.0 + np.exp(rows["reward_bound"]) + np.exp(-rows["reward_bound"])
    return steepest * np.sqrt(3.0 * coverage * rows["width"] / rows["round"])


class SelfTransfer(Probable):
    """A statement about pi_OFF on the data of an adaptive learner."""

    delta = DELTA
    population = "worlds"  # a bound for every world is tested in those at hand

    def simulate(self, preset, seed):
        return simulated(preset, seed)

    def measured(self, rows):
        return rows["gap"]


@claim("self_transfer_gap", source="huang2025, Theorem 3.2; simbench")
class SelfTransferGap(SelfTransfer):
    """J(pi*) - J(pi_OFF) <= c_R sqrt(3 Cov(pi*|pibar) log(2M/delta)/T) for all T with probability 1 - delta.

    pi_OFF = argmax_pi min_r E_{pi - ref} r - beta KL(pi||ref), pibar = the mean of the policies of slot 1, c_R as
    below. pi_OFF is pessimistic over the version space, in a finite class that holds r*, data of any adaptive
    sequence of its policies against ref; M rewards, c_R = 2 + e^R + e^-R: the theorem's order, with constants of our
    re-derivation. A grid of T in place of all T: weaker. Measured: the gap, T = 16 ... 1024. Controls: constants near
    the median over runs of what they use; labels of the reference alone, with the coverage of an optimistic learner's
    pibar, where the best response is rarer than 1/T.
    """

    controls = (
        Altered("0.08 of it, in random classes", where={"setting": "random, R = 10 beta"}, constant=0.08),
        Altered("0.2 of it, with a rare best arm", where={"setting": "rare arm, optimistic"}, constant=0.2),
        Altered(
            "labels of the reference, coverage of another learner's",
            where={"setting": "rare arm, optimistic"},
            measured=lambda rows: rows["gap_of_reference_data"],
        ),
    )

    def theory(self, rows):
        return bound(rows, rows["coverage"])


@claim("self_transfer_from_regret", source="huang2025, Theorem 3.2; simbench")
class SelfTransferFromRegret(SelfTransfer):
    """J(pi*) - J(pi_OFF) <= c_R sqrt(3 (1 + kappa(e^{2R/beta}) mean gap/beta) log(2M/delta)/T), all T, w.p. 1 - delta.

    c_R = 2 + e^R + e^{-R}, pi_OFF and M as in `self_transfer_gap`. Constants of our re-derivation, a grid of T. The
    mean gap is the learner's average regret (J(pi*) - J(pi_t)), t <= T; nothing depends on coverability. As
    `self_transfer_gap` otherwise, of which it is a consequence. It says little unless R/beta is small: kappa is 5e8
    at R = 10 beta. Control: a constant near the median over runs of what they use at R = 2 beta.
    """

    controls = (Altered("0.02 of it, at R = 2 beta", where={"setting": "random, R = 2 beta"}, constant=0.02),)

    def theory(self, rows):
        return bound(rows, 1.0 + np.exp(rows["log_kappa"]) * rows["mean_gap"] / rows["beta"])
