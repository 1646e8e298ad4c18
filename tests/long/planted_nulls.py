"""Planted nulls with real laws: studies as finite populations, of which every mean is known exactly.

A study's runs `[worlds, runs, checkpoints]` are taken for the whole family: its mean, exponent and share are then those
of the family. Samples draw worlds with replacement, and runs within each; or, about the worlds themselves, runs alone.
The claim "not beyond the exact value" is true, and every refutation of it is a false alarm.
"""

import dataclasses

import numpy as np
from scipy import special

from simbench.study.evidence import Evidence
from simbench.verify import find_claim
from simbench.verify.statistical import bootstrap, bounded, means
from simbench.verify.statistical.exponents import Growth, Slope
from simbench.verify.statistical.level import Gained
from simbench.verify.statistical.population import units
from simbench.verify.statistical.runs import RunMatrix, run_matrix

SOURCES = {  # claim whose runs are taken -> learners, column, grid point
    "transfer_regret_flattens": ("TPO", "XPO", "regret", {"environment.sources.gap": 0.1}),
    "greedy_finite_regret_is_bounded": ("greedy, tabular", "greedy", "regret", {}),
    "optimism_saves_regret": ("xpo, 6e-4", "greedy", "regret", {}),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pool:
    """Runs `[worlds, runs, checkpoints]` of two learners on the same tapes, at `rounds`."""

    rounds: np.ndarray
    mine: np.ndarray
    yours: np.ndarray


def pools(out):
    """Play the quick presets that the pools are made of, and return them by study."""
    evidence = Evidence(out=out)
    known = {name: find_claim(name) for name in SOURCES}
    extra = find_claim("transfer_cuts_early_regret")
    evidence.gather([*known.values(), extra])
    found = {}
    for name, (first, second, column, where) in SOURCES.items():
        table = evidence.table(known[name])
        for key, value in where.items():
            table = table[table[key] == value]
        both = [run_matrix(table[table["learner"] == label], column) for label in (first, second)]
        worlds = both[0].instances
        shaped = [matrix.values.reshape(worlds, -1, matrix.rounds.size) for matrix in both]
        found[known[name].study] = Pool(rounds=both[0].rounds, mine=shaped[0], yours=shaped[1])
    return found


def drawn(rng, pool, population, tests, worlds, runs):
    """Return worlds `[tests, worlds, 1]` and runs `[tests, worlds, runs]` of samples from a pool."""
    have = pool.mine.shape
    which = (
        rng.integers(0, have[0], (tests, worlds, 1))
        if population == "family"
        else np.broadcast_to(np.arange(worlds)[:, None], (tests, worlds, 1))
    )
    return which, rng.integers(0, have[1], (tests, worlds, runs))


def kept(pool, population, worlds):
    """Return the part of the pool that the samples are about."""
    return slice(None) if population == "family" else slice(0, worlds)


def p_values(values, population, limit):
    """Return the p-values of the evidence beyond a mean, either side, of `values [tests, worlds, runs]`."""
    tests, worlds, runs = values.shape
    if population == "family":
        values, strata = values.mean(axis=2), np.zeros(worlds, dtype=int)
    else:
        values, strata = values.reshape(tests, -1), np.repeat(np.arange(worlds), runs)
    return means.below(values, strata, limit), means.above(values, strata, limit)


def of_means(rng, pool, population, tests, worlds, runs):
    """Yield the p-values of nulls about means: orders and a level."""
    which, one = drawn(rng, pool, population, tests, worlds, runs)
    other = drawn(rng, pool, population, tests, worlds, runs)[1]
    about = kept(pool, population, worlds)
    mine, yours = pool.mine[..., -1], pool.yours[..., -1]
    yield (
        "order, a learner and itself on other runs",
        p_values(mine[which, one] - mine[which, other], population, 0.0),
    )
    margin = float((yours - mine)[about].mean())
    yield "order, the margin exact", p_values((yours - mine)[which, one], population, margin)
    yield "level, the limit exact", p_values(mine[which, one], population, float(mine[about].mean()))


def of_shares(rng, pool, population, tests, worlds, runs):
    """Yield the p-values of a null about the share of runs that break a bound."""
    which, one = drawn(rng, pool, population, tests, worlds, runs)
    last = pool.mine[..., -1]
    about = last[kept(pool, population, worlds)]
    broken = last > np.quantile(about, 0.9)
    delta = float(broken[kept(pool, population, worlds)].mean())
    seen = broken[which, one].astype(float)
    if population == "family":
        p = bounded.above(seen.mean(axis=2), delta, 0.0, 1.0)
    else:
        p = special.bdtrc(seen.sum(axis=(1, 2)) - 1, worlds * runs, delta)
    yield "probable, delta exact", (p,)


def of_exponents(rng, pool, population, tests, worlds, runs, first):
    """Yield the p-values of nulls about exponents and a share gained, from checkpoint `first` on."""
    which, one = drawn(rng, pool, population, tests, worlds, runs)
    x, curves = pool.rounds[first:], pool.mine[..., first:]
    about = curves[kept(pool, population, worlds)].mean(axis=(0, 1))[None]
    instance = np.repeat(np.arange(worlds), runs)
    for name, reader in (
        ("rate, slope", Slope()),
        ("rate, growth", Growth()),
        ("level, share gained", Gained()),
    ):
        exact, p = float(reader.read(x, about).statistic[0]), []
        limit = reader.exponent(x, exact)
        for i in range(tests):
            values = curves[which[i], one[i]].reshape(worlds * runs, -1)
            matrix = units(RunMatrix(rounds=x, values=values, instance=instance), population)
            spread = bootstrap.spread_of(reader, matrix)
            p.append((spread.below(limit), spread.above(limit)))
        yield f"{name} exact", tuple(np.array(p).T)
