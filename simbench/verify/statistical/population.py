"""What a verdict is about: the family that worlds are drawn from, or the worlds that were drawn.

    "family"   E over worlds and runs. The unit of evidence is a world: its mean over runs is one observation, and
               worlds are independent draws. At least LEAST_WORLDS of them.
    "worlds"   E over runs, averaged over these K worlds. The unit is a run; spread is that of runs within their world.

Runs of one world are no independent draws from the family: counted as if they were, 8 worlds of 16 runs whose spread
between worlds is that within give a test of nominal size .01 the size .2. Where the family is meant, resampling takes
whole worlds with all their runs; runs drawn again within a drawn world would count the spread within worlds twice
[Davison and Hinkley 1997, section 3.8].

Family is the default. A claim whose statement names its worlds (one fixed world, these ten) says
`population = "worlds"`; so does a bound that holds in every world, which is refuted where it fails on average over
those at hand.
"""

import dataclasses

import numpy as np

from simbench.verify.statistical.runs import RunMatrix

POPULATIONS = ("family", "worlds")
LEAST_WORLDS = 16


def world_means(values: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Return the means over runs `[K, …]` of `values [N, …]`, one for each world, worlds in order."""
    _, index, sizes = np.unique(instance, return_inverse=True, return_counts=True)
    sums = np.zeros((sizes.size, *values.shape[1:]))
    np.add.at(sums, index, values)
    return np.asarray(sums / sizes.reshape(-1, *[1] * (values.ndim - 1)))


def units(matrix: RunMatrix, population: str) -> RunMatrix:
    """Return the independent units of evidence: worlds' mean curves as one stratum, or runs within their worlds."""
    if population == "worlds":
        return matrix
    means = world_means(matrix.values, matrix.instance)
    return dataclasses.replace(matrix, values=means, instance=np.zeros(len(means), dtype=int))


def too_few(instance: np.ndarray, population: str, least: int, name: str) -> str | None:
    """Return why there is too little evidence on this population, or None: `least` runs or pairs, or LEAST_WORLDS."""
    worlds, sizes = np.unique(instance, return_counts=True)
    if population == "worlds" and instance.size < least:
        return f"{instance.size} {name}; at least {least} are needed"
    if population == "family" and worlds.size < LEAST_WORLDS:
        return (
            f"{worlds.size} world{'s' if worlds.size > 1 else ''}; a statement about their family needs at least "
            f'{LEAST_WORLDS} (about these worlds alone, it says population = "worlds")'
        )
    if population == "worlds" and sizes.min() < 2:
        return 'a world has a single run, whose spread cannot be told; the population can be "family" only'
    return None


def about(worlds: int, population: str) -> str:
    """Return what the verdict is about, in words."""
    if population == "family":
        return f"about the family, by {worlds} worlds drawn from it"
    return "about this one world" if worlds == 1 else f"about these {worlds} worlds"


def spread_over(worlds: int, population: str) -> str:
    """Return over what an interval is, in words for a figure."""
    if population == "family":
        return f"over {worlds} worlds"
    return f"over runs within {worlds} world{'s' if worlds > 1 else ''}"
