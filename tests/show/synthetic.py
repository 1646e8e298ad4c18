"""Synthetic studies with known answers: cumulative curves of a stated law, noise from the tape."""

import numpy as np
import pandas as pd

from simbench import tape
from simbench.verify.statistical.runs import RunMatrix

ROUNDS = np.unique(np.round(10 ** np.linspace(0, 4.5, 37)))


def law_matrix(curve, *, noise=0.0, runs=64, instances=4, rounds=ROUNDS, tag="law"):
    """Runs around `curve(T)`: increments times independent positive variables of mean 1 and deviation `noise`."""
    edges = np.concatenate([[0.0], rounds])
    increments = np.diff(curve(edges)) * np.ones((runs, 1))
    if noise > 0.0:
        increments = increments * positive_noise(tag, increments.shape, noise)
    instance = np.repeat(np.arange(instances), runs // instances)
    return RunMatrix(rounds=rounds, values=np.cumsum(increments, axis=1), instance=instance)


def positive_noise(tag, shape, deviation):
    """Positive skewed variables of mean 1: log-normal with the stated deviation, by Box-Muller on the tape."""
    key = tape.tape_key(axis="test", tag=tag)
    u = tape.uniforms_numpy(key, np.arange(shape[0])[:, None], np.arange(2 * shape[1])[None, :])
    normal = np.sqrt(-2.0 * np.log1p(-u[:, : shape[1]])) * np.cos(2.0 * np.pi * u[:, shape[1] :])
    width = np.sqrt(np.log1p(deviation**2))
    return np.exp(width * normal - width**2 / 2.0)


def tidy(matrix, *, learner="greedy", setting="base", **columns):
    """The matrix as a tidy table with the column `regret` (and others, each a matrix of the same shape)."""
    runs, marks = matrix.values.shape
    index = np.concatenate([np.arange(np.sum(matrix.instance == i)) for i in np.unique(matrix.instance)])
    return pd.DataFrame(
        {
            "setting": setting,
            "instance": np.repeat(matrix.instance, marks),
            "run": np.repeat(index, marks),
            "learner": learner,
            "round": np.tile(matrix.rounds.astype(int), runs),
            "regret": matrix.values.reshape(-1),
            **{name: values.reshape(-1) for name, values in columns.items()},
        }
    )
